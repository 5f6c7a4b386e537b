"""What the previewer measures beside the thumbnails: a picture in grey, and the loudness."""

import re
from pathlib import Path

from streaming_system.agent.ffmpeg import QUIET_FLAGS
from streaming_system.agent.picture import PICTURE_BYTES, PICTURE_OPTIONS
from streaming_system.agent.preview.stream_input import filtered_connections, input_options
from streaming_system.agent.subprocesses import (
    ProcessRunner,
    ProgramError,
    ProgramTimeoutError,
    last_line,
)
from streaming_system.net.filtering_proxy import Admits

SOUND_SECONDS = 2
GREY_FILE = "measured.gray"
GREY_OUTPUT = (*PICTURE_OPTIONS, f"./{GREY_FILE}")
_PEAK = "lavfi.astats.Overall.Peak_level"
_SOUND_FILTER = (
    "asetnsamples=n=4096,astats=metadata=1:reset=1:measure_perchannel=none:"
    f"measure_overall=Peak_level,ametadata=mode=print:key={_PEAK}:file=-"
)
_PEAK_LINE = re.compile(rf"^{re.escape(_PEAK)}=(\S+)$", re.MULTILINE)
DIGITAL_SILENCE = float("-inf")


def load_grey_picture(folder: Path) -> bytes | None:
    """Return the picture that :data:`GREY_OUTPUT` wrote into a folder; ``None`` without one."""
    try:
        picture = (folder / GREY_FILE).read_bytes()
    except OSError:
        return None
    return picture if len(picture) == PICTURE_BYTES else None


class SoundMeter:
    """Measures the loudness of streams.

    This is another run than that of the thumbnails: a stream without sound, or one whose sound has
    stopped, must not delay these.

    :param ffmpeg: path of the program.
    :param timeout: seconds for one measurement.
    """

    def __init__(self, ffmpeg: str, runner: ProcessRunner, *, timeout: float) -> None:
        self._ffmpeg, self._runner, self._timeout = ffmpeg, runner, timeout

    def measure_peak(self, url: str, admits: Admits) -> float | None:
        """Return the loudest sample of some seconds, in dB relative to full scale.

        It is ``None`` if the stream has no sound.

        :param admits: decides about each HTTP connection.
        :raises ProgramError: if it cannot be measured.
        """
        source = input_options(url, self._timeout, seconds=SOUND_SECONDS)
        output = ("-map", "0:a:0", "-af", _SOUND_FILTER, "-f", "null", "-")
        command = (self._ffmpeg, *QUIET_FLAGS, *source, *output)
        with filtered_connections(url, admits, self._timeout) as environ:
            try:
                completed = self._runner.run(command, self._timeout, environ=environ)
            except ProgramTimeoutError:
                raise ProgramError(f"no sound within {self._timeout:g} s") from None
            if "matches no streams" in completed.stderr:
                return None
            if completed.status:
                message = last_line(completed.stderr)
                raise ProgramError(message or f"ffmpeg: ended with {completed.status}")
        return parse_peak(completed.stdout.decode("ascii", "replace"))


def parse_peak(text: str) -> float:
    """Return the highest of the levels that ffmpeg printed.

    A stream that declares sound, but has none, is silent.
    """
    levels = []
    for level in _PEAK_LINE.findall(text):
        try:
            levels.append(float(level))
        except ValueError:
            continue
    return max(levels, default=DIGITAL_SILENCE)
