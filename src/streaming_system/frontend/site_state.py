"""What the pages are rendered from besides the schedule: configuration, theme and languages."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from streaming_system.config import (
    ConferenceConfig,
    configuration_files,
    load_conference_from_settings,
)
from streaming_system.config.differences import Summary, hash_value, summarise_conference
from streaming_system.config.events import EVENT_KEY, mount_conference
from streaming_system.frontend.i18n import DOMAIN, Languages, load_languages
from streaming_system.frontend.theming import ActiveTheme
from streaming_system.theme import load_theme
from streaming_system.theme.loader import EXAMPLES_FOLDER
from streaming_system.theme.model import PUBLIC_FOLDERS
from streaming_system.util.file_watch import FileWatch

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class SiteState:
    """One complete and valid state. It is replaced as a whole."""

    conference: ConferenceConfig
    theme: ActiveTheme | None
    languages: Languages

    @cached_property
    def conferences(self) -> Mapping[str, ConferenceConfig]:
        """The configuration with its texts in each language, by the name of the language."""
        return {
            name: self.conference.in_language(language.tag)
            for name, language in self.languages.items()
        }

    @cached_property
    def translated_titles(self) -> Mapping[str, Mapping[str, str]]:
        """The titles that differ from the default ones, by the name of the language."""
        return {
            name: dict(_differing_titles(self.conference, translated))
            for name, translated in self.conferences.items()
        }

    def summary(self) -> Summary:
        """Return what people may want to know of a change, by part and key."""
        theme = {}
        if self.theme:
            templates = hash_value(self.theme.templates)
            theme = {"files": self.theme.version, "templates": templates}
        return summarise_conference(self.conference) | {
            "theme": theme,
            "languages": {language.tag: language.version for language in self.languages.values()},
        }


def load_site_state(settings: Mapping[str, Any], watch: FileWatch) -> SiteState:
    """Load and validate everything.

    :param watch: gets the files.
    :raises ConfigError: if the configuration is invalid.
    :raises ThemeError: if the theme is invalid.
    :raises LanguageError: if a catalogue is invalid.
    """
    watch.add(*configuration_files(settings))
    event = settings.get(EVENT_KEY, "")
    conference = load_conference_from_settings(settings)
    if event:
        conference = mount_conference(conference, event)
    theme = _load_theme(conference.site.theme, watch)
    folder = settings.get("languages.folder")
    if folder:
        for suffix in ("mo", "po", "json"):
            watch.add_pattern(Path(folder), f"*/LC_MESSAGES/{DOMAIN}.{suffix}")
        # A conference may have catalogues of its own.
        if event and not Path(folder).is_dir():
            folder = None
    return SiteState(
        conference=conference,
        theme=theme,
        languages=load_languages(Path(folder) if folder else None, conference.site.languages),
    )


def _differing_titles(
    conference: ConferenceConfig, translated: ConferenceConfig
) -> Iterator[tuple[str, str]]:
    for room in conference.rooms.values():
        other = translated.rooms[room.id]
        yield from {room.title: other.title, room.conference: other.conference}.items()


def _load_theme(name: str, watch: FileWatch) -> ActiveTheme | None:
    if not name:
        return None
    # A path is absolute; otherwise it is the name of a built-in theme.
    folder = EXAMPLES_FOLDER / name
    watch.add(folder / "theme.json", folder / "theme.css")
    for part in (*PUBLIC_FOLDERS, "templates"):
        watch.add_pattern(folder / part, "**/*")
    theme = ActiveTheme(load_theme(name))
    for note in theme.theme.warnings:
        log.warning("%s", note)
    return theme
