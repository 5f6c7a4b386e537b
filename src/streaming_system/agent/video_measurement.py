"""Measures frame rates and keyframe intervals: ffprobe reads some seconds of each stream.

The agent loads the stream itself; ffprobe reads its standard input and opens no connection.
"""

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import IO, Any
from urllib.parse import urljoin

import urllib3

from streaming_system.agent.fetch import FetchError, HttpResult, fetch_url
from streaming_system.agent.hls_progress import MAX_PLAYLIST_BYTES, parse_playlist, rendition_urls
from streaming_system.agent.ingest_health import VideoMeasurement
from streaming_system.agent.liveness import ContinuousChecker, HlsChecker, StreamChecker
from streaming_system.agent.source_state import SourceStateStore
from streaming_system.agent.subprocesses import ProcessRunner, ProgramError
from streaming_system.net.request_deadline import deadline_pool_manager
from streaming_system.util.log_once import LogOnce
from streaming_system.util.unexpected_error import describe_unexpected_error

log = logging.getLogger(__name__)

MEASURE_INTERVAL = 60.0
POLL_INTERVAL = 2.0
# Three segments have at least two keyframe intervals, since a segment begins with a keyframe.
MAX_SEGMENTS = 3
MAX_SEGMENT_BYTES = 8 * 1024 * 1024
FETCH_TIMEOUT, PROBE_TIMEOUT = 15.0, 15.0
PROBE_COMMAND = (
    *("-v", "error", "-protocol_whitelist", "pipe", "-threads", "1", "-i", "pipe:0"),
    *("-select_streams", "v:0"),
    *("-show_entries", "packet=pts_time,flags", "-of", "csv=p=0"),
)


class VideoMeasurer(threading.Thread):
    """Measures each stream that plays, again and again, one after the other.

    :param checkers: of the streams; a stream is measured while its check finds it playing.
    """

    def __init__(
        self,
        checkers: Iterable[StreamChecker],
        states: SourceStateStore,
        stop: threading.Event,
        *,
        interval: float = MEASURE_INTERVAL,
    ) -> None:
        super().__init__(name="video measurement", daemon=True)
        self._checkers, self._states, self._stop_event = tuple(checkers), states, stop
        self._interval = interval
        self._due: dict[str, float] = {}
        self._pool = deadline_pool_manager()
        self._runner = ProcessRunner(stop)
        self._warnings = LogOnce(log)

    def run(self) -> None:
        while not self._stop_event.is_set():
            for checker in self._checkers:
                if not checker.status.is_playing:
                    # The next encoder may have other settings.
                    self._due.pop(checker.subject, None)
                    self._states.record_measurement(checker.stream, None)
                elif time.monotonic() >= self._due.get(checker.subject, 0.0):
                    self._measure(checker)
            self._stop_event.wait(POLL_INTERVAL)

    def _measure(self, checker: StreamChecker) -> None:
        try:
            with tempfile.TemporaryFile() as sample:
                if not self._load_sample(checker, sample):
                    return
                sample.seek(0)
                packets = self._probe(sample)
        except (FetchError, ProgramError, OSError) as error:
            log.debug("%s cannot be measured: %s", checker.subject, error)
            packets = []
        except Exception as error:
            # A stream of any kind must not end the measurement of others.
            log.debug("%s cannot be measured", checker.subject, exc_info=True)
            problem = describe_unexpected_error(error)
            self._warnings.warn(checker.subject, f"cannot be measured: the agent has an {problem}")
            packets = []
        self._due[checker.subject] = time.monotonic() + self._interval
        self._states.record_measurement(checker.stream, measure_packets(packets))

    def _load_sample(self, checker: StreamChecker, sample: IO[bytes]) -> bool:
        """Write some seconds of a stream; return whether there are any yet."""
        if isinstance(checker, HlsChecker):
            write_hls_sample(self._pool, checker.url, sample)
            return True
        if isinstance(checker, ContinuousChecker) and checker.sample:
            sample.write(checker.sample)
            checker.sample = b""
            return True
        # A connection is measured once: its encoder cannot change.
        return False

    def _probe(self, sample: IO[bytes]) -> list[tuple[float, bool]]:
        completed = self._runner.run(
            (shutil.which("ffprobe") or "ffprobe", *PROBE_COMMAND), PROBE_TIMEOUT, stdin=sample
        )
        return parse_packets(completed.stdout.decode("ascii", "replace"))


def write_hls_sample(pool: urllib3.PoolManager, url: str, sample: IO[bytes]) -> None:
    """Write the last segments of the first rendition of a playlist.

    :raises FetchError: if they cannot be loaded, or are of a kind that ffprobe cannot read alone.
    """
    deadline = time.monotonic() + FETCH_TIMEOUT
    result = _fetch(pool, url, deadline, MAX_PLAYLIST_BYTES)
    playlist = parse_playlist(result.body)
    if urls := rendition_urls(playlist, result.url):
        result = _fetch(pool, urls[0], deadline, MAX_PLAYLIST_BYTES)
        playlist = parse_playlist(result.body)
    named = [segment for segment in playlist["segments"] if segment.get("uri")]
    segments = _after_last_discontinuity(named[-MAX_SEGMENTS:])
    if any(_is_encrypted(segment) or segment.get("byterange") for segment in segments):
        raise FetchError("the segments are encrypted, or parts of a file")
    init = (segments[-1].get("init_section") or {}).get("uri") if segments else None
    for uri in filter(None, (init, *(segment["uri"] for segment in segments))):
        address = urljoin(result.url, uri)
        sample.write(_fetch(pool, address, deadline, MAX_SEGMENT_BYTES).body)


def _after_last_discontinuity(segments: Sequence[Any]) -> Sequence[Any]:
    starts = [number for number, segment in enumerate(segments) if segment.get("discontinuity")]
    return segments[starts[-1] :] if starts else segments


def _is_encrypted(segment: Any) -> bool:
    return bool((segment.get("key") or {}).get("method", "NONE") != "NONE")


def _fetch(pool: urllib3.PoolManager, url: str, deadline: float, max_bytes: int) -> HttpResult:
    timeout = deadline - time.monotonic()
    if timeout <= 0:
        raise FetchError("takes too long to load")
    result = fetch_url(pool, url, timeout=timeout, max_bytes=max_bytes)
    if result.status != 200:
        raise FetchError(f"responds with status {result.status}")
    return result


def parse_packets(text: str) -> list[tuple[float, bool]]:
    """Return the time of each packet in seconds, and whether it is a keyframe, by time.

    :param text: lines such as ``1.480000,K__``.
    """
    packets = []
    for line in text.splitlines():
        time_text, _, flags = line.partition(",")
        try:
            packets.append((float(time_text), flags.startswith("K")))
        except ValueError:
            # A packet without a time.
            continue
    return sorted(packets)


def measure_packets(packets: Sequence[tuple[float, bool]]) -> VideoMeasurement | None:
    """Return the frame rate and the longest keyframe interval; ``None`` for too few packets."""
    seconds = packets[-1][0] - packets[0][0] if packets else 0.0
    if seconds <= 0:
        return None
    keyframes = [at for at, is_keyframe in packets if is_keyframe]
    intervals = [later - at for at, later in pairwise(keyframes)]
    return VideoMeasurement(
        frame_rate=(len(packets) - 1) / seconds,
        keyframe_interval=max(intervals, default=None),
    )
