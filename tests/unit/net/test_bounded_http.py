"""Bounded reads of response bodies."""

import io
import time

import pytest
import urllib3

from streaming_system.net.bounded_http import (
    CHUNK_BYTES,
    ResponseTimeoutError,
    ResponseTooLargeError,
    read_bounded,
)


def response(body):
    return urllib3.HTTPResponse(io.BytesIO(body), preload_content=False, status=200)


def soon():
    return time.monotonic() + 60


def test_body_within_its_limits_is_returned_whole():
    body = b"x" * (2 * CHUNK_BYTES + 1)
    assert read_bounded(response(body), max_bytes=len(body), deadline=soon()) == body


def test_longer_body_is_refused_or_truncated():
    body = b"x" * (CHUNK_BYTES + 1)
    with pytest.raises(ResponseTooLargeError, match=r"more than 65,536 bytes"):
        read_bounded(response(body), max_bytes=CHUNK_BYTES, deadline=soon())
    assert read_bounded(response(body), max_bytes=10, deadline=soon(), truncate=True) == body[:10]


def test_body_that_is_incomplete_at_the_deadline_is_refused():
    with pytest.raises(ResponseTimeoutError):
        read_bounded(response(b"x"), max_bytes=10, deadline=time.monotonic() - 1)
