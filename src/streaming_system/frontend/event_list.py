"""The conferences of a site: which are on, which come, and which are over."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from streaming_system.config import ConferenceConfig, ConfigError, load_conference_from_settings
from streaming_system.config.events import EVENT_KEY, room_prefix
from streaming_system.config.loader import configuration_files
from streaming_system.frontend.event_sites import EventSites
from streaming_system.frontend.request_methods import FALLBACK_TITLE, configured_title
from streaming_system.frontend.tracker_client import RoomStatus
from streaming_system.schedule.days import schedule_day
from streaming_system.schedule.event_dates import EventDates, load_dates
from streaming_system.util.file_watch import FileStat, stat_file

NOW, UPCOMING, PAST = "now", "upcoming", "past"


@dataclass(frozen=True, kw_only=True)
class EventEntry:
    """A conference in the list.

    :param name: "" for the site's own.
    :param title: in the language of the page.
    :param path: of its pages, below the site's.
    :param dates: ``None`` while its schedule has no talks.
    :param live_rooms: the ids of the rooms that are live.
    """

    name: str
    title: str
    path: str
    dates: EventDates | None
    live_rooms: tuple[str, ...]
    now: datetime

    @property
    def phase(self) -> str:
        """``now``, ``upcoming`` or ``past``."""
        if self.live_rooms:
            return NOW
        if self.dates is None or self.now < self.dates.starts_at:
            return UPCOMING
        return NOW if self.now < self.dates.ends_at else PAST

    @property
    def days(self) -> tuple[date, date] | None:
        """The first and the last day where the conference is."""
        if self.dates is None:
            return None
        zone = self.dates.zone
        return schedule_day(self.dates.starts_at, zone), schedule_day(self.dates.ends_at, zone)

    @property
    def changes_at(self) -> datetime | None:
        """The time of the next change of its phase."""
        moments = (self.dates.starts_at, self.dates.ends_at) if self.dates else ()
        return min((moment for moment in moments if moment > self.now), default=None)


class EventList:
    """Describes the conferences without building their apps.

    :param sites: the conferences.
    """

    def __init__(self, sites: EventSites) -> None:
        self._sites = sites
        self._conferences: dict[str, tuple[tuple[FileStat, ...], ConferenceConfig | None]] = {}

    def entries(
        self, language: str, statuses: Mapping[str, RoomStatus] | None, now: datetime
    ) -> list[EventEntry]:
        """Return the conferences in the order of the page.

        :param language: the BCP 47 tag of the language of the titles.
        :param statuses: of all rooms, by their ids in the tracker; ``None`` if unknown.
        """
        entries = []
        for name in self._sites.names():
            try:
                settings = self._sites.event_settings(name)
                conference = self._conference(settings)
            except ConfigError:
                # It has just been removed.
                continue
            if conference is not None:
                entries.append(
                    _entry(
                        name,
                        conference.in_language(language),
                        load_dates(Path(settings["schedule.file"])),
                        statuses,
                        now,
                    )
                )
        return sort_entries(entries)

    def _conference(self, settings: Mapping[str, Any]) -> ConferenceConfig | None:
        """Return the configuration; while it is invalid, its last valid version."""
        name = settings[EVENT_KEY]
        stats = tuple(map(stat_file, configuration_files(settings)))
        known_stats, known = self._conferences.get(name, ((), None))
        if stats != known_stats:
            # The app of the conference logs an error.
            with contextlib.suppress(ConfigError):
                known = load_conference_from_settings(settings)
            self._conferences[name] = stats, known
        return known


def site_entry(
    conference: ConferenceConfig,
    dates: EventDates | None,
    statuses: Mapping[str, RoomStatus] | None,
    now: datetime,
) -> EventEntry:
    """Return the entry of the site's own conference."""
    return _entry("", conference, dates, statuses, now)


def sort_entries(entries: Iterable[EventEntry]) -> list[EventEntry]:
    """Return what is on first, then what comes next, then what was last."""

    def key(entry: EventEntry) -> tuple[int, bool, float]:
        start = entry.dates.starts_at.timestamp() if entry.dates else 0.0
        order = (NOW, UPCOMING, PAST).index(entry.phase)
        return order, entry.dates is None, -start if entry.phase == PAST else start

    return sorted(entries, key=key)


def _entry(
    name: str,
    conference: ConferenceConfig,
    dates: EventDates | None,
    statuses: Mapping[str, RoomStatus] | None,
    now: datetime,
) -> EventEntry:
    title = configured_title(conference)
    prefix = room_prefix(name)
    is_over = dates is not None and dates.is_archive(now)
    live = (
        room
        for room in conference.rooms
        if not is_over and (status := (statuses or {}).get(f"{prefix}{room}")) and status.live
    )
    return EventEntry(
        name=name,
        title=name if name and title == FALLBACK_TITLE else title,
        path=f"{name}/" if name else "",
        dates=dates,
        live_rooms=tuple(live),
        now=now,
    )
