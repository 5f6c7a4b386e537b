"""Gets a feed from where the configuration says it is."""

from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from streaming_system.plugin.feed import MAX_DOWNLOAD, FeedError

TIMEOUT = urllib3.Timeout(connect=10, read=30)
RETRIES = urllib3.Retry(total=5, connect=2, read=1, redirect=5, backoff_factor=0.5)
USER_AGENT = "streaming-system (schedule import)"


def fetch(source: str, *, limit: int = MAX_DOWNLOAD) -> bytes:
    """Return the bytes of a feed.

    :param source: an ``http://`` or ``https://`` address, or a path.
    :param limit: the most bytes that are taken.
    :raises FeedError: if it cannot be had.
    """
    if urlsplit(source).scheme in ("http", "https"):
        return _download(source, limit)
    return _read(Path(source), limit)


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise FeedError(f"cannot be read: {error.strerror}") from None
    return _within(data, limit)


def _download(url: str, limit: int) -> bytes:
    try:
        with urllib3.PoolManager(timeout=TIMEOUT, retries=RETRIES) as pool:
            answer = pool.request(
                "GET", url, preload_content=False, headers={"User-Agent": USER_AGENT}
            )
            try:
                if answer.status != 200:
                    raise FeedError(f"the server answered {answer.status} {answer.reason or ''}")
                data = b""
                for chunk in answer.stream(2**16, decode_content=True):
                    data += chunk
                    _within(data, limit)
                return data
            finally:
                answer.close()
    except urllib3.exceptions.HTTPError as error:
        raise FeedError(f"cannot be downloaded: {_reason(error)}") from None


def _reason(error: urllib3.exceptions.HTTPError) -> str:
    cause = getattr(error, "reason", None) or error
    return f"{cause!s:.200}".replace("\n", " ")


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise FeedError(f"is larger than {limit:,} bytes")
    return data
