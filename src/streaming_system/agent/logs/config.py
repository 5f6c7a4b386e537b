"""`[logs]` of agent.ini."""

from dataclasses import dataclass
from pathlib import Path

from streaming_system.agent.config import ROOM_PATTERN, AgentConfig
from streaming_system.agent.config_section import AgentConfigError, ConfigSection

# What a tracker takes at once is 4 MiB, with the secret and the room in it.
MAX_BATCH_BYTES = 4 * 2**20 - 64 * 1024
DEFAULT_STATUS_ADDRESS = ("127.0.0.1", 9183)


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """An access log, and the room whose viewers are in it."""

    path: Path
    room: str


@dataclass(frozen=True, kw_only=True)
class LogsConfig:
    """What is followed, and how.

    :param spool: at most so many bytes of lines wait for trackers.
    :param batch: at most so many bytes are handed in at once, as they are encoded on their way.
    :param interval: seconds between two looks at the files.
    :param status: where it is told how it is: host and port; ``None``: nowhere.
    """

    files: tuple[LogFile, ...]
    spool: int
    batch: int
    interval: float
    status: tuple[str, int] | None


def parse_logs_config(agent: AgentConfig) -> LogsConfig:
    """Return what an agent.ini says about access logs.

    :raises ConfigError: if it says nothing, or something that is not allowed.
    """
    section = agent.sections.get("logs")
    if section is None:
        raise AgentConfigError(f"{agent.file.name}: has no section [logs]")
    if not agent.secret:
        raise agent.error("secret", "", "the tracker's secret, which access logs need")
    config = LogsConfig(
        files=_parse_files(section),
        spool=section.byte_size("spool", "1G", minimum=2**20, maximum=2**40),
        batch=section.byte_size("batch", "1M", minimum=64 * 1024, maximum=MAX_BATCH_BYTES),
        interval=section.number("interval", 5, minimum=0.2, maximum=60),
        status=section.loopback_address("status", DEFAULT_STATUS_ADDRESS),
    )
    section.reject_unknown_keys()
    return config


def _parse_files(section: ConfigSection) -> tuple[LogFile, ...]:
    allowed = "PATH = ROOM, one a line"
    files = []
    for line in section.lines("files"):
        path, _, room = (part.strip() for part in line.rpartition("="))
        if not path or not ROOM_PATTERN.fullmatch(room):
            raise section.error("files", line, f"{allowed}; a room's id is made of A-Z a-z 0-9 _")
        files.append(LogFile(path=section.file.parent.absolute() / path, room=room))
    if not files:
        raise section.error("files", "", allowed)
    section.require_unique("files", [str(file.path) for file in files], "file")
    return tuple(files)
