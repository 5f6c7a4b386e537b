"""The sections ``[watch]`` and ``[watch:NAME]``, checked."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streaming_system.agent.config import ROOM_PATTERN, AgentConfig
from streaming_system.agent.config_section import AgentConfigError, ConfigSection
from streaming_system.agent.supervisor.check_result import Check
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.check_types import CHECK_TYPES
from streaming_system.agent.supervisor.restart_policy import RestartConfig

# As the tracker's API has them.
COMPONENT_KINDS = ("mixer", "encoder", "recorder", "streamer", "flumotion", "other")
# With all their details, they must fit into one report.
MAX_COMPONENTS = 64
DEFAULT_STATUS_ADDRESS = ("127.0.0.1", 9181)


@dataclass(frozen=True, kw_only=True)
class SupervisorConfig:
    """What is said for all parts.

    :param status: where it is told how they are; ``None``: nowhere.
    :param most: so many heavy checks are made at once.
    """

    status: tuple[str, int] | None
    ffmpeg: str
    most: int


@dataclass(frozen=True, kw_only=True)
class ComponentConfig:
    """A part of the pipeline that is watched.

    :param kind: what the tracker calls such a part.
    :param room: that it works for; "" for several.
    :param limit: seconds that a look may take.
    :param heavy: whether few such checks are made at once.
    :param enabled: whether it is looked at.
    :param off: a file; while it is there, the part is switched off.
    """

    name: str
    check: Check
    kind: str
    room: str
    interval: float
    limit: float
    heavy: bool
    bad_after: int
    good_after: int
    enabled: bool
    off: Path | None
    restart: RestartConfig | None


def parse_supervisor_config(agent: AgentConfig) -> SupervisorConfig:
    """Return what is said for all parts.

    :raises ConfigError: if something in it is not allowed.
    """
    section = agent.section("watch")
    found = SupervisorConfig(
        status=section.loopback("status", DEFAULT_STATUS_ADDRESS),
        ffmpeg=section.text("ffmpeg", "ffmpeg"),
        most=section.whole("at.once", 2, least=1, most=64),
    )
    section.finish()
    return found


def parse_components(agent: AgentConfig, kit: CheckTools) -> Sequence[ComponentConfig]:
    """Return the parts that are watched.

    :raises ConfigError: if there are none, or something is not allowed.
    """
    found = [
        _parse_component(section, name.removeprefix("watch:"), kit)
        for name, section in agent.sections.items()
        if name.startswith("watch:")
    ]
    if not 1 <= len(found) <= MAX_COMPONENTS:
        what = f"{len(found)} sections" if found else "no section"
        raise AgentConfigError(
            f"{agent.file.name}: has {what} [watch:NAME]; allowed: 1 to {MAX_COMPONENTS}"
        )
    return found


def _parse_component(section: ConfigSection, name: str, kit: CheckTools) -> ComponentConfig:
    use = section.text("use", None, ", ".join(CHECK_TYPES))
    if use not in CHECK_TYPES:
        raise section.error("use", use, ", ".join(CHECK_TYPES))
    made = CHECK_TYPES[use]
    kind = section.text("kind", "streamer")
    if kind not in COMPONENT_KINDS:
        raise section.error("kind", kind, ", ".join(COMPONENT_KINDS))
    part = ComponentConfig(
        name=name,
        check=made.make(section, kit),
        kind=kind,
        room=section.pattern("room", ROOM_PATTERN, "a room's id", ""),
        interval=section.number("interval", made.interval, least=1, most=3600),
        limit=section.number("limit", made.limit, least=1, most=120),
        heavy=made.heavy,
        bad_after=section.whole("bad.after", 2, least=1, most=100),
        good_after=section.whole("good.after", 2, least=1, most=100),
        enabled=section.flag("enabled", True),
        off=section.path("off.file"),
        restart=_parse_restart(section),
    )
    section.finish()
    return part


def _parse_restart(section: ConfigSection) -> RestartConfig | None:
    text = section.text("restart", "")
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise section.error("restart", text, f"a command as a shell reads it; {error}") from None
    when = section.text("restart.when", "sad")
    if when not in ("sad", "hungry"):
        raise section.error("restart.when", when, "sad or hungry")
    config = RestartConfig(
        command=command,
        when=when,
        within=section.number("restart.within", 30, least=1, most=600),
        most=section.whole("restart.most", 5, least=1, most=60),
        pause=section.number("restart.pause", 10, least=1, most=3600),
        longest=section.number("restart.longest", 600, least=1, most=3600),
        grace=section.number("restart.grace", 10, least=0, most=600),
        well=section.number("restart.well", 600, least=1, most=86400),
    )
    return config if command else None
