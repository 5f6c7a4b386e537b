"""What is seen and heard: ffmpeg plays a few seconds and says of what they consist."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.ffmpeg import QUIET_FLAGS
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
# Five pictures a second tell as much as fifty.
VIDEO_FILTERS = "fps=5,blackdetect=d=0.1,freezedetect=n=-60dB:d=0.5,metadata=mode=print:file=-"
AUDIO_FILTERS = "silencedetect=n=-{floor:g}dB:d=0.5,ametadata=mode=print:file=-"
_OUT_TIME = re.compile(r"^out_time_us=([0-9]+)$", re.MULTILINE)
_FILTER_EVENT = re.compile(
    r"lavfi\.(?:freezedetect\.)?(black|freeze|silence)_(start|end)=(-?[0-9.]+)"
)


class FfmpegAnalyzer:
    """Plays some seconds of a stream with a filter, and reads what that found."""

    def __init__(self, section: ConfigSection, kit: CheckTools) -> None:
        self._url = section.address("url", *SCHEMES)
        self._seconds = section.number("seconds", 5, least=1, most=60)
        self._kit = kit

    def play(self, options: Sequence[str], within: float) -> "AnalysisResult":
        """Return what ffmpeg found.

        :raises Unplayable: if it could not play anything.
        """
        command = (
            *(self._kit.ffmpeg, *QUIET_FLAGS),
            # How much was played is said on stderr, once, at the end.
            *("-progress", "pipe:2", "-stats_period", "600"),
            *("-threads", "1", "-t", f"{self._seconds:g}", "-i", self._url),
            *(*options, "-f", "null", "-"),
        )
        try:
            ended = self._kit.programs.run(command, within)
        except ProgramNotFoundError as error:
            raise StreamUnplayableError(check_error("there is no ffmpeg")) from error
        except ProgramTimeoutError as error:
            raise StreamUnplayableError(
                sad(f"nothing could be played within {within:g} s")
            ) from error
        except ProgramError as error:
            raise StreamUnplayableError(sad("cannot be played")) from error
        # What was played before something went wrong is as good as any.
        found = parse_analysis(ended.printed.decode("ascii", "replace"), ended.said)
        if not found.seconds:
            raise StreamUnplayableError(sad(self._reason(ended.said)))
        return found

    def _reason(self, said: str) -> str:
        """Return why nothing could be played, without the address: anybody may read it."""
        if "matches no streams" in said:
            return "is not in the stream"
        for line in reversed(said.splitlines()):
            if line.startswith(f"{self._url}: "):
                words = line.removeprefix(self._url)[2:]
                return f"cannot be played: {''.join(c for c in words if c.isprintable())[:80]}"
        return "cannot be played"


class StreamUnplayableError(Exception):
    """Nothing was played, and what follows from that."""

    def __init__(self, verdict: CheckResult) -> None:
        super().__init__(verdict.detail)
        self.verdict = verdict


class VideoCheck:
    """Looks whether the picture is black, or stands still."""

    def __init__(self, section: ConfigSection, kit: CheckTools) -> None:
        self._player = FfmpegAnalyzer(section, kit)
        self._black = section.flag("black", True)
        self._frozen = section.flag("frozen", True)
        self._share = section.number("share", 0.9, least=0.1, most=1)

    def __call__(self, within: float) -> CheckResult:
        """Return how the picture is."""
        try:
            found = self._player.play(("-map", "0:v:0", "-vf", VIDEO_FILTERS), within)
        except StreamUnplayableError as failure:
            return failure.verdict
        if self._black and found.share("black") >= self._share:
            return hungry("the picture is black")
        if self._frozen and found.share("freeze") >= self._share:
            return hungry("the picture stands still")
        return happy()


class AudioCheck:
    """Listens whether there is anything but silence."""

    def __init__(self, section: ConfigSection, kit: CheckTools) -> None:
        self._player = FfmpegAnalyzer(section, kit)
        floor = section.number("floor", 50, least=1, most=120)
        self._filter = AUDIO_FILTERS.format(floor=floor)
        self._share = section.number("share", 0.9, least=0.1, most=1)

    def __call__(self, within: float) -> CheckResult:
        """Return how the sound is."""
        try:
            found = self._player.play(("-map", "0:a:0", "-af", self._filter), within)
        except StreamUnplayableError as failure:
            return failure.verdict
        return hungry("silence") if found.share("silence") >= self._share else happy()


@dataclass(frozen=True, kw_only=True)
class AnalysisResult:
    """What was played.

    :param lasted: for how many seconds it was ``black``, in ``silence``, or in a ``freeze``.
    """

    seconds: float
    lasted: Mapping[str, float]

    def share(self, what: str) -> float:
        """Return which part of it was so."""
        return self.lasted.get(what, 0.0) / self.seconds


def parse_analysis(printed: str, said: str) -> AnalysisResult:
    """Return what filters have printed, and how much ffmpeg says that it has played."""
    times = _OUT_TIME.findall(said)
    seconds = int(times[-1]) / 1e6 if times else 0.0
    lasted: dict[str, float] = {}
    begun: dict[str, float] = {}
    for what, edge, text in _FILTER_EVENT.findall(printed):
        if edge == "start":
            begun[what] = float(text)
        elif what in begun:
            lasted[what] = lasted.get(what, 0) + float(text) - begun.pop(what)
    # What has not ended goes on to the end.
    for what, begin in begun.items():
        lasted[what] = lasted.get(what, 0) + max(seconds - begin, 0)
    return AnalysisResult(seconds=seconds, lasted=lasted)
