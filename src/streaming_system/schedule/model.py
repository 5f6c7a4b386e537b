"""What a schedule is made of. Every time in here is aware and in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, kw_only=True, slots=True)
class Talk:
    """One entry of a feed, as a parser read it: nothing is checked or cleaned yet.

    :param rooms: the feed's own names of the rooms it happens in; a plenary has several.
    :param start: aware, in any zone.
    :param end: aware, in any zone.
    :param title: plain text.
    :param abstract: an HTML fragment; whoever publishes it sanitises it first.
    :param url: the talk's page, absolute.
    :param guid: an identifier that stays the same when the talk moves; "" where the feed has none.
    :param speakers: names for people to read, never addresses.
    :param kind: what the feed calls it: "talk", "workshop", "break", …
    :param do_not_record: what the speaker asked for; ``None`` where the feed does not say.
    :param where: its place in the feed, for messages: "line 812", "item 12".
    """

    rooms: tuple[str, ...]
    start: datetime
    end: datetime
    title: str
    subtitle: str = ""
    abstract: str = ""
    url: str = ""
    guid: str = ""
    speakers: tuple[str, ...] = ()
    track: str = ""
    language: str = ""
    kind: str = ""
    do_not_record: bool | None = None
    where: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """What happens in one room from start to end: a talk, or something that fills a gap.

    :param abstract: sanitised HTML, fit for a page.
    :param generated: it fills a gap; no feed listed it.
    :param via: the other room (its name in the feed) where it happens, for a
        ``schedule-see-also`` room; "" for a talk of the room itself.
    """

    start: datetime
    end: datetime
    title: str
    guid: str
    generated: bool = False
    subtitle: str = ""
    abstract: str = ""
    url: str = ""
    speakers: tuple[str, ...] = ()
    track: str = ""
    language: str = ""
    kind: str = ""
    do_not_record: bool | None = None
    via: str = ""

    def is_on(self, moment: datetime) -> bool:
        """Tell whether it happens at ``moment``."""
        return self.start <= moment < self.end


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomSchedule:
    """Everything that happens in one room, in order, and the zone its people live by."""

    timezone: ZoneInfo
    events: tuple[Slot, ...]

    def upcoming(self, now: datetime, count: int = 2) -> tuple[Slot, ...]:
        """Return the event that is on and those after it, at most ``count``.

        In a gap too short to be filled, the event about to start comes first.
        """
        found: list[Slot] = []
        for event in self.events:
            if event.end > now:
                found.append(event)
                if len(found) == count:
                    break
        return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The schedules of all rooms, by room id, and when they were imported (UTC)."""

    rooms: Mapping[str, RoomSchedule] = field(default_factory=dict)
    imported: datetime | None = None
