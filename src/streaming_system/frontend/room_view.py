"""What a page says about a room at one moment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system.config import Room, TimedSource
from streaming_system.config.stream_sources import (
    active_source,
    active_youtube_id,
    next_source_change,
)
from streaming_system.frontend.filler_titles import is_break
from streaming_system.frontend.formatting import ENGLISH_FORMATTER, LocaleFormatter
from streaming_system.frontend.tracker_client import RoomStatus
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot

# Talks that a room's page lists.
MAX_UPCOMING_TALKS = 8


@dataclass(frozen=True, kw_only=True)
class RoomView:
    """A room, what the schedule says of it, and whether it is live.

    :param zone: the zone to show times in.
    :param events: what is on and what follows; empty where there is no schedule.
    :param planned: all of the programme, what is over, too.
    :param words: the language to speak; what the schedule calls gaps is English.
    :param live: ``None`` if nobody knows.
    """

    room: Room
    now: datetime
    zone: ZoneInfo
    events: tuple[Slot, ...]
    live: bool | None
    told: RoomStatus | None = None
    planned: tuple[Slot, ...] = ()
    words: LocaleFormatter = ENGLISH_FORMATTER

    @cached_property
    def _first(self) -> Slot | None:
        first = self.events[0] if self.events else None
        return first if first and first.is_on(self.now) else None

    @cached_property
    def current(self) -> Slot | None:
        """What is on: a talk, or what fills a gap."""
        return self.words.event(self._first) if self._first else None

    @property
    def following(self) -> Slot | None:
        """What comes next, be it a talk or a break."""
        rest = self.events[1:] if self._first else self.events
        return self.words.event(rest[0]) if rest else None

    @cached_property
    def talk(self) -> Slot | None:
        """The talk that is on."""
        return self.current if self.current and not self.current.generated else None

    @cached_property
    def next_talk(self) -> Slot | None:
        """The next talk, whatever comes before it."""
        coming = (event for event in self.events if event.start > self.now)
        return next((event for event in coming if not event.generated), None)

    @property
    def later(self) -> tuple[Slot, ...]:
        """The talks that come next."""
        talks = (e for e in self.events if e.start > self.now and not e.generated)
        return tuple(islice(talks, MAX_UPCOMING_TALKS))

    @property
    def badge(self) -> str:
        """What stands over the room's card, in a word or three."""
        words = self.words
        if self.live:
            return words.translate("Live")
        if self.talk:
            return words.translate("On now") if self.live is None else words.translate("No stream")
        if self.next_talk is None:
            return words.translate("Finished") if self.events else ""
        starts = self.clock(self.next_talk.start)
        if self._first and is_break(self._first):
            return words.translate("Break until %(time)s", time=starts)
        return words.translate("Starts %(time)s", time=starts)

    @property
    def progress(self) -> int:
        """How much of the talk that is on is over, in per cent.

        It changes with the minutes that are left, so that a page stays the same in between.
        """
        if self.talk is None:
            return 0
        over = (self.now - self.talk.start) // timedelta(minutes=1) * timedelta(minutes=1)
        return int(100 * over / (self.talk.end - self.talk.start))

    @property
    def minutes_left(self) -> int:
        """How long the talk that is on goes on, in minutes; a begun minute counts."""
        if self.talk is None:
            return 0
        return -((self.now - self.talk.end) // timedelta(minutes=1))

    @property
    def changes_at(self) -> datetime | None:
        """When the page will have something else to say."""
        planned = self.current.end if self.current else None
        if planned is None and self.following:
            planned = self.following.start
        moments = (planned, next_source_change(self.room, self.now))
        return min((moment for moment in moments if moment), default=None)

    @property
    def source(self) -> TimedSource | None:
        """The source with times that is on."""
        return active_source(self.room, self.now)

    @property
    def youtube(self) -> str:
        """The id of the video that the room shows, whatever the tracker says."""
        return active_youtube_id(self.room, self.now)

    @property
    def needs_attention(self) -> bool:
        """Tell the crew that a talk is on and nobody can watch it."""
        return self.live is False and self.talk is not None

    def clock(self, moment: datetime) -> str:
        """Return a time as people in the room say it, with the day where it is another."""
        return self.words.clock(moment, self.now, self.zone)

    def local(self, moment: datetime) -> str:
        """Return a time in the room's zone as ISO 8601 with offset."""
        return moment.astimezone(self.zone).isoformat()

    @property
    def zone_name(self) -> str:
        """The zone as the room's people call it when the talk is: "AEDT", "CET", "UTC-03".

        Clocks may change between now and a talk that is months away.
        """
        talk = self.talk or self.next_talk
        return self.words.zone((talk.start if talk else self.now).astimezone(self.zone))


def build_room_view(
    room: Room,
    schedule: Schedule,
    told: Mapping[str, RoomStatus] | None,
    now: datetime,
    words: LocaleFormatter = ENGLISH_FORMATTER,
) -> RoomView:
    """Return what to say about a room."""
    planned = schedule.rooms.get(room.id) or RoomSchedule(
        timezone=room.schedule_timezone or ZoneInfo("UTC"), events=()
    )
    of_room = None if told is None else told.get(room.id)
    live = None if told is None else bool(of_room and of_room.live)
    return RoomView(
        room=room,
        now=now,
        zone=planned.timezone,
        # All of them: each day of a quiet month has an event that says so before the next talk.
        events=planned.upcoming(now, len(planned.events)),
        live=True if active_youtube_id(room, now) or active_source(room, now) else live,
        told=of_room,
        planned=planned.events,
        words=words,
    )


def build_room_views(request: Any) -> list[RoomView]:
    """Return what to say about every room, in the order a viewer looks for them.

    Live rooms come first, then those where something is on or starts soonest.
    """
    told = request.registry["live"].current()
    states = [
        build_room_view(room, request.schedule, told, request.now, request.words)
        for room in request.conference.rooms.values()
    ]
    return sorted(states, key=_sort_key)


def natural_sort_key(title: str) -> list[str | int]:
    """Return what to sort rooms by, so that Room 5 comes before Room 10."""
    return [
        int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", title.casefold())
    ]


def _sort_key(state: RoomView) -> tuple[bool, bool, datetime, list[str | int]]:
    never = datetime.max.replace(tzinfo=UTC)
    starts = state.next_talk.start if state.next_talk else never
    return (
        not state.live,
        state.talk is None,
        starts if not state.talk else state.now,
        natural_sort_key(state.room.title),
    )
