"""Loads config.json, overrides it with config.private.json, and validates the result.

All problems are found in one run: :func:`check_conference` returns them, :func:`load_conference`
raises the errors.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import colander

from streaming_system.config.cross_checks import check_rooms
from streaming_system.config.events import EVENT_KEY
from streaming_system.config.field_types import InvalidItems, problems_of
from streaming_system.config.findings import WARNING, Finding, errors_of, warnings_of
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
from streaming_system.config.sections import DEFAULT, SITE, ConfigSections
from streaming_system.config.social import HASHTAG_PATTERN
from streaming_system.config.stream_sources import SourceTimeError, resolve_source_times
from streaming_system.util.suggestions import did_you_mean, similar_name
from streaming_system.util.validation import suggest_absolute

NO_ROOMS = "no room is configured: the site will be empty"
_MIN_SECTION_SIMILARITY = 0.8


@dataclass(frozen=True, kw_only=True)
class CheckedConference:
    """The configuration, and everything that is wrong with it.

    :param conference: ``None`` if there are errors.
    :param sections: the merged files, which know the place of each key.
    """

    conference: ConferenceConfig | None
    sections: ConfigSections

    @property
    def findings(self) -> list[Finding]:
        """The errors and warnings, in the order of the files."""
        return self.sections.findings

    def require(self) -> ConferenceConfig:
        """Return the configuration.

        :raises ConfigError: if there are errors.
        """
        if self.conference is None:
            raise ConfigError(*errors_of(self.findings))
        return self.conference


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


def load_conference_from_settings(
    settings: Mapping[str, str], overrides: Overrides | None = None
) -> ConferenceConfig:
    """Load the files that the ini file names; see :func:`check_configuration`.

    :raises ConfigError: if the configuration is invalid.
    """
    return check_configuration(settings, overrides).require()


def check_configuration(
    settings: Mapping[str, str], overrides: Overrides | None = None
) -> CheckedConference:
    """Load the files that the ini file names, and find everything that is wrong.

    :param settings: ``config.public`` and ``config.private`` are paths. If the private file does
        not exist and the ini file sets ``config.example`` (development only), that file is used.
    :param overrides: the changes of the crew; ``None`` for those in the file.
    :raises ConfigError: if the ini file lacks a key, or the file of the crew is invalid.
    """
    overriding, public, private, *example = configuration_files(settings)
    if example and not private.exists():
        private = example[0]
    # The secret of a conference is the site's.
    sections = _load_sections(public, private, needs_private=EVENT_KEY not in settings)
    sections.add_overrides(
        overriding, load_overrides(overriding) if overrides is None else overrides
    )
    return _check(sections)


def load_conference(public: Path, private: Path) -> ConferenceConfig:
    """Load ``public``, override it with ``private`` if that exists, and validate the result.

    :raises ConfigError: with all errors, if the configuration is invalid.
    """
    return check_conference(public, private).require()


def check_conference(public: Path, private: Path) -> CheckedConference:
    """Load both files as :func:`load_conference` does, and find everything that is wrong."""
    return _check(_load_sections(public, private))


def _load_sections(public: Path, private: Path, *, needs_private: bool = True) -> ConfigSections:
    sections = ConfigSections()
    sections.add_file(public)
    if private.exists():
        sections.add_file(private)
    elif needs_private:
        message = f"does not exist: only {public.name} is used"
        sections.findings.append(Finding(file=private, message=message, severity=WARNING))
    return sections


def _check(sections: ConfigSections) -> CheckedConference:
    conference = _ConferenceBuilder(sections).build()
    has_errors = bool(errors_of(sections.findings))
    return CheckedConference(conference=None if has_errors else conference, sections=sections)


class _ConferenceBuilder:
    """Validates sections. Values with errors are replaced by those that the key has by default."""

    def __init__(self, sections: ConfigSections) -> None:
        self._sections = sections
        self._default_language = "en"

    def build(self) -> ConferenceConfig:
        """Return the configuration, and add all problems to the findings."""
        sections = self._sections
        site = SiteConfig(**self._validate(SITE, sections.values[SITE], SiteConfigSchema()))
        self._default_language = site.languages[0] if site.languages else "en"
        # Source times without offset use a room's time zone; "default" is no room.
        default = replace(self._build_room(DEFAULT, {}), sources=())
        rooms = {
            room_id: self._build_room_of_site(room_id, site)
            for room_id in sections.room_ids
            if not self._is_misspelt_section(room_id)
        }
        if sections.is_complete:
            check_rooms(sections, site, rooms)
        sections.sort_findings()
        if not rooms and sections.is_complete:
            sections.findings.append(Finding(message=NO_ROOMS, severity=WARNING))
        return ConferenceConfig(
            site=site, default=default, rooms=rooms, warnings=tuple(warnings_of(sections.findings))
        )

    def _is_misspelt_section(self, name: str) -> bool:
        near = similar_name(name, (SITE, DEFAULT), _MIN_SECTION_SIMILARITY)
        if near:
            self._sections.add(
                name,
                (),
                f"is unknown; did you mean {near!r}? All other sections are rooms; if this is one, "
                "choose another name",
                subject=f"section {name!r:.80}",
            )
        return bool(near)

    def _build_room_of_site(self, room_id: str, site: SiteConfig) -> Room:
        try:
            validate_room_id(room_id)
        except ValueError as error:
            self._sections.add(room_id, (), str(error))
        room = self._build_room(room_id, self._sections.values[DEFAULT])
        return replace(
            room,
            schedule=room.schedule or site.schedule_url,
            schedule_room_default=room.schedule_room_default or site.schedule_room_default,
            schedule_timezone=room.schedule_timezone or site.schedule_timezone,
            sources=self._resolve_source_times(room, site),
        )

    def _build_room(self, room_id: str, defaults: dict[str, Any]) -> Room:
        values = {"title": room_id, **defaults, **self._sections.values[room_id]}
        values = self._validate(room_id, self._interpolate(room_id, values), RoomConfigSchema())
        language = self._default_language
        translations = {
            key: LocalizedText(value, language)
            for key, value in values.items()
            if key in LOCALIZED_KEYS and not isinstance(value, str)
        }
        values |= {key: text.get(language) for key, text in translations.items()}
        room = Room(id=room_id, translations=translations, **values)
        if room.posts is None or room.posts.hashtag:
            return room
        match = HASHTAG_PATTERN.search(room.twitter)
        if match is None and room_id != DEFAULT:
            self._sections.add(
                room_id,
                ("posts",),
                'names no hashtag, nor does twitter; allowed: "#ourconf@mastodon.social"',
            )
        return replace(room, posts=replace(room.posts, hashtag=match[1] if match else ""))

    def _interpolate(self, section: str, values: dict[str, Any]) -> dict[str, Any]:
        result = {}
        for key in values:
            try:
                result[key] = interpolate(section, key, values)
            except ValueError as error:
                # A key that "default" refers to may be one of each room.
                if section != DEFAULT:
                    self._sections.add(section, (key,), str(error))
        return {"title": section, **result}

    def _resolve_source_times(self, room: Room, site: SiteConfig) -> tuple[TimedSource, ...]:
        try:
            return resolve_source_times(
                room.sources, room.schedule_timezone or site.schedule_timezone
            )
        except SourceTimeError as error:
            self._sections.add(room.id, ("sources", *error.path), str(error))
            return ()

    def _validate(
        self, section: str, values: dict[str, Any], schema: colander.Schema
    ) -> dict[str, Any]:
        """Return the attributes of a section."""
        self._check_keys(section, values, [node.name for node in schema.children])
        try:
            result: dict[str, Any] = schema.deserialize(values)
        except colander.Invalid as error:
            for child in error.children:
                for path, message in problems_of(child):
                    self._sections.add(section, (child.node.name, *path), message)
            invalid = {child.node.name for child in error.children}
            valid = {key: value for key, value in values.items() if key not in invalid}
            if "title" in invalid:
                valid["title"] = section
            result = schema.deserialize(valid)
            # Other checks go on with the valid items of a list.
            result |= {
                child.node.name: child.valid
                for child in error.children
                if isinstance(child, InvalidItems)
            }
        for key in ("schedule", "schedule-url", "recordings-list"):
            if result.get(key):
                result[key] = self._resolve_feed(section, key, result[key])
        # A value without slash and dot is the name of a built-in theme.
        if re.search(r"[/.]", result.get("theme", "")):
            result["theme"] = str(self._sections.folder_of(section, "theme") / result["theme"])
        return {key.replace("-", "_"): value for key, value in result.items()}

    def _check_keys(self, section: str, values: dict[str, Any], allowed: list[str]) -> None:
        other = SiteConfigSchema() if section != SITE else RoomConfigSchema()
        elsewhere = {node.name for node in other.children}
        place = f"section {SITE!r}" if section != SITE else f"section {DEFAULT!r} or a room"
        for key in values:
            # One warning for a key of "default", not one for each room.
            if key in RETIRED_KEYS:
                if self._sections.has_key(section, key):
                    self._sections.add(section, (key,), RETIRED_KEYS[key], severity=WARNING)
            elif key in elsewhere and key not in allowed:
                self._sections.add(section, (key,), f"is a key of {place}: move it there")
            elif key not in allowed:
                self._sections.add(
                    section,
                    (key,),
                    f"unknown key; {did_you_mean(key, allowed)}allowed: "
                    f"{', '.join(sorted(allowed))}",
                )

    def _resolve_feed(self, section: str, key: str, source: str) -> str:
        """Make a path absolute; it is relative to the file that sets the key."""
        if urlsplit(source).scheme in ("http", "https"):
            return source
        path = self._sections.folder_of(section, key) / source
        suggestion = suggest_absolute(source) if "/" in source else ""
        if suggestion and not path.exists():
            self._sections.add(
                section,
                (key,),
                f"{source!r:.80} begins with no https://; did you mean {suggestion}?",
            )
        return str(path)
