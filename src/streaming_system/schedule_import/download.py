"""Fetches feeds from URLs and files."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from streaming_system.net.bounded_http import (
    ResponseTimeoutError,
    ResponseTooLargeError,
    read_bounded,
)
from streaming_system.net.ssrf import Networks, safe_pool_manager
from streaming_system.plugin.encoding import transcode_to_utf8
from streaming_system.plugin.feed import MAX_DOWNLOAD_BYTES, FeedError

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 30.0
# The timeout of a whole download, as a multiple of the read timeout.
TOTAL_TIMEOUT_FACTOR = 4
RETRIES = urllib3.Retry(total=5, connect=2, read=1, redirect=5, backoff_factor=0.5)
ERROR_DESCRIPTIONS: tuple[tuple[type[Exception], str], ...] = (
    (urllib3.exceptions.NameResolutionError, "the name of the server cannot be resolved"),
    (urllib3.exceptions.NewConnectionError, "no connection to the server"),
    (urllib3.exceptions.TimeoutError, "the server does not answer in time"),
    (urllib3.exceptions.SSLError, "the certificate of the server is not valid"),
    (urllib3.exceptions.ProtocolError, "the server broke off the connection"),
    (urllib3.exceptions.DecodeError, "the compression of the response is broken"),
    (urllib3.exceptions.LocationParseError, "the address is not valid"),
)
USER_AGENT = "streaming-system (schedule import)"


@dataclass(frozen=True, kw_only=True)
class FetchedFeed:
    """A fetched feed.

    :param data: the bytes; ``None`` if the feed has not changed. If only the header
        ``Content-Type`` declares their encoding, they are converted to UTF-8.
    :param validators: the request headers that make the next request conditional.
    :param repr_digest: the header ``Repr-Digest``; "" if the response has none.
    """

    data: bytes | None
    validators: Mapping[str, str] = field(default_factory=dict)
    repr_digest: str = ""


def fetch_feed(
    source: str,
    *,
    max_bytes: int = MAX_DOWNLOAD_BYTES,
    timeout: float = READ_TIMEOUT,
    allowed_networks: Networks = (),
) -> bytes:
    """Return the bytes of a feed.

    :param source: a URL (http or https), or a path.
    :param timeout: seconds for each read.
    :param allowed_networks: private networks to which the URL may lead.
    :raises FeedError: if it cannot be fetched.
    """
    feed = fetch_if_changed(
        source, max_bytes=max_bytes, timeout=timeout, allowed_networks=allowed_networks
    )
    return feed.data or b""


def fetch_if_changed(
    source: str,
    *,
    validators: Mapping[str, str] | None = None,
    max_bytes: int = MAX_DOWNLOAD_BYTES,
    timeout: float = READ_TIMEOUT,
    allowed_networks: Networks = (),
) -> FetchedFeed:
    """Fetch a feed like :func:`fetch_feed`, unless it has not changed.

    :param validators: those of the previous :class:`FetchedFeed`.
    :raises FeedError: if it cannot be fetched.
    """
    if urlsplit(source).scheme not in ("http", "https"):
        return FetchedFeed(data=_read_file(Path(source), max_bytes))
    headers = {"User-Agent": USER_AGENT, **(validators or {})}
    timeouts = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, timeout), read=timeout)
    try:
        with safe_pool_manager(allowed_networks, timeout=timeouts, retries=RETRIES) as pool:
            response = pool.request("GET", source, preload_content=False, headers=headers)
            try:
                if response.status == 304 and validators:
                    return FetchedFeed(data=None, validators=validators)
                return _read_response(response, max_bytes, TOTAL_TIMEOUT_FACTOR * timeout)
            finally:
                response.close()
    except urllib3.exceptions.HTTPError as error:
        raise FeedError(f"cannot be downloaded: {_describe_error(error)}") from None


def _read_file(path: Path, max_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise FeedError(f"cannot be read: {error.strerror}") from None
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    return data


def _read_response(
    response: urllib3.BaseHTTPResponse, max_bytes: int, timeout: float
) -> FetchedFeed:
    if response.status != 200:
        raise FeedError(f"the server answered {response.status} {response.reason or ''}".strip())
    try:
        data = read_bounded(response, max_bytes=max_bytes, deadline=time.monotonic() + timeout)
    except ResponseTooLargeError:
        raise _too_large(max_bytes) from None
    except ResponseTimeoutError:
        raise FeedError(f"takes longer than {timeout:g} s to download") from None
    validators = {
        conditional: response.headers[name]
        for name, conditional in (
            ("ETag", "If-None-Match"),
            ("Last-Modified", "If-Modified-Since"),
        )
        if name in response.headers
    }
    return FetchedFeed(
        data=transcode_to_utf8(data, _charset(response.headers.get("Content-Type", ""))),
        validators=validators,
        repr_digest=response.headers.get("Repr-Digest", ""),
    )


def _charset(content_type: str) -> str:
    message = Message()
    message["Content-Type"] = content_type
    return message.get_content_charset("")


def _too_large(max_bytes: int) -> FeedError:
    return FeedError(f"is larger than {max_bytes:,} bytes")


def _describe_error(error: urllib3.exceptions.HTTPError) -> str:
    """Return why a download failed, in our words instead of urllib3's."""
    cause = getattr(error, "reason", None) or error
    description = next(
        (text for error_type, text in ERROR_DESCRIPTIONS if isinstance(cause, error_type)),
        f"{cause!s:.200}".replace("\n", " "),
    )
    origin = cause.__cause__ if isinstance(cause, Exception) else None
    if isinstance(origin, OSError) and origin.strerror:
        description = f"{description}: {origin.strerror}"
    return description
