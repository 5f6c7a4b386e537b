"""The types of checks."""

from collections.abc import Callable
from dataclasses import dataclass

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import Check
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.disk import DiskCheck
from streaming_system.agent.supervisor.hls import HlsCheck
from streaming_system.agent.supervisor.http import HttpCheck
from streaming_system.agent.supervisor.media import AudioCheck, VideoCheck
from streaming_system.agent.supervisor.process import ProcessCheck
from streaming_system.agent.supervisor.stream import StreamCheck
from streaming_system.agent.supervisor.systemd_unit import UnitCheck


@dataclass(frozen=True, kw_only=True)
class CheckType:
    """A type of check and its defaults.

    :param create: builds the check from its keys in a section of agent.ini.
    :param interval: seconds between two checks.
    :param timeout: in seconds.
    :param heavy: whether it needs much CPU time; few heavy checks run in parallel.
    """

    create: Callable[[ConfigSection, CheckTools], Check]
    interval: float
    timeout: float
    heavy: bool = False


CHECK_TYPES = {
    "process": CheckType(create=ProcessCheck, interval=5, timeout=5),
    "unit": CheckType(create=UnitCheck, interval=5, timeout=5),
    "disk": CheckType(create=DiskCheck, interval=30, timeout=5),
    "http": CheckType(create=HttpCheck, interval=10, timeout=5),
    "hls": CheckType(create=HlsCheck, interval=10, timeout=10),
    "stream": CheckType(create=StreamCheck, interval=15, timeout=15),
    "picture": CheckType(create=VideoCheck, interval=30, timeout=20, heavy=True),
    "sound": CheckType(create=AudioCheck, interval=30, timeout=20, heavy=True),
}
