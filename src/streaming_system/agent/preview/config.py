"""`[preview]` of agent.ini."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streaming_system.agent.config import AgentConfig
from streaming_system.agent.preview import stream_urls

DEFAULT_STATUS_ADDRESS = ("127.0.0.1", 9182)


@dataclass(frozen=True, kw_only=True)
class PreviewConfig:
    """What ``[preview]`` says.

    :param interval: seconds from one picture of a room to the next.
    :param at_once: how many rooms are looked at at the same time.
    :param timeout: how many seconds one look may take.
    :param rooms: the addresses of rooms' streams that are always looked at.
    :param tracker: whose live rooms are looked at, too; ``None``: no one's.
    """

    folder: Path
    interval: float
    at_once: int
    timeout: float
    rooms: Mapping[str, str]
    tracker: str | None
    status: tuple[str, int] | None


def parse_preview_config(agent: AgentConfig) -> PreviewConfig:
    """Return what ``[preview]`` says.

    :raises ConfigError: if there is none, or something in it is not allowed.
    """
    section = agent.section("preview")
    folder = section.path("folder")
    if folder is None:
        raise section.error("folder", "", "the folder that the site serves pictures from")
    rooms, tracker = stream_urls.parse_room_urls(section), section.url("from", "")
    if not rooms and not tracker:
        rooms = stream_urls.local_stream_urls(agent) if agent.url else {}
    if not rooms and not tracker:
        allowed = "ROOM = ADDRESS, one a line, or from, or a url and streams in the other sections"
        raise section.error("rooms", "", allowed)
    config = PreviewConfig(
        folder=folder,
        interval=section.number("interval", 20, minimum=2, maximum=50),
        at_once=section.integer("at.once", 2, minimum=1, maximum=64),
        timeout=section.number("timeout", 10, minimum=1, maximum=30),
        rooms=rooms,
        tracker=tracker or None,
        status=section.loopback_address("status", DEFAULT_STATUS_ADDRESS),
    )
    section.reject_unknown_keys()
    return config
