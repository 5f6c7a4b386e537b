"""Checks video and audio: ffmpeg plays some seconds and detects black, frozen and silent parts."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.ffmpeg import QUIET_FLAGS, user_agent_options
from streaming_system.agent.open_checks import open_check
from streaming_system.agent.picture import PICTURE_OPTIONS, PictureHistory
from streaming_system.agent.subprocesses import (
    ProgramError,
    ProgramNotFoundError,
    ProgramTimeoutError,
)
from streaming_system.agent.supervisor.check_result import (
    CheckResult,
    check_error,
    happy,
    hungry,
    sad,
)
from streaming_system.agent.supervisor.check_tools import CheckTools

SCHEMES = ("http", "https", "rtmp", "rtmps", "rtsp", "srt")
# Five frames a second are enough to detect black and frozen video.
VIDEO_FILTERS = "fps=5,blackdetect=d=0.1,freezedetect=n=-60dB:d=0.5,metadata=mode=print:file=-"
AUDIO_FILTERS = "silencedetect=n=-{floor:g}dB:d=0.5,ametadata=mode=print:file=-"
_OUT_TIME = re.compile(r"^out_time_us=([0-9]{1,15})$", re.MULTILINE)
_FILTER_EVENT = re.compile(
    r"lavfi\.(?:freezedetect\.)?(black|freeze|silence)_(start|end)=(-?[0-9]{1,15}(?:\.[0-9]{1,15})?)"
)


class StreamUnplayableError(Exception):
    """ffmpeg played nothing; ``result`` is the result of the check."""

    def __init__(self, result: CheckResult) -> None:
        super().__init__(result.detail)
        self.result = result


@dataclass(frozen=True, kw_only=True)
class AnalysisResult:
    """What the filters detected.

    :param seconds: the duration that was played.
    :param durations: the seconds of ``black``, ``silence`` and ``freeze``.
    """

    seconds: float
    durations: Mapping[str, float]

    def share(self, condition: str) -> float:
        """Return the share of the played time with a condition, 0 to 1."""
        return self.durations.get(condition, 0.0) / self.seconds


class FfmpegAnalyzer:
    """Plays some seconds of a stream through a filter."""

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        self._url = section.full_url("url", *SCHEMES)
        self._seconds = section.number("seconds", 5, minimum=1, maximum=60)
        self._tools = tools

    def analyze(
        self, options: Sequence[str], timeout: float, *, more_outputs: Sequence[str] = ()
    ) -> AnalysisResult:
        """Return what ffmpeg detected.

        :param options: of ffmpeg, with the filter.
        :param more_outputs: options and names of more files that it writes.

        :raises StreamUnplayableError: if it could not play anything.
        """
        command = (
            *(self._tools.ffmpeg, *QUIET_FLAGS),
            # Print the played time on stderr, once at the end.
            *("-progress", "pipe:2", "-stats_period", "600"),
            *user_agent_options(self._url, "check"),
            *("-threads", "1", "-t", f"{self._seconds:g}", "-i", self._url),
            *(*options, "-f", "null", "-", *more_outputs),
        )
        try:
            with open_check(self._url):
                completed = self._tools.runner.run(command, timeout)
        except ProgramNotFoundError as error:
            raise StreamUnplayableError(check_error("ffmpeg is not installed")) from error
        except ProgramTimeoutError as error:
            raise StreamUnplayableError(sad(f"played nothing within {timeout:g} s")) from error
        except ProgramError as error:
            raise StreamUnplayableError(sad("cannot be played")) from error
        # The exit status does not matter: the part before an error is good enough.
        result = parse_analysis(completed.stdout.decode("ascii", "replace"), completed.stderr)
        if not result.seconds:
            raise StreamUnplayableError(sad(self._describe_failure(completed.stderr)))
        return result

    def _describe_failure(self, stderr: str) -> str:
        """Return the reason without the URL, which may hold a secret."""
        if "matches no streams" in stderr:
            return "is not in the stream"
        for line in reversed(stderr.splitlines()):
            if line.startswith(f"{self._url}: "):
                reason = line.removeprefix(f"{self._url}: ")
                return f"cannot be played: {''.join(c for c in reason if c.isprintable())[:80]}"
        return "cannot be played"


class VideoCheck:
    """Detects black and frozen video.

    Slides stand still for the seconds of a check, too. So the picture must also be the same as that
    of the last check; otherwise, it counts as having changed in between.
    """

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        self._analyzer = FfmpegAnalyzer(section, tools)
        self._detect_black = section.flag("black", True)
        self._detect_frozen = section.flag("frozen", True)
        self._pictures = PictureHistory()
        self._max_share = section.number("share", 0.9, minimum=0.1, maximum=1)

    def __call__(self, timeout: float) -> CheckResult:
        """Return the state of the video."""
        with tempfile.TemporaryDirectory(prefix="streaming-picture-") as folder:
            file = Path(folder) / "picture"
            picture = ("-map", "0:v:0", *PICTURE_OPTIONS, str(file))
            video = ("-map", "0:v:0", "-vf", VIDEO_FILTERS)
            try:
                result = self._analyzer.analyze(video, timeout, more_outputs=picture)
            except StreamUnplayableError as error:
                return error.result
            if file.exists():
                self._pictures.add(file.read_bytes())
        if self._detect_black and result.share("black") >= self._max_share:
            return hungry("the picture is black", "black")
        if self._detect_frozen and result.share("freeze") >= self._max_share:
            return hungry("the picture is frozen", "frozen", self._pictures.changes)
        return happy()


class AudioCheck:
    """Detects silence."""

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        self._analyzer = FfmpegAnalyzer(section, tools)
        floor = section.number("floor", 50, minimum=1, maximum=120)
        self._filters = AUDIO_FILTERS.format(floor=floor)
        self._max_share = section.number("share", 0.9, minimum=0.1, maximum=1)

    def __call__(self, timeout: float) -> CheckResult:
        """Return the state of the audio."""
        try:
            result = self._analyzer.analyze(("-map", "0:a:0", "-af", self._filters), timeout)
        except StreamUnplayableError as error:
            return error.result
        is_silent = result.share("silence") >= self._max_share
        return hungry("silence", "silence") if is_silent else happy()


def parse_analysis(stdout: str, stderr: str) -> AnalysisResult:
    """Return what the filters printed on stdout, and the played time that is on stderr."""
    times = _OUT_TIME.findall(stderr)
    seconds = int(times[-1]) / 1e6 if times else 0.0
    durations: dict[str, float] = {}
    started: dict[str, float] = {}
    for condition, edge, text in _FILTER_EVENT.findall(stdout):
        if edge == "start":
            started[condition] = float(text)
        elif condition in started:
            duration = float(text) - started.pop(condition)
            durations[condition] = durations.get(condition, 0) + duration
    # A condition without an end lasts until the end of the played part.
    for condition, start in started.items():
        durations[condition] = durations.get(condition, 0) + max(seconds - start, 0)
    return AnalysisResult(seconds=seconds, durations=durations)
