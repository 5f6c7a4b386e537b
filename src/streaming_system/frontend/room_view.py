"""A room at one moment: its talks, its stream, and its labels on pages."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from streaming_system.config import Room, TimedSource
from streaming_system.config.stream_sources import (
    active_source,
    active_youtube_id,
    next_source_change,
)
from streaming_system.frontend.event_phase import PHASES_WITHOUT_TALKS, event_phase
from streaming_system.frontend.formatting import ENGLISH_FORMATTER, LocaleFormatter
from streaming_system.frontend.tracker_client import RoomStatus
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot

MAX_UPCOMING_TALKS = 8
# Servers store a few hours of a stream for viewers that seek.
MAX_SEEK = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True)
class RoomView:
    """A room, its schedule and its status.

    :param zone: the zone to show times in.
    :param slots: the current slot and all later ones; empty without a schedule.
    :param live: ``None`` if unknown.
    :param status: ``None`` if unknown.
    :param all_slots: the whole schedule, with past slots.
    :param formatter: of the language of the page.
    :param phase: the phase of its event.
    """

    room: Room
    now: datetime
    zone: ZoneInfo
    slots: tuple[Slot, ...]
    live: bool | None
    status: RoomStatus | None = None
    all_slots: tuple[Slot, ...] = ()
    formatter: LocaleFormatter = ENGLISH_FORMATTER
    phase: str = "on"

    @cached_property
    def _active_slot(self) -> Slot | None:
        first = self.slots[0] if self.slots else None
        return first if first and first.is_on(self.now) else None

    @cached_property
    def current(self) -> Slot | None:
        """The current talk or filler."""
        return self.formatter.slot(self._active_slot) if self._active_slot else None

    @property
    def next_slot(self) -> Slot | None:
        """The next talk or filler."""
        rest = self.slots[1:] if self._active_slot else self.slots
        return self.formatter.slot(rest[0]) if rest else None

    @cached_property
    def talk(self) -> Slot | None:
        """The current talk."""
        return self.current if self.current and not self.current.is_filler else None

    @cached_property
    def next_talk(self) -> Slot | None:
        """The next talk; fillers are skipped."""
        return next(self._future_talks(), None)

    @property
    def upcoming_talks(self) -> tuple[Slot, ...]:
        """The next talks."""
        return tuple(islice(self._future_talks(), MAX_UPCOMING_TALKS))

    def _future_talks(self) -> Iterator[Slot]:
        return (slot for slot in self.slots if slot.start > self.now and not slot.is_filler)

    @cached_property
    def has_begun(self) -> bool:
        """Whether a talk of the schedule has begun; a filler or a test picture does not count."""
        return any(slot.start <= self.now for slot in self.all_slots if not slot.is_filler)

    @property
    def seekable_talks(self) -> list[tuple[str, str]]:
        """The starts and titles of the talks that a player may seek to, and of the next one."""
        shown = [
            slot
            for slot in self.all_slots
            if self.now - MAX_SEEK < slot.start <= self.now and not slot.is_filler
        ]
        if self.next_talk:
            shown.append(self.next_talk)
        return [(slot.start.isoformat(), slot.title) for slot in map(self.formatter.slot, shown)]

    @property
    def badge(self) -> str:
        """The status on the room's card, in a few words."""
        formatter = self.formatter
        if self.room.closed:
            return formatter.translate("Closed")
        if self.live and self.phase not in PHASES_WITHOUT_TALKS:
            if self.is_on_slate:
                return formatter.translate("Resumes shortly")
            return formatter.translate("Live")
        if self.talk:
            return (
                formatter.translate("On now")
                if self.live is None
                else formatter.translate("No stream")
            )
        if self.next_talk is None:
            return formatter.translate("Ended") if self.slots else ""
        starts = self.clock(self.next_talk.start)
        if self._active_slot and self._active_slot.is_break:
            return formatter.translate("Break until %(time)s", time=starts)
        return formatter.translate("Starts %(time)s", time=starts)

    @property
    def has_live_badge(self) -> bool:
        """Whether pages call the room live: a stream outside of the event shows no talk."""
        return bool(self.live and not self.is_on_slate and self.phase not in PHASES_WITHOUT_TALKS)

    @property
    def hue(self) -> int:
        """The number of the colour of its pattern, of 12; it depends on the room only."""
        return crc32(self.room.id.encode()) % 12

    @property
    def progress(self) -> int:
        """The elapsed part of the current talk, in per cent.

        It changes once a minute, so that the page can be cached in between.
        """
        if self.talk is None:
            return 0
        elapsed = (self.now - self.talk.start) // timedelta(minutes=1) * timedelta(minutes=1)
        return int(100 * elapsed / (self.talk.end - self.talk.start))

    @property
    def minutes_left(self) -> int:
        """The rest of the current talk in minutes, rounded up."""
        if self.talk is None:
            return 0
        return -((self.now - self.talk.end) // timedelta(minutes=1))

    @property
    def changes_at(self) -> datetime | None:
        """The time at which the page changes."""
        slot_change = self.current.end if self.current else None
        if slot_change is None and self.next_slot:
            slot_change = self.next_slot.start
        moments = (slot_change, next_source_change(self.room, self.now))
        return min((moment for moment in moments if moment), default=None)

    @property
    def source(self) -> TimedSource | None:
        """The active source with times."""
        return active_source(self.room, self.now)

    @property
    def youtube(self) -> str:
        """The id of the configured YouTube video, which the tracker does not affect."""
        return active_youtube_id(self.room, self.now)

    @property
    def is_on_slate(self) -> bool:
        """Whether viewers get only a slate, because the stream's input is lost."""
        is_external = bool(self.youtube or self.source)
        return bool(self.live and self.status and self.status.slate and not is_external)

    @property
    def needs_attention(self) -> bool:
        """Whether a talk is on without a stream."""
        return self.live is False and self.talk is not None and not self.room.closed

    def clock(self, moment: datetime) -> str:
        """Return a local time, with the day unless it is today."""
        return self.formatter.clock(moment, self.now, self.zone)

    def local(self, moment: datetime) -> str:
        """Return a time in the room's zone, as ISO 8601 with offset."""
        return moment.astimezone(self.zone).isoformat()

    @property
    def zone_name(self) -> str:
        """The name of the zone at the time of the talk: "AEDT", "CET", "UTC-03".

        It may differ from the current one because of daylight saving time.
        """
        talk = self.talk or self.next_talk
        return self.formatter.zone((talk.start if talk else self.now).astimezone(self.zone))


def build_room_view(
    room: Room,
    schedule: Schedule,
    statuses: Mapping[str, RoomStatus] | None,
    now: datetime,
    formatter: LocaleFormatter = ENGLISH_FORMATTER,
) -> RoomView:
    """Return the view of a room.

    :param statuses: by room id; ``None`` if unknown.
    """
    room_schedule = schedule.rooms.get(room.id) or RoomSchedule(
        timezone=room.schedule_timezone or ZoneInfo("UTC"), slots=()
    )
    if room.closed:
        statuses = {}
    status = None if statuses is None else statuses.get(room.id)
    live = None if statuses is None else status.live if status else False
    return RoomView(
        room=room,
        now=now,
        zone=room_schedule.timezone,
        # All: before the next talk there may be many fillers, one per day.
        slots=room_schedule.upcoming(now, len(room_schedule.slots)),
        live=True if active_youtube_id(room, now) or active_source(room, now) else live,
        status=status,
        all_slots=room_schedule.slots,
        formatter=formatter,
    )


def build_room_views(request: Any) -> list[RoomView]:
    """Return all rooms, in the order of the configuration."""
    statuses = request.registry["room_statuses"].get()
    states = [
        build_room_view(room, request.schedule, statuses, request.now, request.formatter)
        for room in request.conference.rooms.values()
    ]
    by_event: dict[str, list[RoomView]] = {}
    for state in states:
        by_event.setdefault(state.room.conference, []).append(state)
    phases = {title: _phase(rooms, request.now) for title, rooms in by_event.items()}
    return [replace(state, phase=phases[state.room.conference]) for state in states]


def _phase(states: list[RoomView], now: datetime) -> str:
    zone = next((state.zone for state in states if state.all_slots), states[0].zone)
    return event_phase((slot for state in states for slot in state.all_slots), now, zone)


def natural_sort_key(title: str) -> list[str | int]:
    """Return a sort key with numbers by value: Room 5 comes before Room 10."""
    return [
        int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", title.casefold())
    ]
