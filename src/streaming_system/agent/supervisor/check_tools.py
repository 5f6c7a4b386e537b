"""What checks work with."""

from dataclasses import dataclass

from streaming_system.agent.subprocesses import ProcessRunner


@dataclass(frozen=True, kw_only=True)
class CheckTools:
    """What all checks of a machine share.

    :param ffmpeg: the program.
    """

    programs: ProcessRunner
    ffmpeg: str
