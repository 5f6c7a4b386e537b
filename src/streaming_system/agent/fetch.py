"""HTTP requests of checks, with limits on size and time."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import urllib3

from streaming_system.net.bounded_http import read_bounded
from streaming_system.net.http_errors import describe_http_error
from streaming_system.net.request_deadline import RequestDeadline, ResponseTimeoutError
from streaming_system.util.user_agents import USER_AGENT

MAX_CONNECT_TIMEOUT = 5.0


class FetchError(Exception):
    """A failed request. The message is public, so it does not contain the URL."""


@dataclass(frozen=True, kw_only=True)
class HttpResult:
    """A response; ``url`` is the one after all redirects."""

    url: str
    status: int
    body: bytes


@contextmanager
def open_response(
    pool: urllib3.PoolManager, url: str, *, read_timeout: float, follow_redirects: bool
) -> Iterator[urllib3.BaseHTTPResponse]:
    """Request a URL, and close the response afterwards.

    :param read_timeout: seconds without data.
    :raises FetchError: if the request fails, also while the caller reads the body.
    """
    redirects = urllib3.Retry(total=3, connect=0, read=0, status=0, other=0)
    try:
        response = pool.request(
            "GET",
            url,
            headers={"User-Agent": USER_AGENT},
            preload_content=False,
            redirect=follow_redirects,
            retries=redirects if follow_redirects else False,
            timeout=urllib3.Timeout(
                connect=min(read_timeout, MAX_CONNECT_TIMEOUT), read=read_timeout
            ),
        )
        try:
            yield response
        finally:
            response.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise FetchError(describe_http_error(error)) from None


@contextmanager
def open_stream(
    pool: urllib3.PoolManager, url: str, *, timeout: float
) -> Iterator[urllib3.BaseHTTPResponse]:
    """Request an endless response, and close it afterwards.

    :param pool: a :func:`deadline_pool_manager`.
    :param timeout: seconds for all headers together, and then seconds without data.
    :raises FetchError: if the request fails, also while the caller reads the body.
    """
    with ExitStack() as stack:
        try:
            with RequestDeadline(timeout):
                response = stack.enter_context(
                    open_response(pool, url, read_timeout=timeout, follow_redirects=True)
                )
        except ResponseTimeoutError:
            raise FetchError(f"takes more than {timeout:g} s") from None
        yield response


def fetch_url(
    pool: urllib3.PoolManager,
    url: str,
    *,
    timeout: float,
    max_bytes: int,
    follow_redirects: bool = True,
) -> HttpResult:
    """Return a response of any status, with at most ``max_bytes`` of its body.

    :raises FetchError: if the request fails or takes longer than ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    try:
        with (
            RequestDeadline(timeout),
            open_response(
                pool, url, read_timeout=timeout, follow_redirects=follow_redirects
            ) as response,
        ):
            body = read_bounded(response, max_bytes=max_bytes, deadline=deadline, truncate=True)
            return HttpResult(url=_final_url(url, response), status=response.status, body=body)
    except ResponseTimeoutError:
        raise FetchError(f"takes more than {timeout:g} s") from None


def _final_url(url: str, response: urllib3.BaseHTTPResponse) -> str:
    for hop in response.retries.history if response.retries else ():
        url = urljoin(url, hop.redirect_location or "")
    return url
