"""Tools that all checks share."""

from dataclasses import dataclass

from streaming_system.agent.subprocesses import ProcessRunner


@dataclass(frozen=True, kw_only=True)
class CheckTools:
    """What checks need to run programs.

    :param ffmpeg: name or path of the program.
    """

    runner: ProcessRunner
    ffmpeg: str
