"""How an event stands: what the index says of it before, between, during and after its days."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system.frontend.room_view import RoomView, natural_sort_key
from streaming_system.frontend.schedule_page.schedule_view import DAY_START
from streaming_system.schedule.model import Slot

# A room whose next talk is nearer than that is worth waiting for.
STARTING_SOON = timedelta(hours=1)
# The first talks of an event or a day.
MAX_FIRST_TALKS = 5


@dataclass(frozen=True, kw_only=True, eq=False)
class EventOverview:
    """An event and its rooms, in the order a viewer looks for them.

    :param title: what it is called; "" where the configuration does not say.
    :param states: of at least one room.
    """

    title: str
    now: datetime
    states: Sequence[RoomView]

    @cached_property
    def live(self) -> list[RoomView]:
        """The rooms that stream."""
        return [state for state in self.states if state.live]

    @cached_property
    def perhaps(self) -> list[RoomView]:
        """The rooms where a talk is on, and nobody knows whether they stream."""
        return [state for state in self.states if state.live is None and state.talk]

    @cached_property
    def soon(self) -> list[RoomView]:
        """The other rooms that are to begin within the hour."""
        shown = {state.room.id for state in (*self.live, *self.perhaps)}
        return [
            state
            for state in self.states
            if state.room.id not in shown
            and not state.talk
            and state.next_talk
            and state.next_talk.start - self.now <= STARTING_SOON
        ]

    @cached_property
    def others(self) -> list[RoomView]:
        """The rest."""
        shown = {state.room.id for state in (*self.live, *self.perhaps, *self.soon)}
        return [state for state in self.states if state.room.id not in shown]

    @property
    def is_unknown(self) -> bool:
        """Tell whether nobody knows which rooms stream."""
        return any(state.live is None for state in self.states)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone of most of its rooms."""
        zones = Counter(state.zone.key for state in self.states if state.planned)
        return ZoneInfo(zones.most_common(1)[0][0]) if zones else self.states[0].zone

    @cached_property
    def _talks(self) -> list[tuple[Slot, RoomView]]:
        """All talks, and each once: of rooms that show another's, that one's."""
        found: dict[tuple[datetime, str], tuple[Slot, RoomView]] = {}
        # Python's sort is stable: at the same time, the rooms keep their order.
        for state in sorted(self.states, key=lambda state: natural_sort_key(state.room.title)):
            for event in state.planned:
                if not event.generated:
                    key = (event.start, event.title)
                    if key not in found or found[key][0].via:
                        found[key] = (event, state)
        return sorted(found.values(), key=lambda pair: pair[0].start)

    @property
    def begins(self) -> datetime | None:
        """When its first talk starts."""
        return self._talks[0][0].start if self._talks else None

    @cached_property
    def ends(self) -> datetime | None:
        """When its last talk ends."""
        return max((event.end for event, _ in self._talks), default=None)

    @cached_property
    def phase(self) -> str:
        """``unplanned``, ``before``, ``on``, ``between`` (two days), or ``after``."""
        if self.begins is None or self.ends is None:
            return "unplanned"
        if self.now < self.begins:
            return "before"
        if self.now >= self.ends:
            return "after"
        if any(state.talk for state in self.states) or not self.coming:
            return "on"
        return "on" if self._day(self.coming[0][0].start) == self._day(self.now) else "between"

    @cached_property
    def coming(self) -> list[tuple[Slot, RoomView]]:
        """The talks that are still to start."""
        return [pair for pair in self._talks if pair[0].start > self.now]

    @property
    def first_talks(self) -> list[tuple[Slot, RoomView]]:
        """The first talks of the day that comes next."""
        if not self.coming:
            return []
        day = self._day(self.coming[0][0].start)
        return [pair for pair in self.coming if self._day(pair[0].start) == day][:MAX_FIRST_TALKS]

    @property
    def goes_on_tomorrow(self) -> bool:
        """Tell whether the next talk starts on the next day of the programme."""
        return bool(self.coming) and (
            self._day(self.coming[0][0].start) - self._day(self.now) == timedelta(days=1)
        )

    @property
    def recordings(self) -> str:
        """Where its recordings are; "" if nobody has said."""
        return next((state.room.recordings for state in self.states if state.room.recordings), "")

    def local(self, moment: datetime) -> datetime:
        """Return a moment as the clocks at the event show it."""
        return moment.astimezone(self.zone)

    def until(self, moment: datetime) -> tuple[int, int, int]:
        """Return how long it is until a moment: days, hours, minutes; a begun minute counts."""
        minutes = max(0, -((self.now - moment) // timedelta(minutes=1)))
        return minutes // 1440, minutes // 60 % 24, minutes % 60

    @property
    def changes_at(self) -> datetime | None:
        """When there will be something else to say."""
        moments = [state.changes_at for state in self.states]
        # A room moves up an hour before its talk.
        moments += [
            state.next_talk.start - STARTING_SOON
            for state in self.states
            if state.next_talk and state.next_talk.start - STARTING_SOON > self.now
        ]
        return min((moment for moment in moments if moment), default=None)

    def _day(self, moment: datetime) -> date:
        # What is on after midnight belongs to the evening before.
        return (self.local(moment) - DAY_START).date()


_PHASE_ORDER = {"on": 0, "between": 1, "before": 2, "unplanned": 3, "after": 4}


def event_overviews(states: Sequence[RoomView], now: datetime) -> list[EventOverview]:
    """Return the events of some rooms, those with something to watch first."""

    def event(state: RoomView) -> str:
        return state.room.conference

    # Python's sort is stable: rooms keep their order.
    found = [
        EventOverview(title=title, now=now, states=list(rooms))
        for title, rooms in groupby(sorted(states, key=event), key=event)
    ]
    return sorted(found, key=_sort_key)


def _sort_key(event: EventOverview) -> tuple[Any, ...]:
    begins = event.begins.timestamp() if event.begins else 0.0
    # What comes next comes first, and so does what was last.
    nearest = -begins if event.phase == "after" else begins
    return (not event.live, _PHASE_ORDER[event.phase], nearest, natural_sort_key(event.title))
