"""Reads config.json, lays config.private.json over it, and checks the result."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import colander
import json5

from streaming_system.config.model import ConferenceConfig, Room, SiteConfig, TimedSource
from streaming_system.config.schema import RETIRED_KEYS, RoomConfigSchema, SiteConfigSchema
from streaming_system.config.social import HASHTAG_PATTERN
from streaming_system.config.stream_sources import SourceTimeError, resolve_source_times

ROOM_ID_PATTERN = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)

# What the first part of a path on the site may already mean, now or in the old protocol. A test
# compares this with the routes of both apps.
RESERVED_ROOM_IDS = frozenset(
    {
        "about",
        "accounts",
        "admin",
        "api",
        "atom",
        "brand",
        "config",
        "default",
        "embed",
        "endpoint",
        "favourites",
        "feedback",
        "flumotion",
        "graphs",
        "health",
        "healthz",
        "json",
        "login",
        "logout",
        "manifest",
        "metrics",
        "monitor",
        "multiview",
        "now",
        "oembed",
        "offline",
        "posts",
        "preview",
        "push",
        "privacy",
        "readyz",
        "relive",
        "rss",
        "schedule",
        "search",
        "static",
        "streams",
        "talk",
        "talks",
        "theme",
        "tracker",
        "words",
    }
)

_SECTIONS = ("config", "default")
_REFERENCE = re.compile(r"%\(([^()]*)\)s")


class ConfigError(Exception):
    """A configuration that cannot be used: one line with file, room, key and what is allowed."""


def load_conference_from_settings(settings: Mapping[str, str]) -> ConferenceConfig:
    """Read and check the files that the ini names.

    :param settings: ``config.public`` and ``config.private`` are paths; where the private file
        does not exist, ``config.example`` is read instead if the ini has it (development only).
    :raises ConfigError: with one line for whoever must mend it.
    """
    try:
        public, private = Path(settings["config.public"]), Path(settings["config.private"])
    except KeyError as error:
        raise ConfigError(f"the ini file lacks the key {error.args[0]} in [DEFAULT]") from None
    if not private.exists() and "config.example" in settings:
        private = Path(settings["config.example"])
    return load(public, private)


def load(public: Path, private: Path) -> ConferenceConfig:
    """Read ``public``, lay ``private`` over it where that exists, and check the result.

    :raises ConfigError: with one line for whoever must mend it.
    """
    merged = _ConfigMerger()
    merged.lay_over(public, _load_json(public))
    if private.exists():
        merged.lay_over(private, _load_json(private))
    else:
        merged.warnings.append(f"{private} does not exist: only {public.name} is used")
    return merged.checked()


def _load_json(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start})") from None
    try:
        # Most files are plain JSON but for whole lines of comment, which takes a hundredth of the
        # time. No text in JSON goes on in the next line, so that none can begin with a slash.
        document = json.loads(_COMMENT_LINE.sub("", text), object_pairs_hook=_unique_object)
    except (ValueError, RecursionError):
        document = _parse_json5(path, text)
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: must hold one object: {{…}}")
    return document


_COMMENT_LINE = re.compile(r"^[ \t]*//.*$", re.MULTILINE)


def _parse_json5(path: Path, text: str) -> Any:
    try:
        return json5.loads(text, object_pairs_hook=_unique_object)
    except (ValueError, RecursionError) as error:
        complaint = re.sub(r"^<string>:(\d+)", r"line \1:", str(error).splitlines()[0])
        raise ConfigError(f"{path}: {complaint}") from None


def _unique_object(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs, without the `"": ""` that ends it by tradition."""
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"the key {key!r} stands twice in one object")
        if key:
            result[key] = value
    return result


class _ConfigMerger:
    """The files laid over each other, and which file said what."""

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, Any]] = {name: {} for name in _SECTIONS}
        self.origin: dict[tuple[str, str], Path] = {}
        self.section_origin: dict[str, Path] = {}
        self.warnings: list[str] = []

    def lay_over(self, path: Path, document: dict[str, Any]) -> None:
        for name, values in document.items():
            if not isinstance(values, dict):
                raise ConfigError(f"{path}: {_location(name)}: must be an object: {{…}}")
            self.section_origin[name] = path
            self.sections.setdefault(name, {}).update(values)
            self.origin.update({(name, key): path for key in values})

    def checked(self) -> ConferenceConfig:
        site = SiteConfig(
            **_to_attributes(self._valid("config", self.sections["config"], SiteConfigSchema()))
        )
        # Times of sources hold in a room's zone; the default has none of its own.
        default = replace(self._room("default", {}), sources=())
        rooms = {}
        for room_id in sorted(set(self.sections) - set(_SECTIONS)):
            self._check_id(room_id)
            rooms[room_id] = self._room(room_id, self.sections["default"])
        rooms = {
            room_id: replace(
                room,
                schedule=room.schedule or site.schedule_url,
                schedule_timezone=room.schedule_timezone or site.schedule_timezone,
                sources=self._timed(room, site),
            )
            for room_id, room in rooms.items()
        }
        self._check_groups(site, rooms)
        if not rooms:
            self.warnings.append("no room is configured: the site will be empty")
        return ConferenceConfig(
            site=site, default=default, rooms=rooms, warnings=tuple(self.warnings)
        )

    def _timed(self, room: Room, site: SiteConfig) -> tuple[TimedSource, ...]:
        try:
            return resolve_source_times(
                room.sources, room.schedule_timezone or site.schedule_timezone
            )
        except SourceTimeError as error:
            raise ConfigError(f"{self._where(room.id, 'sources')}: {error}") from None

    def _check_groups(self, site: SiteConfig, rooms: Mapping[str, Room]) -> None:
        for room in rooms.values():
            for fallback in room.fallbacks:
                known = fallback.value in rooms or fallback.value in site.groups
                if fallback.kind == "group" and not known:
                    raise ConfigError(
                        f"{self._where(room.id, 'fallbacks')}: there is no room "
                        f"{fallback.value!r}, nor is it one of the groups in section 'config'"
                    )

    def _room(self, room_id: str, defaults: dict[str, Any]) -> Room:
        own = self.sections[room_id]
        values = {"title": room_id, **defaults, **own}
        filled = {key: self._interpolated(room_id, key, values) for key in values}
        room = Room(id=room_id, **_to_attributes(self._valid(room_id, filled, RoomConfigSchema())))
        if room.posts is None or room.posts.hashtag:
            return room
        said = HASHTAG_PATTERN.search(room.twitter)
        if said is None and room_id != "default":
            raise ConfigError(
                f"{self._where(room_id, 'posts')}: names no hashtag, nor does twitter; "
                'allowed: "#ourconf@mastodon.social"'
            )
        return replace(room, posts=replace(room.posts, hashtag=said[1] if said else ""))

    def _valid(
        self, section: str, values: dict[str, Any], schema: colander.Schema
    ) -> dict[str, Any]:
        allowed = [node.name for node in schema.children]
        for key in values:
            if key in RETIRED_KEYS:
                self.warnings.append(f"{self._where(section, key)}: {RETIRED_KEYS[key]}")
            elif key not in allowed:
                near = difflib.get_close_matches(key, allowed, 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise ConfigError(
                    f"{self._where(section, key)}: unknown key; {hint}"
                    f"allowed: {', '.join(sorted(allowed))}"
                )
        try:
            valid: dict[str, Any] = schema.deserialize(values)
        except colander.Invalid as error:
            key, complaint = next(iter(error.asdict().items()))
            raise ConfigError(f"{self._where(section, key)}: {complaint}") from None
        for key in ("schedule", "schedule-url"):
            if key in valid:
                valid[key] = self._absolute(section, key, valid[key])
        # A plain word is the name of a built-in theme.
        if re.search(r"[/.]", valid.get("theme", "")):
            valid["theme"] = self._absolute(section, "theme", valid["theme"])
        return valid

    def _interpolated(self, section: str, key: str, values: dict[str, Any]) -> Any:
        """Return a value with each ``%(key)s`` in it replaced by what that key says.

        Only that form is looked for: URLs are full of other per cent signs.
        """

        def fill(value: Any, seen: tuple[str, ...]) -> Any:
            if not isinstance(value, str):
                return value
            return _REFERENCE.sub(lambda match: lookup(match[1], seen), value)

        def lookup(name: str, seen: tuple[str, ...]) -> str:
            if name == "group":
                return section
            if name not in values or isinstance(values[name], list | dict):
                raise ConfigError(
                    f"{self._where(section, key)}: %({name})s names no text; "
                    "use %(group)s for the room's id, or another key of the room"
                )
            if name in seen:
                raise ConfigError(f"{self._where(section, key)}: %({name})s leads back to itself")
            return str(fill(values[name], (*seen, name)) or "")

        # A room's own id makes sense in a default only once the default is a room's.
        return values[key] if section == "default" else fill(values[key], (key,))

    def _check_id(self, room_id: str) -> None:
        where = f"{self.section_origin[room_id]}: room {room_id!r:.80}"
        if not ROOM_ID_PATTERN.fullmatch(room_id):
            raise ConfigError(f"{where}: a room id is 1 to 64 of the characters A-Z a-z 0-9 _")
        if room_id.lower() in RESERVED_ROOM_IDS:
            raise ConfigError(
                f"{where}: the site itself uses /{room_id}; choose another id, "
                f"not one of: {', '.join(sorted(RESERVED_ROOM_IDS))}"
            )

    def _absolute(self, section: str, key: str, source: str) -> str:
        """Make the path of a feed or a theme absolute: it is relative to the file that names it."""
        if not source or urlsplit(source).scheme in ("http", "https"):
            return source
        origin = self._origin(section, key)
        return str((origin.parent if origin else Path()).resolve() / source)

    def _origin(self, section: str, key: str) -> Path | None:
        return self.origin.get((section, key)) or self.origin.get(("default", key))

    def _where(self, section: str, dotted_key: str) -> str:
        key = dotted_key.split(".")[0]
        origin = self._origin(section, key) or self.section_origin.get(section) or "configuration"
        return f"{origin}: {_location(section)}: key {key!r:.80}"


def _location(section: str) -> str:
    return f"section {section!r}" if section in _SECTIONS else f"room {section!r:.80}"


def _to_attributes(values: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("-", "_"): value for key, value in values.items()}
