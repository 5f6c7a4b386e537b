"""Configuration of the supervisor: ``[watch]`` and ``[watch:NAME]`` of agent.ini."""

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

# The tracker's API defines them.
COMPONENT_KINDS = ("mixer", "encoder", "recorder", "streamer", "flumotion", "other")
# All components with their details must fit into one report.
MAX_COMPONENTS = 64
DEFAULT_STATUS_ADDRESS = ("127.0.0.1", 9181)


@dataclass(frozen=True, kw_only=True)
class SupervisorConfig:
    """Settings for all components.

    :param status: host and port of the status server; ``None``: it does not run.
    :param max_parallel: the number of heavy checks that run in parallel.
    """

    status: tuple[str, int] | None
    ffmpeg: str
    max_parallel: int


@dataclass(frozen=True, kw_only=True)
class ComponentConfig:
    """A component of the pipeline.

    :param kind: one of :data:`COMPONENT_KINDS`.
    :param room: the room that it works for; "" for several.
    :param interval: seconds between two checks.
    :param timeout: of one check, in seconds.
    :param heavy: whether the check needs much CPU time.
    :param bad_after: consecutive bad results until the component counts as bad.
    :param good_after: consecutive good results until it counts as good.
    :param off: a file; while it exists, the component is switched off.
    """

    name: str
    check: Check
    kind: str
    room: str
    interval: float
    timeout: float
    heavy: bool
    bad_after: int
    good_after: int
    enabled: bool
    off: Path | None
    restart: RestartConfig | None


def parse_supervisor_config(agent: AgentConfig) -> SupervisorConfig:
    """Return the settings in ``[watch]``.

    :raises AgentConfigError: if a value is invalid.
    """
    section = agent.section("watch")
    config = SupervisorConfig(
        status=section.loopback_address("status", DEFAULT_STATUS_ADDRESS),
        ffmpeg=section.text("ffmpeg", "ffmpeg"),
        max_parallel=section.integer("at.once", 2, minimum=1, maximum=64),
    )
    section.reject_unknown_keys()
    return config


def parse_components(agent: AgentConfig, tools: CheckTools) -> Sequence[ComponentConfig]:
    """Return the components in ``[watch:NAME]``.

    :raises AgentConfigError: if there are none or too many, or a value is invalid.
    """
    components = [
        _parse_component(section, name.removeprefix("watch:"), tools)
        for name, section in agent.sections.items()
        if name.startswith("watch:")
    ]
    if not 1 <= len(components) <= MAX_COMPONENTS:
        count = f"{len(components)} sections" if components else "no section"
        raise AgentConfigError(
            f"{agent.file.name}: has {count} [watch:NAME]; allowed: 1 to {MAX_COMPONENTS}"
        )
    return components


def _parse_component(section: ConfigSection, name: str, tools: CheckTools) -> ComponentConfig:
    use = section.text("use", None, ", ".join(CHECK_TYPES))
    if use not in CHECK_TYPES:
        raise section.error("use", use, ", ".join(CHECK_TYPES))
    check_type = CHECK_TYPES[use]
    kind = section.text("kind", "streamer")
    if kind not in COMPONENT_KINDS:
        raise section.error("kind", kind, ", ".join(COMPONENT_KINDS))
    component = ComponentConfig(
        name=name,
        check=check_type.create(section, tools),
        kind=kind,
        room=section.pattern("room", ROOM_PATTERN, "a room's id", ""),
        interval=section.number("interval", check_type.interval, minimum=1, maximum=3600),
        timeout=section.number("limit", check_type.timeout, minimum=1, maximum=120),
        heavy=check_type.heavy,
        bad_after=section.integer("bad.after", 2, minimum=1, maximum=100),
        good_after=section.integer("good.after", 2, minimum=1, maximum=100),
        enabled=section.flag("enabled", True),
        off=section.path("off.file"),
        restart=_parse_restart(section),
    )
    section.reject_unknown_keys()
    return component


def _parse_restart(section: ConfigSection) -> RestartConfig | None:
    text = section.text("restart", "")
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        raise section.error("restart", text, f"a command in shell syntax; {error}") from None
    min_mood = section.text("restart.when", "sad")
    if min_mood not in ("sad", "hungry"):
        raise section.error("restart.when", min_mood, "sad or hungry")
    config = RestartConfig(
        command=command,
        min_mood=min_mood,
        timeout=section.number("restart.within", 30, minimum=1, maximum=600),
        max_per_hour=section.integer("restart.most", 5, minimum=1, maximum=60),
        min_backoff=section.number("restart.pause", 10, minimum=1, maximum=3600),
        max_backoff=section.number("restart.longest", 600, minimum=1, maximum=3600),
        grace=section.number("restart.grace", 10, minimum=0, maximum=600),
        healthy_after=section.number("restart.well", 600, minimum=1, maximum=86400),
    )
    return config if command else None
