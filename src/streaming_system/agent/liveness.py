"""Liveness of streams: loads each stream at the URL that viewers get, and checks that it moves.

The status page of a server says that a publisher is connected, not that viewers get pictures.
"""

import hashlib
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import urllib3

from streaming_system.agent.config import AgentConfig, SourceConfig, StreamConfig
from streaming_system.agent.fetch import FetchError, fetch_url, open_stream
from streaming_system.agent.hls_progress import HlsProgress
from streaming_system.agent.open_checks import open_check
from streaming_system.net.bounded_http import CHUNK_BYTES
from streaming_system.net.request_deadline import deadline_pool_manager
from streaming_system.util.log_once import LogOnce
from streaming_system.util.unexpected_error import describe_unexpected_error

log = logging.getLogger(__name__)

CHECK_INTERVAL = 2.0
REQUEST_TIMEOUT = 5.0
# A stream that does not move is noticed within this time, or within one and a half target
# durations of HLS.
STALL_TIMEOUT = 8.0
# A server sends its buffer to a new client immediately, even if its publisher is frozen.
BURST_GRACE = 1.5
# One failed request may be a reload of the server.
MAX_CONSECUTIVE_FAILURES = 2
MAX_SEGMENT_BYTES = 64 * 1024
MAX_MANIFEST_BYTES = 1024 * 1024
# The beginning of a connection, in which video is measured.
SAMPLE_SECONDS = 12.0
MAX_SAMPLE_BYTES = 4 * 1024 * 1024
VIDEO_FORMATS = frozenset(("webm", "mp4", "ogg", "flv", "ts"))


@dataclass(frozen=True, kw_only=True)
class StreamStatus:
    """Whether a stream plays.

    :param is_known: false until the first check has a result.
    :param problem: one line; "" if it plays.
    """

    is_known: bool = False
    problem: str = ""

    @property
    def is_playing(self) -> bool:
        """Whether viewers get a moving stream."""
        return self.is_known and not self.problem


class StreamChecker(threading.Thread, ABC):
    """Checks one stream until ``stop`` is set.

    :param subject: its name for people; unique.
    :param url: where viewers play it.
    :param on_change: called with the checker after each change of :attr:`status`.
    """

    def __init__(
        self,
        subject: str,
        stream: StreamConfig,
        url: str,
        on_change: Callable[["StreamChecker"], None],
        stop: threading.Event,
    ) -> None:
        self.subject, self.stream, self.url = subject, stream, url
        super().__init__(name=f"check of {subject}", daemon=True)
        self.status = StreamStatus()
        self._on_change, self._stop_event = on_change, stop
        self._failures = 0
        self._pool = deadline_pool_manager()
        self._warnings = LogOnce(log)

    @property
    def has_session(self) -> bool:
        """Whether a server that counts viewers of segments counts this check."""
        return self.stream.format in CHECKERS and self.status.is_playing

    def run(self) -> None:
        while not self._stop_event.is_set():
            started_at = time.monotonic()
            try:
                self._check()
            except FetchError as error:
                self._record_failure(str(error))
            except Exception as error:
                # An unexpected response must not end the check.
                log.debug("check of %s failed", self.url, exc_info=True)
                self._record_failure(f"cannot be checked: {describe_unexpected_error(error)}")
            self._stop_event.wait(max(0.1, started_at + CHECK_INTERVAL - time.monotonic()))

    @abstractmethod
    def _check(self) -> None:
        """Check the stream once, or until it fails.

        :raises FetchError: if it does not play.
        """

    def _record_success(self) -> None:
        self._failures = 0
        self._warnings.resolve(self.subject)
        self._set_status(StreamStatus(is_known=True))

    def _record_failure(self, problem: str) -> None:
        self._failures += 1
        if self.status.is_playing and self._failures < MAX_CONSECUTIVE_FAILURES:
            return
        # A message that counts seconds would be logged at each check.
        if not self.status.problem:
            self._warnings.warn(self.subject, f"{self.url}: {problem}")
        self._set_status(StreamStatus(is_known=True, problem=problem))

    def _set_status(self, status: StreamStatus) -> None:
        has_changed = status != self.status
        self.status = status
        if has_changed:
            self._on_change(self)


class HlsChecker(StreamChecker):
    """Checks that all playlists advance and that new segments are served."""

    def __init__(
        self,
        subject: str,
        stream: StreamConfig,
        url: str,
        on_change: Callable[[StreamChecker], None],
        stop: threading.Event,
    ) -> None:
        super().__init__(subject, stream, url, on_change, stop)
        self._progress = HlsProgress(
            url,
            stall_timeout=lambda target: max(STALL_TIMEOUT, 1.5 * target),
            max_segment_bytes=MAX_SEGMENT_BYTES,
        )

    def _check(self) -> None:
        if self._progress.advance(REQUEST_TIMEOUT):
            self._record_success()


class ContinuousChecker(StreamChecker):
    """Stays connected to an endless response, such as Icecast's, and checks that bytes arrive.

    :ivar sample: the first seconds of the connection, until they are measured; empty before.
    """

    sample = b""

    def _check(self) -> None:
        with open_stream(self._pool, self.url, timeout=STALL_TIMEOUT) as response:
            if response.status != 200:
                raise FetchError(f"responds with status {response.status}")
            with open_check(self.url):
                self._read(response)

    def _read(self, response: urllib3.BaseHTTPResponse) -> None:
        connected_at = time.monotonic()
        self.sample, sample = b"", bytearray()
        is_sampling = self.stream.format in VIDEO_FORMATS
        while not self._stop_event.is_set():
            try:
                chunk = response.read1(CHUNK_BYTES)
            except urllib3.exceptions.ReadTimeoutError:
                self._failures = MAX_CONSECUTIVE_FAILURES
                raise FetchError(f"no data for {STALL_TIMEOUT:.0f} s") from None
            if not chunk:
                raise FetchError("the stream has ended")
            elapsed = time.monotonic() - connected_at
            if is_sampling:
                sample += chunk
                is_sampling = elapsed < SAMPLE_SECONDS and len(sample) < MAX_SAMPLE_BYTES
                if not is_sampling:
                    self.sample, sample = bytes(sample), bytearray()
            if elapsed > BURST_GRACE:
                self._record_success()


class ManifestChecker(StreamChecker):
    """Checks that a DASH manifest is served, and that it changes if it lists its segments."""

    def __init__(
        self,
        subject: str,
        stream: StreamConfig,
        url: str,
        on_change: Callable[[StreamChecker], None],
        stop: threading.Event,
    ) -> None:
        super().__init__(subject, stream, url, on_change, stop)
        self._digest = b""
        self._changed_at = time.monotonic()

    def _check(self) -> None:
        result = fetch_url(
            self._pool, self.url, timeout=REQUEST_TIMEOUT, max_bytes=MAX_MANIFEST_BYTES
        )
        if result.status != 200:
            raise FetchError(f"responds with status {result.status}")
        if b"<MPD" not in result.body:
            raise FetchError("the response is not a DASH manifest")
        digest = hashlib.blake2b(result.body).digest()
        if digest != self._digest:
            self._digest, self._changed_at = digest, time.monotonic()
        unchanged = time.monotonic() - self._changed_at
        # A manifest with numbered segments of one duration never changes.
        if b"<SegmentTimeline" in result.body and unchanged > STALL_TIMEOUT:
            raise FetchError(f"the manifest has not changed for {unchanged:.0f} s")
        self._record_success()


CHECKERS: dict[str, type[StreamChecker]] = {
    "hls": HlsChecker,
    "slides": HlsChecker,
    "dash": ManifestChecker,
}


def create_checkers(
    agent: AgentConfig, on_change: Callable[[StreamChecker], None], stop: threading.Event
) -> dict[tuple[str, str], StreamChecker]:
    """Return a checker for each stream that HTTP can play, by source and mount."""
    return {
        (source.name, stream.mount): CHECKERS.get(stream.format, ContinuousChecker)(
            _subject(agent, source, stream), stream, stream.url, on_change, stop
        )
        for source in agent.sources
        for stream in source.streams
        if agent.checks_streams and stream.url
    }


def _subject(agent: AgentConfig, source: SourceConfig, stream: StreamConfig) -> str:
    is_shared = stream.endpoint == agent.name
    return f"{stream.room} {stream.name}" + ("" if is_shared else f" ({source.name})")
