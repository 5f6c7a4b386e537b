"""Calls of a tracker, with bounds, and what becomes of them."""

import time
from typing import Any

import urllib3

from streaming_system.util.log_once import describe_error

MAX_BODY_BYTES = 64 * 1024
CHUNK_BYTES = 64 * 1024
CONNECT_TIMEOUT, TOTAL_TIMEOUT = 5.0, 10.0
# What a tracker may ask for, in seconds.
MIN_DELAY, MAX_DELAY = 1.0, 300.0
USER_AGENT = "streaming-system (agent)"


class TrackerError(Exception):
    """What a tracker says no to, or did not hear: one line that says which and why."""


class UnauthorizedError(TrackerError):
    """The token or the secret is not taken: trying again is of no use.

    :param known: that the tracker knows the token, which is not for this.
    """

    def __init__(self, line: str, *, known: bool = False) -> None:
        super().__init__(line)
        self.known = known


class TrackerUnavailableError(TrackerError):
    """The tracker did not hear, or did not answer as a tracker does: to be tried again later.

    :param after: the seconds that the tracker wants to be left alone.
    """

    def __init__(self, line: str, *, after: float | None = None) -> None:
        super().__init__(line)
        self.after = after


class ReportRejectedError(TrackerUnavailableError):
    """The tracker does not take this, and will hardly ever: an unknown room, a value."""


class PayloadTooLargeError(ReportRejectedError):
    """The tracker, or what stands before it, takes less at once."""


class BoundedHttpClient:
    """HTTP with bounds: of time, of the size of answers, of redirects."""

    def __init__(self, server: str) -> None:
        self.url = server.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False, headers={"User-Agent": USER_AGENT})

    def call(
        self,
        method: str,
        path: str,
        *,
        within: float = TOTAL_TIMEOUT,
        most: int = MAX_BODY_BYTES,
        **more: Any,
    ) -> tuple[urllib3.BaseHTTPResponse, bytes]:
        """Return an answer, of any status but a redirect's, and its body.

        :raises Unreachable: if there is none within so many seconds.
        """
        url = f"{self.url}{path}"
        end = time.monotonic() + within
        timeout = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, within), read=within)
        try:
            answer = self._pool.request(
                method, url, timeout=timeout, redirect=False, preload_content=False, **more
            )
            try:
                data = read_bounded(answer, end, most)
            except BaseException:
                # A connection with the rest of an answer in it is of no use to anybody.
                answer.close()
                raise
            answer.release_conn()
        except TrackerBodyTooLargeError as error:
            raise TrackerUnavailableError(f"{url}: {error}: it is no tracker") from None
        except TrackerBodyTimeoutError as error:
            raise TrackerUnavailableError(f"{url}: {error}") from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise TrackerUnavailableError(
                f"{url}: cannot be reached: {describe_error(error)}"
            ) from None
        if 300 <= answer.status < 400:
            to = ascii(answer.headers.get("Location", "nowhere"))[:200]
            raise TrackerUnavailableError(
                f"{url}: leads to {to}; does agent.ini name the tracker's address?"
            )
        return answer, data


class TrackerBodyTooLargeError(Exception):
    """An answer that does not end."""


class TrackerBodyTimeoutError(Exception):
    """An answer that takes too long."""


def read_bounded(answer: urllib3.BaseHTTPResponse, end: float, most: int) -> bytes:
    """Return the body of an answer.

    :param end: by the monotonic clock.
    :raises TooMuchError: if it has more than so many bytes.
    :raises TooSlowError: if it has not ended by then.
    """
    body = bytearray()
    while piece := answer.read1(CHUNK_BYTES):
        body += piece
        if len(body) > most:
            raise TrackerBodyTooLargeError(f"answers with more than {most // 1024} KiB")
        if time.monotonic() > end:
            raise TrackerBodyTimeoutError("takes too long to answer")
    return bytes(body)


def parse_delay(value: Any) -> float | None:
    """Return how long to wait, as a tracker says it, within bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return min(max(float(value), MIN_DELAY), MAX_DELAY)


def after(answer: urllib3.BaseHTTPResponse) -> float | None:
    """Return for how long a tracker wants to be left alone, if it says so."""
    value = answer.headers.get("Retry-After", "")
    return (
        parse_delay(int(value)) if value.isascii() and value.isdigit() and len(value) < 9 else None
    )
