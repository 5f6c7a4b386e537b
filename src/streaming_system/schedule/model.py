"""The schedule's data types. All times of slots are aware and in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from streaming_system.schedule.fillers import Filler, FillerType


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link or an attachment of a talk.

    :param url: absolute URL.
    :param title: plain text; "" if the feed has none.
    """

    url: str
    title: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Talk:
    """An entry of a feed as its parser returns it, before validation.

    :param rooms: the room names of the feed; a plenary has several.
    :param start: aware, in any zone.
    :param end: aware, in any zone.
    :param title: plain text.
    :param abstract: an HTML fragment, not sanitised.
    :param url: absolute URL of the talk's page.
    :param guid: an identifier that stays the same when the talk moves; "" if the feed has none.
    :param number: the feed's number of the talk, also as text; the import ignores anything else
        than 1 to 2³¹−1.
    :param speakers: names, without addresses.
    :param speaker_ids: the feed's identifiers of the speakers in the same order, "" for a speaker
        without one; () if it has none. They are not published, except numbers.
    :param talk_type: the feed's word for it: "talk", "workshop", "break", …
    :param do_not_record: the speaker's wish; ``None`` if the feed has none.
    :param recording_license: the licence of the recording, in the words of the feed.
    :param feedback_url: absolute URL of the organiser's feedback form for this talk.
    :param feed_location: position in the feed, for messages: "line 812", "item 12".
    """

    rooms: tuple[str, ...]
    start: datetime
    end: datetime
    title: str
    subtitle: str = ""
    abstract: str = ""
    url: str = ""
    guid: str = ""
    number: int | str | None = None
    speakers: tuple[str, ...] = ()
    speaker_ids: tuple[str, ...] = ()
    track: str = ""
    language: str = ""
    talk_type: str = ""
    do_not_record: bool | None = None
    recording_license: str = ""
    feedback_url: str = ""
    links: tuple[Link, ...] = ()
    attachments: tuple[Link, ...] = ()
    feed_location: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    """A period in the schedule of a room: a talk, or a filler in a gap.

    :param abstract: sanitised HTML.
    :param title: in English for a filler.
    :param guid: unique in the schedule.
    :param number: identifies the talk in exports; unique in the schedule, 1 to 2³¹−1; 0 for a
        filler, and in files of version 2.
    :param speaker_ids: numbers that identify the speakers in exports, in the order of
        ``speakers``; each speaker has the same one in all talks. () in files of version 2.
    :param filler: the data of a filler; ``None`` for a talk.
    :param relayed_from: for a talk of a ``schedule-see-also`` room, the name of that room in the
        feed; "" for a talk of the room itself.
    :param changed_at: time of the import that last changed the talk (UTC); ``None`` if unknown.
    :param revision: the number of imports that have changed the talk since the first one.
    """

    start: datetime
    end: datetime
    title: str
    guid: str
    number: int = 0
    filler: Filler | None = None
    subtitle: str = ""
    abstract: str = ""
    url: str = ""
    speakers: tuple[str, ...] = ()
    speaker_ids: tuple[int, ...] = ()
    track: str = ""
    language: str = ""
    talk_type: str = ""
    do_not_record: bool | None = None
    recording_license: str = ""
    feedback_url: str = ""
    links: tuple[Link, ...] = ()
    attachments: tuple[Link, ...] = ()
    relayed_from: str = ""
    changed_at: datetime | None = None
    revision: int = 0

    @property
    def is_filler(self) -> bool:
        """Whether the slot fills a gap; no feed lists it."""
        return self.filler is not None

    @property
    def is_break(self) -> bool:
        """Whether the slot is a break between two talks of a day."""
        return self.filler is not None and self.filler.type is FillerType.BREAK

    def is_on(self, time: datetime) -> bool:
        """Return whether the slot includes ``time``."""
        return self.start <= time < self.end


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomSchedule:
    """The slots of a room, in order of time, and the zone for display.

    :param guid: the UUID that the feed has for the room; "" if it has none.
    :param is_sample: whether the talks are made up, for trials.
    """

    timezone: ZoneInfo
    slots: tuple[Slot, ...]
    guid: str = ""
    is_sample: bool = False

    def upcoming(self, now: datetime, count: int = 2) -> tuple[Slot, ...]:
        """Return the current slot and the next ones, at most ``count``.

        In a gap without filler, the next slot comes first.
        """
        result: list[Slot] = []
        for slot in self.slots:
            if slot.end > now:
                result.append(slot)
                if len(result) == count:
                    break
        return tuple(result)


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedule:
    """The schedules of all rooms by room id, and the time of the import (UTC)."""

    rooms: Mapping[str, RoomSchedule] = field(default_factory=dict)
    imported_at: datetime | None = None
