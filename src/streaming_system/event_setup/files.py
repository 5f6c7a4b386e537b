"""Writes the folder of an event from templates."""

import importlib.resources
import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Template

from streaming_system.event_setup.room_ids import derive_room_ids

# Templates and the files that they become. Only the owner can read the secret.
FILES = {
    "config.json": "config.json",
    "config.private.json": "config.private.json",
    "development.ini": "development.ini",
    "production.ini": "production.ini",
    "README.md": "README.md",
    "requirements.txt": "requirements.txt",
    "gitignore": ".gitignore",
    "brand/README.md": "brand/README.md",
    "plugins/README.md": "plugins/README.md",
}
# The files of a conference of a site that exists.
CONFERENCE_FILES = {name: FILES[name] for name in ("config.json", "brand/README.md")}
PRIVATE_FILES = ("config.private.json",)
FEEDS_FOLDER = "feeds"
NO_FEED = """    // The feed of all rooms: an address, or a path relative to this file. Then:
    //   streaming-system schedule import
    // "schedule-url": "https://example.org/schedule.xml","""


class EventSetupError(Exception):
    """The folder cannot be written; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class EventSetup:
    """The choices for an event.

    :param name: the name of the event.
    :param feed: a URL, the path of a file, or "" for none. A file is copied into the folder.
    :param overview: a sentence about the feed; "" without one.
    :param rooms: the names of the rooms; with a feed, as it has them.
    :param timezone: the name of a time zone.
    :param languages: the languages of the pages; () for all.
    :param chat: the keys of the chat in the configuration.
    :param address: where the site listens: host and port.
    """

    name: str
    feed: str = ""
    overview: str = ""
    rooms: Sequence[str]
    timezone: str = "UTC"
    languages: Sequence[str] = ()
    chat: Mapping[str, str] = field(default_factory=dict)
    address: str = "127.0.0.1:8000"


def write_event_folder(
    folder: Path, setup: EventSetup, files: Mapping[str, str] = FILES
) -> list[Path]:
    """Write the files of an event; return their paths.

    :param files: paths below the folder by template; :data:`CONFERENCE_FILES` for a conference of
        a site that exists.
    :raises EventSetupError: if one of them exists, or the folder cannot be written.
    """
    local_feed = Path(setup.feed) if setup.feed and "://" not in setup.feed else None
    feed_copy = folder / FEEDS_FOLDER / local_feed.name if local_feed else None
    paths = {folder / path: template for template, path in files.items()}
    targets = [*paths, *filter(None, [feed_copy])]
    if existing := next((path for path in targets if path.exists()), None):
        raise EventSetupError(f"{existing} is there already; name a folder without it")
    variables = _template_variables(
        setup, f"{FEEDS_FOLDER}/{local_feed.name}" if local_feed else ""
    )
    source = importlib.resources.files(__package__) / "files"
    try:
        for path, template in paths.items():
            text = Template((source / template).read_text(encoding="utf-8"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600 if path.name in PRIVATE_FILES else 0o644)
            path.write_text(text.substitute(variables), encoding="utf-8")
        if local_feed and feed_copy:
            feed_copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(local_feed, feed_copy)
    except OSError as error:
        raise EventSetupError(f"{error.filename}: cannot be written: {error.strerror}") from None
    return targets


def _template_variables(setup: EventSetup, feed_path: str) -> Mapping[str, str]:
    room_ids = derive_room_ids(setup.rooms)
    feed = feed_path or setup.feed
    return {
        # One line of a comment or a heading.
        "title": " ".join(setup.name.split()),
        "name": _quote(setup.name),
        "overview": f"Its feed has {setup.overview}." if setup.overview else "It has no feed yet.",
        "feed": _format_feed(feed) if feed else NO_FEED,
        "timezone": _quote(setup.timezone),
        "chat": _format_chat(setup.chat),
        "rooms": _format_rooms(room_ids, has_feed=bool(feed)),
        "room_list": "\n".join(f"- {name}: `/{room_id}`" for name, room_id in room_ids.items()),
        "first_room": next(iter(room_ids.values())),
        "secret": _quote(secrets.token_urlsafe(32)),
        "languages": _format_languages(setup.languages),
        "address": setup.address,
    }


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _format_feed(feed: str) -> str:
    comment = "    // The feed of all rooms: an address, or a path relative to this file."
    return f'{comment}\n    "schedule-url": {_quote(feed)},'


def _format_chat(chat: Mapping[str, str]) -> str:
    lines = [f"    {_quote(key)}: {_quote(value)}," for key, value in chat.items()] or [
        '    // "ircnetwork": "irc.libera.chat",',
        '    // "ircchannel": "#example",',
    ]
    return "\n".join(["    // The chat beside the player.", *lines])


def _format_rooms(room_ids: Mapping[str, str], *, has_feed: bool) -> str:
    rooms = []
    for name, room_id in room_ids.items():
        lines = [f'    "title": {_quote(name)},']
        if has_feed:
            lines.append(f'    "schedule-key": {_quote(name)},')
        rooms.append("\n".join([f'  "{room_id}": {{', *lines, "  },"]))
    return "\n".join(rooms)


def _format_languages(languages: Sequence[str]) -> str:
    tags = json.dumps(list(languages or ("en", "de")))
    return f'    {"" if languages else "// "}"languages": {tags},'
