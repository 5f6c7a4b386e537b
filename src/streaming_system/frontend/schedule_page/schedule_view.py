"""The talks of the site as the programme's pages need them, made once per schedule."""

import re
import threading
import unicodedata
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from streaming_system.config import ConferenceConfig, Room
from streaming_system.frontend.room_view import natural_sort_key
from streaming_system.schedule.model import Schedule, Slot

# What is on after midnight belongs to the evening before.
DAY_START = timedelta(hours=5)
# Colours that tracks take turns in; their names are always there, too.
TRACK_COLOURS = 8

_NAMESPACE = uuid.UUID("3c0f7b7e-1d0a-5a59-8f5b-7b1c7c1f5a11")
_SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


def talk_id(event: Slot) -> str:
    """Return what a talk is called in addresses: its guid, if that needs no escaping."""
    return event.guid if _SAFE_ID.fullmatch(event.guid) else str(uuid.uuid5(_NAMESPACE, event.guid))


def language_tag(language: str) -> str:
    """Return what the feed calls the talk's language, if browsers understand it, else ""."""
    return language if _LANGUAGE_TAG.fullmatch(language) else ""


def fold_for_search(text: str) -> str:
    """Return a text as it is searched: without capitals and accents."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


@dataclass(frozen=True, kw_only=True, eq=False)
class ScheduleEntry:
    """A talk in its room.

    :param zone: the zone that its times are shown in.
    :param day: the day of the programme that it starts on.
    :param tint: the number of its track's colour; 0 without a track.
    """

    id: str
    event: Slot
    room: Room
    zone: ZoneInfo
    day: date
    tint: int = 0

    @property
    def start(self) -> datetime:
        """When it starts, as the clocks there show it."""
        return self.event.start.astimezone(self.zone)

    @property
    def end(self) -> datetime:
        """When it ends, as the clocks there show it."""
        return self.event.end.astimezone(self.zone)

    @property
    def language(self) -> str:
        """Its language for the eye: a code in capitals, or the feed's own word."""
        tag = language_tag(self.event.language)
        return tag.upper() if len(tag) == 2 else self.event.language

    @cached_property
    def searched(self) -> str:
        """Everything that a search looks at."""
        event = self.event
        return fold_for_search(
            "\n".join((event.title, event.subtitle, event.track, self.room.title, *event.speakers))
        )


class ScheduleView:
    """The talks of some rooms, in order.

    :ivar zone: the zone of its times and days: that of most rooms.
    """

    def __init__(self, schedule: Schedule, rooms: Iterable[Room]) -> None:
        shown = [room for room in rooms if room.id in schedule.rooms]
        self.rooms = sorted(shown, key=lambda room: natural_sort_key(room.title))
        zones = Counter(schedule.rooms[room.id].timezone.key for room in self.rooms)
        self.zone = ZoneInfo(zones.most_common(1)[0][0]) if zones else ZoneInfo("UTC")
        events = [
            (room, event)
            for room in self.rooms
            for event in schedule.rooms[room.id].events
            if not event.generated
        ]
        tracks = sorted({event.track for _, event in events} - {""}, key=natural_sort_key)
        tints = {track: 1 + number % TRACK_COLOURS for number, track in enumerate(tracks)}
        entries = [
            ScheduleEntry(
                id=talk_id(event),
                event=event,
                room=room,
                zone=self.zone,
                day=self._day(event.start),
                tint=tints.get(event.track, 0),
            )
            for room, event in events
        ]
        # Python's sort is stable: at the same time, the rooms keep their order.
        self.entries = sorted(entries, key=lambda entry: entry.event.start)
        self.days = sorted({day for entry in self.entries for day in self._days(entry)})

    def without_doubles(self) -> list[ScheduleEntry]:
        """Return the talks without those that a room merely shows from another of ours."""
        at_home = {(e.event.start, e.event.title) for e in self.entries if not e.event.via}
        return [
            entry
            for entry in self.entries
            if not (entry.event.via and (entry.event.start, entry.event.title) in at_home)
        ]

    def knows(self, day: date) -> bool:
        """Tell whether a day lies within the event."""
        return bool(self.days) and self.days[0] <= day <= self.days[-1]

    def begins(self, day: date) -> datetime:
        """Return when a day of the programme begins."""
        return datetime.combine(day, time(), self.zone) + DAY_START

    def on(self, day: date, entries: Iterable[ScheduleEntry]) -> list[ScheduleEntry]:
        """Return the talks that start on a day, or go on from an earlier one.

        What ends before the day's first talk is left to the night that it belongs to.
        """
        if not self.knows(day):
            return []
        begins = self.begins(day).astimezone(UTC)
        ends = self.begins(day + timedelta(days=1)).astimezone(UTC)
        so_far = [entry for entry in entries if entry.event.start < ends]
        begins = min((e.event.start for e in so_far if e.event.start >= begins), default=begins)
        return [entry for entry in so_far if entry.event.end > begins]

    def day_at(self, now: datetime) -> date | None:
        """Return the day to show to somebody who asks for none.

        It is today or the next day with talks; after the event it is the first one again.
        """
        if not self.days:
            return None
        today = self._day(now)
        return next((day for day in self.days if day >= today), self.days[0])

    def _days(self, entry: ScheduleEntry) -> list[date]:
        """Return the days of a talk: the one it starts on, or all of them if it lasts longer."""
        if entry.event.end - entry.event.start < timedelta(days=1):
            return [entry.day]
        last = self._day(entry.event.end - timedelta(seconds=1))
        return [entry.day + timedelta(days=n) for n in range((last - entry.day).days + 1)]

    def _day(self, moment: datetime) -> date:
        return (moment.astimezone(self.zone) - DAY_START).date()


def search(entries: Iterable[ScheduleEntry], words: str) -> list[ScheduleEntry]:
    """Return the talks that say all of the words, in whichever order."""
    wanted = fold_for_search(words).split()
    return [entry for entry in entries if all(word in entry.searched for word in wanted)]


class ScheduleViewCache:
    """The programme of the schedule in service; any thread may ask."""

    def __init__(self, conference: ConferenceConfig) -> None:
        self._rooms = conference.rooms
        self._lock = threading.Lock()
        self._schedule: Schedule | None = None
        self._programme = ScheduleView(Schedule(), ())
        self._by_id: Mapping[str, ScheduleEntry] = {}

    def of(self, schedule: Schedule) -> ScheduleView:
        """Return the programme of all rooms."""
        with self._lock:
            if schedule is not self._schedule:
                self._programme = ScheduleView(schedule, self._rooms.values())
                self._by_id = {entry.id: entry for entry in self._programme.entries}
                self._schedule = schedule
            return self._programme

    def talk(self, schedule: Schedule, name: str) -> ScheduleEntry | None:
        """Return the talk that an address names."""
        self.of(schedule)
        return self._by_id.get(name)
