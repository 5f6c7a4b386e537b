"""The conferences of a site: each one has a folder of its own in ``events.folder`` of the ini file.

The folder ``NAME`` has what the folder of a site has, at fixed places: ``config.json``, and if need
be ``config.private.json``, ``brand/``, ``languages/``, ``plugins/`` and ``var/schedule.json``. Its
pages are below ``/NAME/``.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from streaming_system.config.model import ConferenceConfig, ConfigError, Fallback, Room
from streaming_system.config.overrides import overrides_file
from streaming_system.config.room_ids import RESERVED_ROOM_IDS

EVENT_NAME_PATTERN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
MAX_EVENT_NAME_CHARS = 30
MAX_ROOM_ID_CHARS = 64
RESERVED_EVENT_NAMES = RESERVED_ROOM_IDS | {"events"}
# The setting with the name of the event, in the settings that event_settings() returns.
EVENT_KEY = "event.name"
CONFIG_NAME = "config.json"

_FEED_PATH = "/schedule/file.json"


def events_folder(settings: Mapping[str, Any]) -> Path | None:
    """Return the folder of the conferences; ``None`` if the ini file names none."""
    folder = settings.get("events.folder")
    return Path(folder) if folder else None


def list_events(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of the conferences in alphabetical order; invalid names are left out."""
    return [name for name in list_event_folders(settings) if not find_name_problem(name)]


def list_event_folders(settings: Mapping[str, Any]) -> list[str]:
    """Return the names of all folders with a configuration, also invalid names."""
    folder = events_folder(settings)
    try:
        return sorted(path.name for path in folder.iterdir() if _has_config(path)) if folder else []
    except OSError:
        return []


def _has_config(folder: Path) -> bool:
    # A hidden folder is a draft.
    return not folder.name.startswith(".") and (folder / CONFIG_NAME).is_file()


def find_name_problem(name: str, rooms: Collection[str] = ()) -> str:
    """Return why a folder cannot be a conference, with the remedy; "" if it can.

    :param rooms: the ids of the rooms of the site itself.
    """
    if not EVENT_NAME_PATTERN.fullmatch(name) or len(name) > MAX_EVENT_NAME_CHARS:
        return (
            f"a conference is called by 1 to {MAX_EVENT_NAME_CHARS} of a-z 0-9, with single "
            "hyphens in between; rename the folder"
        )
    if name in RESERVED_EVENT_NAMES:
        return f"the site itself uses /{name}; rename the folder"
    if name in rooms:
        return f"/{name} is a room of the site; rename the folder or the room"
    return ""


def event_settings(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the settings of a conference: those of the site, with the files of its folder.

    :param settings: of the site.
    :raises ConfigError: if there is no such conference.
    """
    folder = events_folder(settings)
    if folder is None:
        raise ConfigError(
            "the ini file lacks the key events.folder in [DEFAULT], the folder of the conferences"
        )
    if "config.private" not in settings:
        raise ConfigError("the ini file lacks the key config.private in [DEFAULT]")
    if name not in list_events(settings):
        known = ", ".join(list_events(settings)) or "none is there yet"
        raise ConfigError(f"{folder / name}: there is no conference {name!r:.80}; allowed: {known}")
    own = folder / name
    overrides = overrides_file(settings)
    derived = {
        key: value
        for key, value in settings.items()
        if key not in ("events.folder", "config.example")
    }
    derived |= {
        EVENT_KEY: name,
        "config.public": str(own / CONFIG_NAME),
        "config.private": str(own / "config.private.json"),
        # Where the tracker may write.
        "config.overrides": str(overrides.with_name(f"{overrides.stem}.{name}.json")),
        "schedule.file": str(own / "var/schedule.json"),
        "brand.folder": str(own / "brand"),
        "languages.folder": str(own / "languages"),
    }
    if (own / "plugins").is_dir():
        derived["plugins.folder"] = str(own / "plugins")
    if settings.get("workers.folder"):
        derived["workers.folder"] = str(Path(settings["workers.folder"]) / name)
    followed = settings.get("schedule.follow", "")
    if followed.endswith(_FEED_PATH):
        derived["schedule.follow"] = f"{followed.removesuffix(_FEED_PATH)}/{name}{_FEED_PATH}"
    else:
        derived.pop("schedule.follow", None)
    return derived


def room_prefix(event: str) -> str:
    """Return what comes before the id of a room in the tracker; "" for the site itself.

    A name has single hyphens and no underscores, so no two rooms get the same id.
    """
    return f"{event.replace('-', '_')}__" if event else ""


def title_prefix(event: str) -> str:
    """Return what comes before the title of a room in the tracker; "" for the site itself."""
    return f"{event}: " if event else ""


def mount_conference(conference: ConferenceConfig, event: str) -> ConferenceConfig:
    """Return the configuration with its addresses below ``/EVENT/``.

    An address without a host is one of the conference: ``/brand/logo`` is its own logo. Servers
    know its rooms by their ids in the tracker.
    """
    mount = f"/{event}"

    def mounted(address: str) -> str:
        is_path = address.startswith("/") and not address.startswith(("//", f"{mount}/"))
        return f"{mount}{address}" if is_path and address not in ("/", mount) else address

    def mount_room(room: Room) -> Room:
        return replace(
            room,
            link=mounted(room.link),
            logo=mounted(room.logo),
            preview=mounted(room.preview),
        )

    playlist = conference.site.hls_playlist.replace("{room}", f"{room_prefix(event)}{{room}}")
    return replace(
        conference,
        site=replace(conference.site, hls_playlist=playlist),
        default=mount_room(conference.default),
        rooms={room.id: mount_room(room) for room in conference.rooms.values()},
    )


def qualify_rooms(conference: ConferenceConfig, event: str) -> dict[str, Room]:
    """Return the rooms of a conference with the ids and titles that they have in the tracker."""
    prefix = room_prefix(event)

    def qualify_fallback(fallback: Fallback) -> Fallback:
        is_group = fallback.kind == "group"
        return replace(fallback, value=f"{prefix}{fallback.value}") if is_group else fallback

    return {
        f"{prefix}{room.id}": replace(
            room,
            id=f"{prefix}{room.id}",
            title=f"{title_prefix(event)}{room.title}",
            translations={},
            fallbacks=tuple(map(qualify_fallback, room.fallbacks)),
        )
        for room in conference.rooms.values()
    }
