"""HTTP client for trackers, with bounded times and sizes."""

import time
from typing import Any

import urllib3

from streaming_system.agent.tracker_clock import TrackerClock
from streaming_system.net.bounded_http import ResponseTooLargeError, read_bounded
from streaming_system.net.http_errors import describe_http_error
from streaming_system.net.request_deadline import (
    RequestDeadline,
    ResponseTimeoutError,
    deadline_pool_manager,
)
from streaming_system.util.foreign_json import parse_number
from streaming_system.util.user_agents import USER_AGENT

MAX_BODY_BYTES = 64 * 1024
CONNECT_TIMEOUT, TOTAL_TIMEOUT = 5.0, 10.0
# Bounds of the delays that a tracker may request, in seconds.
MIN_DELAY, MAX_DELAY = 1.0, 300.0


class TrackerError(Exception):
    """A call to a tracker failed; the message is one line with the URL and the reason."""


class UnauthorizedError(TrackerError):
    """The tracker rejects the token or the secret; a retry is pointless.

    :param is_forbidden: the token is valid, but not for this resource.
    """

    def __init__(self, line: str, *, is_forbidden: bool = False) -> None:
        super().__init__(line)
        self.is_forbidden = is_forbidden


class TrackerUnavailableError(TrackerError):
    """The tracker is unreachable, or its response is not that of a tracker; retry later.

    :param retry_after: seconds that the tracker requested in ``Retry-After``.
    """

    def __init__(self, line: str, *, retry_after: float | None = None) -> None:
        super().__init__(line)
        self.retry_after = retry_after


class ReportRejectedError(TrackerUnavailableError):
    """The tracker rejects the content: an unknown room, an invalid value."""


class NameTakenError(ReportRejectedError):
    """Another agent reports an endpoint of this name; the tracker accepts one of both."""


class PayloadTooLargeError(ReportRejectedError):
    """The request body exceeds a limit of the tracker, or of a proxy in front of it."""


class BoundedHttpClient:
    """HTTP client with a deadline, a size limit and no redirects."""

    def __init__(self, server: str) -> None:
        self.url = server.rstrip("/")
        self.clock = TrackerClock()
        self._has_compared_clocks = False
        self._pool = deadline_pool_manager(retries=False, headers={"User-Agent": USER_AGENT})

    def compare_clocks(self) -> None:
        """Make a request, once, to learn the tracker's time.

        :raises TrackerUnavailableError: if the tracker is unreachable.
        """
        if not self._has_compared_clocks:
            self.call("GET", "/healthz")
            self._has_compared_clocks = True

    def call(
        self,
        method: str,
        path: str,
        *,
        timeout: float = TOTAL_TIMEOUT,
        max_bytes: int = MAX_BODY_BYTES,
        **options: Any,
    ) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        """Return a response of any status except a redirect, and its body.

        :param timeout: seconds for the whole response.
        :param options: more arguments of :meth:`urllib3.PoolManager.request`.
        :raises TrackerUnavailableError: if there is no such response in time.
        """
        url = f"{self.url}{path}"
        sent = time.monotonic()
        deadline = sent + timeout
        try:
            with RequestDeadline(timeout):
                response = self._pool.request(
                    method,
                    url,
                    timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT, timeout), read=timeout),
                    redirect=False,
                    preload_content=False,
                    **options,
                )
                # A cache stores the header of an earlier response.
                if "Age" not in response.headers:
                    self.clock.record(response.headers.get("Date"), sent, time.monotonic())
                try:
                    body = read_bounded(response, max_bytes=max_bytes, deadline=deadline)
                except BaseException:
                    # The rest of the body makes the connection useless for another request.
                    response.close()
                    raise
                response.release_conn()
        except ResponseTooLargeError as error:
            raise TrackerUnavailableError(f"{url}: {error}; is this a tracker?") from None
        except ResponseTimeoutError as error:
            raise TrackerUnavailableError(f"{url}: {error}") from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise TrackerUnavailableError(f"{url}: {describe_http_error(error)}") from None
        if 300 <= response.status < 400:
            location = ascii(response.headers.get("Location", "nowhere"))[:200]
            raise TrackerUnavailableError(
                f"{url}: redirects to {location}; is this the tracker's URL?"
            )
        return response, body


def parse_delay(value: Any) -> float | None:
    """Return a delay in seconds, within MIN_DELAY and MAX_DELAY; ``None`` if it is no number."""
    delay = None if isinstance(value, str) else parse_number(value)
    return None if delay is None else min(max(delay, MIN_DELAY), MAX_DELAY)


def retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    """Return the ``Retry-After`` of a response in seconds, if it has one."""
    value = response.headers.get("Retry-After", "")
    is_number = value.isascii() and value.isdigit() and len(value) < 9
    return parse_delay(int(value)) if is_number else None
