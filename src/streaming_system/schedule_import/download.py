"""Gets a feed from where the configuration says it is."""

import re
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import urllib3

from streaming_system.net.ssrf import Networks, safe_pool_manager
from streaming_system.plugin.feed import MAX_DOWNLOAD_BYTES, FeedError

CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 30.0
# All of it may take so many times as long as a server may be silent.
TOTAL_TIMEOUT_FACTOR = 4
RETRIES = urllib3.Retry(total=5, connect=2, read=1, redirect=5, backoff_factor=0.5)
USER_AGENT = "streaming-system (schedule import)"


def fetch_feed(
    source: str,
    *,
    limit: int = MAX_DOWNLOAD_BYTES,
    seconds: float = READ_TIMEOUT,
    networks: Networks = (),
) -> bytes:
    """Return the bytes of a feed.

    :param source: an ``http://`` or ``https://`` address, or a path.
    :param limit: the most bytes that are taken.
    :param seconds: how long its server may be silent.
    :param networks: the private addresses that may be asked.
    :raises FeedError: if it cannot be had.
    """
    downloader = FeedDownloader(source, limit=limit, seconds=seconds, networks=networks)
    return downloader.fetch() or b""


class FeedDownloader:
    """Gets one feed, or learns that it has not changed.

    ``digest`` is what the server says of the bytes in ``Repr-Digest``; "" if it says nothing.

    :param headers: the ``validators`` of the last time.
    """

    def __init__(
        self,
        source: str,
        *,
        limit: int = MAX_DOWNLOAD_BYTES,
        seconds: float = READ_TIMEOUT,
        headers: Mapping[str, str] | None = None,
        networks: Networks = (),
    ) -> None:
        self.source = source
        self.validators: dict[str, str] = {}
        self.digest = ""
        self._limit = limit
        self._seconds = seconds
        self._headers = dict(headers or {})
        self._networks = networks

    def fetch(self) -> bytes | None:
        """Return the bytes, or ``None`` if they are those of the last time.

        :raises FeedError: if the feed cannot be had.
        """
        if urlsplit(self.source).scheme in ("http", "https"):
            return self._download()
        return self._read(Path(self.source))

    def _read(self, path: Path) -> bytes:
        try:
            with path.open("rb") as file:
                data = file.read(self._limit + 1)
        except OSError as error:
            raise FeedError(f"cannot be read: {error.strerror}") from None
        self._within(data)
        return data

    def _download(self) -> bytes | None:
        headers = {"User-Agent": USER_AGENT, **self._headers}
        timeout = urllib3.Timeout(connect=min(CONNECT_TIMEOUT, self._seconds), read=self._seconds)
        try:
            with safe_pool_manager(self._networks, timeout=timeout, retries=RETRIES) as pool:
                answer = pool.request("GET", self.source, preload_content=False, headers=headers)
                try:
                    return self._taken(answer)
                finally:
                    answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise FeedError(f"cannot be downloaded: {_describe_error(error)}") from None

    def _taken(self, answer: urllib3.BaseHTTPResponse) -> bytes | None:
        if answer.status == 304 and self._headers:
            return None
        if answer.status != 200:
            raise FeedError(f"the server answered {answer.status} {answer.reason or ''}".strip())
        for given, back in (("ETag", "If-None-Match"), ("Last-Modified", "If-Modified-Since")):
            if given in answer.headers:
                self.validators[back] = answer.headers[given]
        self.digest = answer.headers.get("Repr-Digest", "")
        data = bytearray()
        # The time-out holds for each piece, so the sum has its own.
        give_up = time.monotonic() + TOTAL_TIMEOUT_FACTOR * self._seconds
        while chunk := answer.read1(2**16, decode_content=True):
            data += chunk
            self._within(data)
            if time.monotonic() > give_up:
                raise FeedError(
                    f"takes longer than {TOTAL_TIMEOUT_FACTOR * self._seconds:g} s to download"
                )
        return bytes(data)

    def _within(self, data: bytes | bytearray) -> None:
        if len(data) > self._limit:
            raise FeedError(f"is larger than {self._limit:,} bytes")


def _describe_error(error: urllib3.exceptions.HTTPError) -> str:
    cause = getattr(error, "reason", None) or error
    # Where in memory the connection was is no reason, and another one each time.
    return re.sub(r"<[^<>]* at 0x[0-9a-f]+>: ", "", f"{cause!s:.200}".replace("\n", " "))
