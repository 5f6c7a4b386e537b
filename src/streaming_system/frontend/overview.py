"""The phase of an event and the order of its rooms, for the index page."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system.frontend.event_phase import event_phase
from streaming_system.frontend.room_view import RoomView
from streaming_system.schedule.days import schedule_day
from streaming_system.schedule.model import Slot

# A room whose next talk starts within this time is listed as starting soon.
STARTING_SOON = timedelta(hours=1)
MAX_FIRST_TALKS = 5
MAX_LATEST_TALKS = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class EventOverview:
    """An event and its rooms, the most interesting ones first.

    :param title: "" if the configuration has none.
    :param states: one or more rooms.
    """

    title: str
    now: datetime
    states: Sequence[RoomView]

    @cached_property
    def live(self) -> list[RoomView]:
        """The rooms that are live."""
        return [state for state in self.states if state.live]

    @cached_property
    def possibly_live(self) -> list[RoomView]:
        """The rooms with a talk and an unknown status."""
        return [state for state in self.states if state.live is None and state.talk]

    @cached_property
    def starting_soon(self) -> list[RoomView]:
        """The other rooms whose next talk starts within :data:`STARTING_SOON`."""
        shown = {state.room.id for state in (*self.live, *self.possibly_live)}
        return [
            state
            for state in self.states
            if state.room.id not in shown
            and not state.talk
            and state.next_talk
            and state.next_talk.start - self.now <= STARTING_SOON
        ]

    @cached_property
    def other_rooms(self) -> list[RoomView]:
        """All remaining rooms."""
        shown = {state.room.id for state in (*self.live, *self.possibly_live, *self.starting_soon)}
        return [state for state in self.states if state.room.id not in shown]

    @property
    def is_unknown(self) -> bool:
        """Whether the status of any room is unknown."""
        return any(state.live is None for state in self.states)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone of most of its rooms."""
        zones = Counter(state.zone.key for state in self.states if state.all_slots)
        return ZoneInfo(zones.most_common(1)[0][0]) if zones else self.states[0].zone

    @cached_property
    def _talks(self) -> list[tuple[Slot, RoomView]]:
        """All talks in order, each once, in its own room rather than in one that relays it."""
        talks: dict[tuple[datetime, str], tuple[Slot, RoomView]] = {}
        # Sorting is stable: rooms keep their order at equal times.
        for state in self.states:
            for slot in state.all_slots:
                if not slot.is_filler:
                    key = (slot.start, slot.title)
                    if key not in talks or talks[key][0].relayed_from:
                        talks[key] = (slot, state)
        return sorted(talks.values(), key=lambda pair: pair[0].start)

    @property
    def starts_at(self) -> datetime | None:
        """The start of its first talk."""
        return self._talks[0][0].start if self._talks else None

    @cached_property
    def ends_at(self) -> datetime | None:
        """The end of its last talk."""
        return max((talk.end for talk, _ in self._talks), default=None)

    @cached_property
    def phase(self) -> str:
        """``unplanned``, ``before``, ``on``, ``between`` (two days), or ``after``."""
        return event_phase((talk for talk, _ in self._talks), self.now, self.zone)

    @cached_property
    def upcoming_talks(self) -> list[tuple[Slot, RoomView]]:
        """The talks that have not started."""
        return [pair for pair in self._talks if pair[0].start > self.now]

    @property
    def first_talks(self) -> list[tuple[Slot, RoomView]]:
        """The first talks of the next day with talks."""
        if not self.upcoming_talks:
            return []
        day = self._day(self.upcoming_talks[0][0].start)
        return [pair for pair in self.upcoming_talks if self._day(pair[0].start) == day][
            :MAX_FIRST_TALKS
        ]

    def latest_talks(self, guids: Collection[str]) -> list[tuple[Slot, RoomView]]:
        """Return the latest of some talks, the newest first.

        :param guids: of the talks to choose from.
        """
        talks = [pair for pair in self._talks if pair[0].guid in guids]
        return talks[: -MAX_LATEST_TALKS - 1 : -1]

    @property
    def continues_tomorrow(self) -> bool:
        """Whether the next talk starts on the next day of the schedule."""
        return bool(self.upcoming_talks) and (
            self._day(self.upcoming_talks[0][0].start) - self._day(self.now) == timedelta(days=1)
        )

    @property
    def recordings(self) -> str:
        """The URL of its recordings; "" if not configured."""
        return next((state.room.recordings for state in self.states if state.room.recordings), "")

    def local(self, moment: datetime) -> datetime:
        """Return a time in the time zone of the event."""
        return moment.astimezone(self.zone)

    def time_until(self, moment: datetime) -> tuple[int, int, int]:
        """Return the days, hours and minutes until a moment, rounded up."""
        minutes = max(0, -((self.now - moment) // timedelta(minutes=1)))
        return minutes // 1440, minutes // 60 % 24, minutes % 60

    @property
    def changes_at(self) -> datetime | None:
        """The time at which the overview changes."""
        moments = [state.changes_at for state in self.states]
        # A room moves to starting_soon.
        moments += [
            state.next_talk.start - STARTING_SOON
            for state in self.states
            if state.next_talk and state.next_talk.start - STARTING_SOON > self.now
        ]
        return min((moment for moment in moments if moment), default=None)

    def _day(self, moment: datetime) -> date:
        return schedule_day(moment, self.zone)


_PHASE_ORDER = {"on": 0, "between": 1, "before": 2, "unplanned": 3, "after": 4}


def event_overviews(states: Sequence[RoomView], now: datetime) -> list[EventOverview]:
    """Group rooms by event; live events come first."""

    by_title: dict[str, list[RoomView]] = {}
    for state in states:
        by_title.setdefault(state.room.conference, []).append(state)
    overviews = [
        EventOverview(title=title, now=now, states=rooms) for title, rooms in by_title.items()
    ]
    # Sorting is stable: events keep the order of the configuration.
    return sorted(overviews, key=_sort_key)


def _sort_key(event: EventOverview) -> tuple[Any, ...]:
    start = event.starts_at.timestamp() if event.starts_at else 0.0
    # The next event comes first; of the past ones, the last.
    nearest = -start if event.phase == "after" else start
    return not event.live, _PHASE_ORDER[event.phase], nearest
