"""Loads config.json, overrides it with config.private.json, and validates the result."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import colander

from streaming_system.config.interpolation import LOCALIZED_KEYS, interpolate
from streaming_system.config.model import (
    ConferenceConfig,
    ConfigError,
    LocalizedText,
    Room,
    SiteConfig,
    TimedSource,
)
from streaming_system.config.overrides import Overrides, load_overrides, overrides_file
from streaming_system.config.room_ids import validate_room_id
from streaming_system.config.schema import RETIRED_KEYS, RoomConfigSchema, SiteConfigSchema
from streaming_system.config.social import HASHTAG_PATTERN
from streaming_system.config.stream_sources import SourceTimeError, resolve_source_times
from streaming_system.util.json_document import parse_json5

_SECTIONS = ("config", "default")


def load_conference_from_settings(
    settings: Mapping[str, str], overrides: Overrides | None = None
) -> ConferenceConfig:
    """Load the files that the ini file names.

    :param settings: ``config.public`` and ``config.private`` are paths. If the private file does
        not exist and the ini file sets ``config.example`` (development only), that file is used.
    :param overrides: the changes of the crew; ``None`` for those in the file.
    :raises ConfigError: if the configuration is invalid.
    """
    return merge_files(settings, overrides).build()


def merge_files(settings: Mapping[str, str], overrides: Overrides | None = None) -> "ConfigMerger":
    """Return the merged files before validation, as :func:`load_conference_from_settings`."""
    overriding, public, private, *example = configuration_files(settings)
    if example and not private.exists():
        private = example[0]
    merger = _merge(public, private)
    merger.add_overrides(overriding, load_overrides(overriding) if overrides is None else overrides)
    return merger


def configuration_files(settings: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files that the ini file names.

    They are the one with the changes of the crew, public, private and, in development, the example.

    :raises ConfigError: if the ini file lacks one.
    """
    try:
        names = [settings["config.public"], settings["config.private"]]
    except KeyError as error:
        raise ConfigError(f"the ini file lacks the key {error.args[0]} in [DEFAULT]") from None
    overriding = overrides_file(settings)
    return (overriding, *map(Path, [*names, *filter(None, [settings.get("config.example")])]))


def load_conference(public: Path, private: Path) -> ConferenceConfig:
    """Load ``public``, override it with ``private`` if that exists, and validate the result.

    :raises ConfigError: if the configuration is invalid.
    """
    return _merge(public, private).build()


def _merge(public: Path, private: Path) -> "ConfigMerger":
    merger = ConfigMerger()
    merger.add_file(public, _load_object(public))
    if private.exists():
        merger.add_file(private, _load_object(private))
    else:
        merger.warnings.append(f"{private} does not exist: only {public.name} is used")
    return merger


def _load_object(path: Path) -> dict[str, Any]:
    try:
        document = parse_json5(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start})") from None
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{path}: must hold one object: {{…}}")
    return document


class ConfigMerger:
    """Merges files section by section, key by key, and remembers the file of each key."""

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, Any]] = {name: {} for name in _SECTIONS}
        self.key_files: dict[tuple[str, str], Path] = {}
        self.section_files: dict[str, Path] = {}
        self.warnings: list[str] = []
        self.default_language = ""
        self.order: tuple[str, ...] = ()

    def add_file(self, path: Path, document: dict[str, Any]) -> None:
        """Override the keys so far with those of a file."""
        for name, values in document.items():
            if not isinstance(values, dict):
                raise ConfigError(f"{path}: {_location(name)}: must be an object: {{…}}")
            self.section_files[name] = path
            self.sections.setdefault(name, {}).update(values)
            self.key_files.update({(name, key): path for key in values})

    @property
    def room_ids(self) -> list[str]:
        """The rooms in order: that of the crew, then that of the files."""
        ids = [name for name in self.sections if name not in _SECTIONS]
        order = [room_id for room_id in self.order if room_id in ids]
        return [*order, *(room_id for room_id in ids if room_id not in order)]

    def add_overrides(self, path: Path, overrides: Overrides) -> None:
        """Override the keys so far with the changes of the crew."""
        self.order = overrides.order
        for room_id, values in overrides.rooms.items():
            if room_id in self.section_files:
                self.sections[room_id].update(values)
                self.key_files.update({(room_id, key): path for key in values})
            else:
                self.warnings.append(f"{path}: there is no room {room_id!r:.80} any more")

    def build(self) -> ConferenceConfig:
        """Return the validated configuration."""
        site_values = self._validate("config", self.sections["config"], SiteConfigSchema())
        site = SiteConfig(**_to_attributes(site_values))
        self.default_language = site.languages[0] if site.languages else "en"
        # Source times without offset use a room's time zone; "default" is no room.
        default = replace(self._build_room("default", {}), sources=())
        rooms = {room_id: self._build_room_of_site(room_id, site) for room_id in self.room_ids}
        self._validate_fallback_groups(site, rooms)
        self._validate_default_rooms(rooms)
        if not rooms:
            self.warnings.append("no room is configured: the site will be empty")
        return ConferenceConfig(
            site=site, default=default, rooms=rooms, warnings=tuple(self.warnings)
        )

    def _build_room_of_site(self, room_id: str, site: SiteConfig) -> Room:
        try:
            validate_room_id(room_id)
        except ValueError as error:
            raise ConfigError(
                f"{self.section_files[room_id]}: room {room_id!r:.80}: {error}"
            ) from None
        room = self._build_room(room_id, self.sections["default"])
        return replace(
            room,
            schedule=room.schedule or site.schedule_url,
            schedule_room_default=room.schedule_room_default or site.schedule_room_default,
            schedule_timezone=room.schedule_timezone or site.schedule_timezone,
            sources=self._resolve_source_times(room, site),
        )

    def _build_room(self, room_id: str, defaults: dict[str, Any]) -> Room:
        values = {"title": room_id, **defaults, **self.sections[room_id]}
        values = self._validate(room_id, self._interpolate(room_id, values), RoomConfigSchema())
        translations = {
            key: LocalizedText(value, self.default_language)
            for key, value in values.items()
            if key in LOCALIZED_KEYS and not isinstance(value, str)
        }
        values |= {key: text.get(self.default_language) for key, text in translations.items()}
        room = Room(id=room_id, translations=translations, **_to_attributes(values))
        if room.posts is None or room.posts.hashtag:
            return room
        match = HASHTAG_PATTERN.search(room.twitter)
        if match is None and room_id != "default":
            raise ConfigError(
                f"{self._key_location(room_id, 'posts')}: names no hashtag, nor does twitter; "
                'allowed: "#ourconf@mastodon.social"'
            )
        return replace(room, posts=replace(room.posts, hashtag=match[1] if match else ""))

    def _interpolate(self, section: str, values: dict[str, Any]) -> dict[str, Any]:
        # References in "default" are replaced once per room: %(group)s differs.
        if section == "default":
            return values
        result = {}
        for key in values:
            try:
                result[key] = interpolate(section, key, values)
            except ValueError as error:
                raise ConfigError(f"{self._key_location(section, key)}: {error}") from None
        return result

    def _resolve_source_times(self, room: Room, site: SiteConfig) -> tuple[TimedSource, ...]:
        try:
            return resolve_source_times(
                room.sources, room.schedule_timezone or site.schedule_timezone
            )
        except SourceTimeError as error:
            raise ConfigError(f"{self._key_location(room.id, 'sources')}: {error}") from None

    def _validate_fallback_groups(self, site: SiteConfig, rooms: Mapping[str, Room]) -> None:
        for room in rooms.values():
            for fallback in room.fallbacks:
                known = fallback.value in rooms or fallback.value in site.groups
                if fallback.kind == "group" and not known:
                    raise ConfigError(
                        f"{self._key_location(room.id, 'fallbacks')}: there is no room "
                        f"{fallback.value!r}, nor is it one of the groups in section 'config'"
                    )

    def _validate_default_rooms(self, rooms: Mapping[str, Room]) -> None:
        for room in rooms.values():
            name = room.schedule_room_default
            if not name or any(name in other.names for other in rooms.values()):
                continue
            key = "schedule-room-default"
            section = room.id if self._file_of(room.id, key) else "config"
            raise ConfigError(
                f"{self._key_location(section, key)}: there is no room {name!r:.80}; "
                f"allowed: {', '.join(rooms)}"
            )

    def _validate(
        self, section: str, values: dict[str, Any], schema: colander.Schema
    ) -> dict[str, Any]:
        allowed = [node.name for node in schema.children]
        for key in values:
            if key not in allowed and key not in RETIRED_KEYS:
                near = difflib.get_close_matches(key, allowed, 1)
                hint = f"did you mean {near[0]!r}? " if near else ""
                raise ConfigError(
                    f"{self._key_location(section, key)}: unknown key; {hint}"
                    f"allowed: {', '.join(sorted(allowed))}"
                )
            # One warning for a key of "default", not one for each room.
            if key in RETIRED_KEYS and key in self.sections[section]:
                self.warnings.append(f"{self._key_location(section, key)}: {RETIRED_KEYS[key]}")
        try:
            result: dict[str, Any] = schema.deserialize(values)
        except colander.Invalid as error:
            key, message = next(iter(error.asdict().items()))
            raise ConfigError(f"{self._key_location(section, key)}: {message}") from None
        for key in ("schedule", "schedule-url"):
            if key in result:
                result[key] = self._resolve_path(section, key, result[key])
        # A value without slash and dot is the name of a built-in theme.
        if re.search(r"[/.]", result.get("theme", "")):
            result["theme"] = self._resolve_path(section, "theme", result["theme"])
        return result

    def _resolve_path(self, section: str, key: str, source: str) -> str:
        """Make a path absolute; it is relative to the file that sets the key."""
        if not source or urlsplit(source).scheme in ("http", "https"):
            return source
        file = self._file_of(section, key)
        return str((file.parent if file else Path()).resolve() / source)

    def _file_of(self, section: str, key: str) -> Path | None:
        return self.key_files.get((section, key)) or self.key_files.get(("default", key))

    def _key_location(self, section: str, dotted_key: str) -> str:
        key = dotted_key.split(".")[0]
        file = self._file_of(section, key) or self.section_files.get(section) or "configuration"
        return f"{file}: {_location(section)}: key {key!r:.80}"


def _location(section: str) -> str:
    return f"section {section!r}" if section in _SECTIONS else f"room {section!r:.80}"


def _to_attributes(values: dict[str, Any]) -> dict[str, Any]:
    return {key.replace("-", "_"): value for key, value in values.items()}
