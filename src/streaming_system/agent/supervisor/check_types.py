"""The kinds of checks there are."""

from collections.abc import Callable
from dataclasses import dataclass

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import Check
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.hls import HlsCheck
from streaming_system.agent.supervisor.http import HttpCheck
from streaming_system.agent.supervisor.media import AudioCheck, VideoCheck
from streaming_system.agent.supervisor.process import ProcessCheck
from streaming_system.agent.supervisor.stream import StreamCheck
from streaming_system.agent.supervisor.systemd_unit import UnitCheck


@dataclass(frozen=True, kw_only=True)
class CheckType:
    """A kind of checks.

    :param make: reads its own keys of a section.
    :param interval: seconds between two looks.
    :param limit: seconds that a look may take.
    :param heavy: whether it needs a good part of a core: few are made at once.
    """

    summary: str
    make: Callable[[ConfigSection, CheckTools], Check]
    interval: float
    limit: float
    heavy: bool = False


CHECK_TYPES = {
    "process": CheckType(summary="a process is there", make=ProcessCheck, interval=5, limit=5),
    "unit": CheckType(summary="a systemd unit is active", make=UnitCheck, interval=5, limit=5),
    "http": CheckType(summary="a server answers", make=HttpCheck, interval=10, limit=5),
    "hls": CheckType(summary="a playlist moves", make=HlsCheck, interval=10, limit=10),
    "stream": CheckType(summary="a stream flows", make=StreamCheck, interval=15, limit=15),
    "picture": CheckType(
        summary="not black, not frozen", make=VideoCheck, interval=30, limit=20, heavy=True
    ),
    "sound": CheckType(summary="not silent", make=AudioCheck, interval=30, limit=20, heavy=True),
}
