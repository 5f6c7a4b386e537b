"""The check ``hls``: the playlist advances, and its last segment can be loaded."""

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.fetch import FetchError
from streaming_system.agent.hls_progress import HlsProgress
from streaming_system.agent.supervisor.check_result import CheckResult, happy, hungry, sad
from streaming_system.agent.supervisor.check_tools import CheckTools

MAX_SEGMENT_BYTES = 32 * 1024 * 1024
# Default for ``still``: without a new segment for three target durations, a playlist is stuck.
MIN_STALL_SECONDS = 10.0


class HlsCheck:
    """Checks a playlist, and all renditions if it is a master playlist."""

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        url = section.full_url("url", "http", "https")
        stall_timeout = section.number("still", 0, minimum=0, maximum=600)
        self._progress = HlsProgress(
            url,
            stall_timeout=lambda target: stall_timeout or max(3 * target, MIN_STALL_SECONDS),
            max_segment_bytes=MAX_SEGMENT_BYTES,
        )

    def __call__(self, timeout: float) -> CheckResult | None:
        """Return the state; ``None`` until all playlists have advanced."""
        try:
            has_advanced = self._progress.advance(timeout)
        except FetchError as error:
            return sad(str(error))
        if self._progress.cut:
            return hungry(self._progress.cut, "segments")
        return happy(f"segment {self._progress.media_sequence}") if has_advanced else None
