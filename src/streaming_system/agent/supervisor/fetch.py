"""Asks servers as their viewers do, with bounds."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

import urllib3

from streaming_system.agent.tracker_http import USER_AGENT


class FetchError(Exception):
    """What a server does not give, in a few words without its address: anybody may read them."""


@dataclass(frozen=True, kw_only=True)
class HttpResult:
    """An answer, from wherever it came in the end."""

    url: str
    status: int
    body: bytes


@contextmanager
def open_response(
    pool: urllib3.PoolManager, url: str, *, wait: float, follow: bool
) -> Iterator[urllib3.BaseHTTPResponse]:
    """Open an address.

    :param wait: for how many seconds it may say nothing.
    :raises FetchError: whatever goes wrong, also while it is read.
    """
    try:
        answer = pool.request(
            "GET",
            url,
            headers={"User-Agent": USER_AGENT},
            preload_content=False,
            redirect=follow,
            retries=urllib3.Retry(total=3, connect=0, read=0, status=0, other=0)
            if follow
            else False,
            timeout=urllib3.Timeout(connect=min(wait, 5), read=wait),
        )
        try:
            yield answer
        finally:
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise FetchError(_describe_error(error)) from None


def fetch_url(
    pool: urllib3.PoolManager, url: str, *, within: float, most: int, follow: bool = True
) -> HttpResult:
    """Return an answer of any status.

    :param most: so many bytes of it are enough.
    :raises FetchError: if there is none in time.
    """
    end = time.monotonic() + within
    with open_response(pool, url, wait=within, follow=follow) as answer:
        body = bytearray()
        while len(body) < most and (piece := answer.read1(65536)):
            body += piece
            if time.monotonic() > end:
                raise FetchError(f"takes more than {within:g} s")
        return HttpResult(
            url=_final_url(url, answer), status=answer.status, body=bytes(body[:most])
        )


def _final_url(url: str, answer: urllib3.BaseHTTPResponse) -> str:
    for hop in answer.retries.history if answer.retries else ():
        url = urljoin(url, hop.redirect_location or "")
    return url


def _describe_error(error: Exception) -> str:
    """Return what is wrong without naming addresses."""
    reason = getattr(error, "reason", None)
    error = reason if isinstance(reason, Exception) else error
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "its name is not known"
    if isinstance(error, urllib3.exceptions.SSLError):
        return "its certificate is not taken"
    # To urllib3, what cannot be reached is a kind of timeout.
    if known := re.search(r"\[Errno -?\d+\] ([A-Za-z ]+)", str(error)):
        return f"cannot be reached: {known[1].lower()}"
    late = isinstance(error, urllib3.exceptions.TimeoutError)
    return "takes too long to answer" if late else "breaks off"
