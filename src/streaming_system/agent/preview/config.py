"""Configuration of thumbnails: ``[preview]`` of agent.ini."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from streaming_system.agent.config import AgentConfig
from streaming_system.agent.preview import stream_urls
from streaming_system.agent.preview.admission import AddressPolicy, parse_address_policy

DEFAULT_STATUS_ADDRESS = ("127.0.0.1", 9182)


@dataclass(frozen=True, kw_only=True)
class PreviewConfig:
    """The settings in ``[preview]``.

    :param folder: the folder from which the site serves thumbnails.
    :param interval: seconds between two thumbnails of a room.
    :param max_parallel: the number of rooms that are processed in parallel.
    :param timeout: seconds for one thumbnail.
    :param silence_floor: sound counts as silence below this many dB under full scale.
    :param rooms: stream URLs of rooms that always get thumbnails.
    :param tracker: URL of the tracker whose live rooms get thumbnails, too; ``None``: no tracker.
    :param policy: the addresses that thumbnails may come from.
    :param status: host and port of the status server; ``None``: it does not run.
    """

    folder: Path
    interval: float
    max_parallel: int
    timeout: float
    silence_floor: float
    rooms: Mapping[str, str]
    tracker: str | None
    policy: AddressPolicy
    status: tuple[str, int] | None


def parse_preview_config(agent: AgentConfig) -> PreviewConfig:
    """Return the settings in ``[preview]``.

    :raises AgentConfigError: if the section is missing or invalid.
    """
    section = agent.section("preview")
    folder = section.path("folder")
    if folder is None:
        raise section.error("folder", "", "the folder from which the site serves pictures")
    rooms, tracker = stream_urls.parse_room_urls(section), section.url("from", "")
    if not rooms and not tracker:
        rooms = stream_urls.local_stream_urls(agent)
    if not rooms and not tracker:
        allowed = "ROOM = ADDRESS, one a line, or from, or a url and streams in the other sections"
        raise section.error("rooms", "", allowed)
    config = PreviewConfig(
        folder=folder,
        interval=section.number("interval", 20, minimum=2, maximum=50),
        max_parallel=section.integer("at.once", 2, minimum=1, maximum=64),
        timeout=section.number("timeout", 10, minimum=1, maximum=30),
        silence_floor=section.number("floor", 50, minimum=1, maximum=120),
        rooms=rooms,
        tracker=tracker or None,
        policy=parse_address_policy(section),
        status=section.loopback_address("status", DEFAULT_STATUS_ADDRESS),
    )
    section.reject_unknown_keys()
    return config
