"""The kinds of checks there are."""

from collections.abc import Callable
from dataclasses import dataclass

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import Check
from streaming_system.agent.supervisor.check_tools import Kit
from streaming_system.agent.supervisor.hls import HlsCheck
from streaming_system.agent.supervisor.http import HttpCheck
from streaming_system.agent.supervisor.media import PictureCheck, SoundCheck
from streaming_system.agent.supervisor.process import ProcessCheck
from streaming_system.agent.supervisor.stream import StreamCheck
from streaming_system.agent.supervisor.systemd_unit import UnitCheck


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of checks.

    :param make: reads its own keys of a section.
    :param interval: seconds between two looks.
    :param limit: seconds that a look may take.
    :param heavy: whether it needs a good part of a core: few are made at once.
    """

    summary: str
    make: Callable[[ConfigSection, Kit], Check]
    interval: float
    limit: float
    heavy: bool = False


KINDS = {
    "process": Kind(summary="a process is there", make=ProcessCheck, interval=5, limit=5),
    "unit": Kind(summary="a systemd unit is active", make=UnitCheck, interval=5, limit=5),
    "http": Kind(summary="a server answers", make=HttpCheck, interval=10, limit=5),
    "hls": Kind(summary="a playlist moves", make=HlsCheck, interval=10, limit=10),
    "stream": Kind(summary="a stream flows", make=StreamCheck, interval=15, limit=15),
    "picture": Kind(
        summary="not black, not frozen", make=PictureCheck, interval=30, limit=20, heavy=True
    ),
    "sound": Kind(summary="not silent", make=SoundCheck, interval=30, limit=20, heavy=True),
}
