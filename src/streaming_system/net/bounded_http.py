"""Reads HTTP response bodies within a size limit and a deadline."""

import time

import urllib3

from streaming_system.net.request_deadline import ResponseTimeoutError

CHUNK_BYTES = 64 * 1024


class ResponseTooLargeError(Exception):
    """The body exceeds its size limit."""


def read_bounded(
    response: urllib3.BaseHTTPResponse,
    *,
    max_bytes: int,
    deadline: float,
    truncate: bool = False,
) -> bytes:
    """Return the decoded body of a response that was requested with ``preload_content=False``.

    urllib3's read timeout applies to each chunk, so the whole body needs a deadline of its own.

    :param deadline: time of ``time.monotonic()``.
    :param truncate: return the first ``max_bytes`` of a longer body instead of raising.
    :raises ResponseTooLargeError: if the body has more than ``max_bytes``.
    :raises ResponseTimeoutError: if the body is incomplete at the deadline.
    :raises urllib3.exceptions.HTTPError: if the connection fails.
    """
    body = bytearray()
    while chunk := response.read1(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > max_bytes:
            if truncate:
                return bytes(body[:max_bytes])
            raise ResponseTooLargeError(f"the response has more than {max_bytes:,} bytes")
        if time.monotonic() > deadline:
            raise ResponseTimeoutError("the response takes too long")
    return bytes(body)
