"""The talks of the site for the schedule pages, computed once per schedule."""

import re
import threading
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from streaming_system.config import ConferenceConfig, Room
from streaming_system.frontend.room_view import natural_sort_key
from streaming_system.schedule.days import day_start, main_zone, schedule_day
from streaming_system.schedule.model import Schedule, Slot
from streaming_system.schedule.site_links import talk_id

# The number of colours for tracks; pages show the name of the track as well.
TRACK_COLOURS = 8

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


def language_tag(language: str) -> str:
    """Return the language of a talk if it is a BCP 47 tag, else ""."""
    return language if _LANGUAGE_TAG.fullmatch(language) else ""


def fold_for_search(text: str) -> str:
    """Return a text in lower case and without accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


@dataclass(frozen=True, kw_only=True, eq=False)
class ScheduleEntry:
    """A talk in its room.

    :param zone: the zone to show its times in.
    :param day: the day of the schedule on which it starts.
    :param room_number: the position of its room in the configuration.
    :param track_colour: the number of its track's colour; 0 without a track.
    """

    id: str
    talk: Slot
    room: Room
    zone: ZoneInfo
    day: date
    room_number: int = 0
    track_colour: int = 0

    @property
    def start(self) -> datetime:
        """Its start in local time."""
        return self.talk.start.astimezone(self.zone)

    @property
    def end(self) -> datetime:
        """Its end in local time."""
        return self.talk.end.astimezone(self.zone)

    @property
    def language(self) -> str:
        """Its language for people: "EN", or the value of the feed."""
        tag = language_tag(self.talk.language)
        return tag.upper() if len(tag) == 2 else self.talk.language

    @cached_property
    def search_text(self) -> str:
        """The folded text that a search matches."""
        talk = self.talk
        return fold_for_search(
            "\n".join((talk.title, talk.subtitle, talk.track, self.room.title, *talk.speakers))
        )


class ScheduleView:
    """The talks of some rooms, in order.

    :ivar rooms: those with a schedule, in the order of the configuration.
    :ivar zone: the zone of its times and days: that of most of the rooms.
    """

    def __init__(self, schedule: Schedule, rooms: Iterable[Room]) -> None:
        scheduled = [room for room in rooms if room.id in schedule.rooms]
        self.rooms = scheduled
        self.zone = main_zone(schedule.rooms[room.id].timezone for room in scheduled)
        talks = [
            (number, room, slot)
            for number, room in enumerate(self.rooms)
            for slot in schedule.rooms[room.id].slots
            if not slot.is_filler
        ]
        tracks = sorted({talk.track for _, _, talk in talks} - {""}, key=natural_sort_key)
        colours = {track: 1 + number % TRACK_COLOURS for number, track in enumerate(tracks)}
        entries = [
            ScheduleEntry(
                id=talk_id(talk),
                talk=talk,
                room=room,
                zone=self.zone,
                day=self._day(talk.start),
                room_number=number,
                track_colour=colours.get(talk.track, 0),
            )
            for number, room, talk in talks
        ]
        # Sorting is stable: rooms keep their order at equal times.
        self.entries = sorted(entries, key=lambda entry: entry.talk.start)
        self.days = sorted({day for entry in self.entries for day in self._days(entry)})

    @cached_property
    def deduplicated(self) -> list[ScheduleEntry]:
        """The talks without relayed ones whose original is listed."""
        originals = {(e.talk.start, e.talk.title) for e in self.entries if not e.talk.relayed_from}
        return [
            entry
            for entry in self.entries
            if not (entry.talk.relayed_from and (entry.talk.start, entry.talk.title) in originals)
        ]

    def has_day(self, day: date) -> bool:
        """Return whether a day is within the event."""
        return bool(self.days) and self.days[0] <= day <= self.days[-1]

    def day_start(self, day: date) -> datetime:
        """Return the start of a day of the schedule."""
        return day_start(day, self.zone)

    def talks_on(self, day: date, entries: Iterable[ScheduleEntry]) -> list[ScheduleEntry]:
        """Return the talks that start on a day, or continue from an earlier one.

        Those that end before the first talk of the day belong to the previous day only.
        """
        if not self.has_day(day):
            return []
        start = self.day_start(day).astimezone(UTC)
        end = self.day_start(day + timedelta(days=1)).astimezone(UTC)
        started = [entry for entry in entries if entry.talk.start < end]
        start = min((e.talk.start for e in started if e.talk.start >= start), default=start)
        return [entry for entry in started if entry.talk.end > start]

    def default_day(self, now: datetime) -> date | None:
        """Return today or the next day with talks; after the event, its first day."""
        if not self.days:
            return None
        today = self._day(now)
        return next((day for day in self.days if day >= today), self.days[0])

    def _days(self, entry: ScheduleEntry) -> list[date]:
        """Return the day on which a talk starts; all its days if it takes a day or more."""
        if entry.talk.end - entry.talk.start < timedelta(days=1):
            return [entry.day]
        last = self._day(entry.talk.end - timedelta(seconds=1))
        return [entry.day + timedelta(days=n) for n in range((last - entry.day).days + 1)]

    def _day(self, moment: datetime) -> date:
        return schedule_day(moment, self.zone)


def search(entries: Iterable[ScheduleEntry], query: str) -> list[ScheduleEntry]:
    """Return the talks that contain all words of a query, in any order."""
    words = fold_for_search(query).split()
    return [entry for entry in entries if all(word in entry.search_text for word in words)]


class ScheduleViewCaches:
    """The caches of the views by language: titles of rooms may differ."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._caches: list[tuple[ConferenceConfig, ScheduleViewCache]] = []

    def of(self, conference: ConferenceConfig) -> "ScheduleViewCache":
        """Return the cache of a configuration with the texts of one language."""
        with self._lock:
            for known, cache in self._caches:
                if known is conference:
                    return cache
            self._caches.append((conference, ScheduleViewCache(conference)))
            return self._caches[-1][1]


class ScheduleViewCache:
    """The views of the current schedule. It is thread-safe."""

    def __init__(self, conference: ConferenceConfig) -> None:
        self._rooms = conference.rooms
        self._lock = threading.Lock()
        self._schedule: Schedule | None = None
        self._view = ScheduleView(Schedule(), ())
        self._room_views: dict[str, ScheduleView] = {}
        self._by_id: Mapping[str, ScheduleEntry] = {}

    def get(self, schedule: Schedule) -> ScheduleView:
        """Return the view of all rooms."""
        with self._lock:
            if schedule is not self._schedule:
                self._view = ScheduleView(schedule, self._rooms.values())
                self._room_views = {}
                self._by_id = {entry.id: entry for entry in self._view.entries}
                self._schedule = schedule
            return self._view

    def of_room(self, schedule: Schedule, room: Room) -> ScheduleView:
        """Return the view of one configured room."""
        self.get(schedule)
        with self._lock:
            if schedule is not self._schedule:
                # Another thread has replaced it since.
                return ScheduleView(schedule, [room])
            if room.id not in self._room_views:
                self._room_views[room.id] = ScheduleView(schedule, [room])
            return self._room_views[room.id]

    def find_talk(self, schedule: Schedule, talk_id: str) -> ScheduleEntry | None:
        """Return the talk with an id."""
        self.get(schedule)
        return self._by_id.get(talk_id)
