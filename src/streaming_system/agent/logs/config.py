"""Configuration of log shipping: ``[logs]`` of agent.ini."""

from dataclasses import dataclass
from pathlib import Path

from streaming_system.agent.config import ROOM_PATTERN, AgentConfig
from streaming_system.agent.config_section import AgentConfigError, ConfigSection

# A tracker accepts 4 MiB, including the secret and the room.
MAX_BATCH_BYTES = 4 * 2**20 - 64 * 1024
DEFAULT_STATUS_ADDRESS = ("127.0.0.1", 9183)


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """An access log, and the room whose viewers are in it."""

    path: Path
    room: str


@dataclass(frozen=True, kw_only=True)
class LogsConfig:
    """The settings of log shipping.

    :param max_spool_bytes: limit of the lines in the spool.
    :param max_batch_bytes: limit of one upload, in form encoding.
    :param interval: seconds between two polls of the files.
    :param status: host and port of the status server; ``None``: it does not run.
    """

    files: tuple[LogFile, ...]
    max_spool_bytes: int
    max_batch_bytes: int
    interval: float
    status: tuple[str, int] | None


def parse_logs_config(agent: AgentConfig) -> LogsConfig:
    """Return the settings in ``[logs]``.

    :raises AgentConfigError: if the section is missing or invalid.
    """
    section = agent.sections.get("logs")
    if section is None:
        raise AgentConfigError(f"{agent.file.name}: has no section [logs]")
    if not agent.secret:
        raise agent.error("secret", "", "the tracker's secret, which access logs need")
    config = LogsConfig(
        files=_parse_files(section),
        max_spool_bytes=section.byte_size("spool", "1G", minimum=2**20, maximum=2**40),
        max_batch_bytes=section.byte_size(
            "batch", "1M", minimum=64 * 1024, maximum=MAX_BATCH_BYTES
        ),
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
            raise section.error("files", line, f"{allowed}; a room's id consists of A-Z a-z 0-9 _")
        files.append(LogFile(path=section.file.parent.absolute() / path, room=room))
    if not files:
        raise section.error("files", "", allowed)
    section.require_unique("files", [str(file.path) for file in files], "file")
    return tuple(files)
