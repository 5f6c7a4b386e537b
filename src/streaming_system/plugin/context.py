"""The context of a parse run: time zones, and the report of skipped entries and warnings."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system.plugin.durations import (
    AmbiguousEnd,
    DurationNotation,
    NotationEvidence,
    describe_uncertain_ends,
)
from streaming_system.plugin.feed_times import (
    MAX_TIME,
    MIN_TIME,
    normalise_time,
    parse_date_time,
)
from streaming_system.plugin.parse_report import ParseReport
from streaming_system.plugin.skipped_entry import SkipEntryError
from streaming_system.plugin.values import (
    FeedValueError,
    clean_str,
    clean_str_list,
    describe_type,
    parse_duration,
)
from streaming_system.schedule.model import Talk
from streaming_system.util.time_zones import find_time_zone

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


class ParseContext(ParseReport):
    """Gives a parser the configuration of its feed, and collects its report.

    :param timezone: the configured zone of the feed, if any.
    :param columns: the configured column map of a table (``schedule-columns``).
    """

    def __init__(
        self, timezone: ZoneInfo | None = None, columns: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()
        self.timezone = timezone
        self.columns: Mapping[str, str] = columns or {}
        self.feed_timezone: ZoneInfo | None = None
        self.room_guids: dict[str, str] = {}
        # Titles and names of an export of this program have neither markup nor entities.
        self.has_plain_texts = False
        #: Whether the feed's generator writes days first in three-part durations, if known.
        self.days_first: bool | None = None
        #: The end of the event, if the feed has one.
        self.event_end: datetime | None = None
        self._notation = DurationNotation()
        self._ambiguous_end: AmbiguousEnd | None = None
        self._uncertain_ends: dict[bool, list[AmbiguousEnd]] = defaultdict(list)

    @property
    def effective_timezone(self) -> ZoneInfo | None:
        """The zone of times without offset: the feed's own, else the configured one."""
        return self.feed_timezone or self.timezone

    def set_feed_timezone(self, name: object) -> None:
        """Use the zone that the feed names. Ignore an empty name; warn about an unknown zone.

        :param name: as :func:`~streaming_system.util.time_zones.find_time_zone` accepts it.
        """
        if not isinstance(name, str) or not name.strip():
            return
        zone = find_time_zone(name)
        if zone is None:
            self.warn(f"the feed names a time zone that does not exist: {name[:64]!r}")
        else:
            self.feed_timezone = zone

    def set_room_guid(self, room: object, guid: object) -> None:
        """Store the UUID that the feed has for a room; other values are ignored."""
        if isinstance(room, str) and isinstance(guid, str) and _UUID.fullmatch(guid):
            self.room_guids.setdefault(room, guid)

    @property
    def warnings(self) -> list[str]:
        """The reported problems, each with its number or its place."""
        return super().warnings + [
            describe_uncertain_ends(ends, days_first)
            for days_first, ends in self._uncertain_ends.items()
        ]

    def parse_time(self, value: object, *formats: str, zone: ZoneInfo | None = None) -> datetime:
        """Parse a time and return it in UTC.

        :param value: ISO 8601 with date and time, with or without an offset, or text in one of
            ``formats`` (as :meth:`datetime.strptime` accepts them).
        :param zone: the zone of a time without offset; :attr:`effective_timezone` by default.
        :raises SkipEntryError: ``no-time`` for an empty value, or a naive time without a zone;
            ``out-of-range`` before 1970 or after 2099; ``bad-value`` for any other invalid value.
        """
        if value is None or value == "":
            raise SkipEntryError("no-time")
        if not isinstance(value, str):
            raise SkipEntryError("bad-value", f"{value!r:.60} is not a time")
        time = parse_date_time(value.strip(), formats)
        if time.tzinfo is None:
            zone = zone or self.effective_timezone
            if zone is None:
                raise SkipEntryError(
                    "no-time", f"{value!r:.60} has no UTC offset: set schedule-timezone"
                )
            if zone is self.feed_timezone and self.timezone not in (None, zone):
                self.count(
                    f"times without offset are in the feed's time zone, {zone.key}, not in the "
                    f"configured one, {self.timezone}"
                )
            time = self._localise(time, zone)
        elif self.feed_timezone is not None:
            self._compare_offset(time, self.feed_timezone)
        return normalise_time(time)

    def _compare_offset(self, time: datetime, zone: ZoneInfo) -> None:
        offset = time.utcoffset()
        # Many programs write all times in UTC. Conversions overflow near year 1 and year 9999.
        if not offset or not MIN_TIME.year < time.year < MAX_TIME.year:
            return
        if offset != time.astimezone(zone).utcoffset():
            self.count(
                f"times have another UTC offset than the feed's time zone, {zone.key}; the offset "
                "is taken"
            )

    def parse_end(
        self, start: datetime, *, end: object = None, duration: object = None
    ) -> datetime:
        """Return the end of a talk in UTC: its end, else its start and duration.

        A duration of three parts can mean ``HH:MM:SS`` or ``D:HH:MM``; :meth:`parse_items` decides
        after the last entry, and can replace the end. An end and a duration that disagree are
        reported.

        :param end: as :meth:`parse_time` accepts it, or an aware time.
        :param duration: as :func:`parse_duration` accepts it.
        :raises SkipEntryError: ``no-time`` if there is neither; else as :meth:`parse_time`.
        :raises ValueError: if there is no end, and the duration is invalid.
        """
        # Exact durations: local arithmetic would ignore clock changes.
        start = start.astimezone(UTC)
        has_duration = duration is not None and duration != ""
        if end is None or end == "":
            if not has_duration:
                raise SkipEntryError("no-time", "neither end nor duration")
            return self._parse_duration_end(start, duration)
        try:
            parsed = end.astimezone(UTC) if isinstance(end, datetime) else self.parse_time(end)
        except SkipEntryError:
            if not has_duration:
                raise
            self.count("ends cannot be read; the duration is taken")
            return self._parse_duration_end(start, duration)
        if has_duration and not _is_duration_of(parsed - start, duration):
            self.count("events have an end that disagrees with their duration; the end is taken")
        return parsed

    def _parse_duration_end(self, start: datetime, duration: object) -> datetime:
        days_first = self._notation.count(duration)
        end = start + parse_duration(duration)
        if days_first is not None:
            self._ambiguous_end = AmbiguousEnd(
                text=str(duration), start=start, hours_first=end, days_first=start + days_first
            )
        return end

    def _localise(self, naive: datetime, zone: ZoneInfo) -> datetime:
        aware = naive.replace(tzinfo=zone)
        if naive.year in (1, 9999):  # The zone's offset would overflow.
            raise SkipEntryError("out-of-range", f"the year {naive.year}")
        round_trip = aware.astimezone(UTC).astimezone(zone)
        if round_trip.replace(tzinfo=None) != naive:
            self.warn(f"{naive} does not exist in {zone.key}: taken as {round_trip:%H:%M}")
        elif aware.utcoffset() != aware.replace(fold=1).utcoffset():
            self.warn(f"{naive} happens twice in {zone.key}: the first is taken")
        return aware

    def select_room(self, listed_in: object, named: object) -> tuple[str, ...]:
        """Return the room of a talk: the one whose list it is in, else the one that it names.

        :param listed_in: the room of the list.
        :param named: the room in the talk itself; a disagreement is reported.
        """
        rooms, own_rooms = clean_str_list(listed_in), clean_str_list(named)
        spellings = {" ".join(room.split()) for room in rooms}
        name = named.get("name", named) if isinstance(named, dict) else named
        translations = name.values() if isinstance(name, dict) else own_rooms
        if rooms and own_rooms and not spellings & {" ".join(str(t).split()) for t in translations}:
            self.count(
                f"events name another room ({own_rooms[0]!r:.60}) than the one that lists them "
                f"({rooms[0]!r:.60}), which is taken"
            )
        return rooms or own_rooms

    def parse_items(
        self, items: object, parse: Callable[[Any], Talk | None], *, title_key: str = "title"
    ) -> Iterator[Talk]:
        """Parse talks from a list of JSON objects; report items that cannot be parsed.

        :param items: the list; any other type is reported as one bad value.
        :param parse: converts an item to a :class:`Talk`. If it raises :class:`SkipEntryError`,
            the item is skipped; a missing key or a wrong type skips it as ``bad-value``. An item
            for which it returns ``None`` is no entry, and is not reported.
        :param title_key: the key of an item's title, for the report.
        """
        if not isinstance(items, list):
            self.skip("bad-value", "feed", detail=f"{describe_type(items)} instead of a list")
            return
        yield from self.parse_located_items(
            ((f"item {number}", item) for number, item in enumerate(items, 1)), parse, title_key
        )

    def parse_located_items(
        self,
        items: Iterable[tuple[str, Any]],
        parse: Callable[[Any], Talk | None],
        title_key: str = "title",
    ) -> Iterator[Talk]:
        """Do the same as :meth:`parse_items` for pairs of a position in the feed and an item."""
        held: list[tuple[Talk, AmbiguousEnd]] = []
        starts: dict[str, list[datetime]] = {}
        for location, item in items:
            talk = self._parse_item(location, item, parse, title_key)
            if talk is None:
                continue
            for room in talk.rooms:
                starts.setdefault(room, []).append(talk.start)
            if self._ambiguous_end is None:
                yield talk
            else:
                end = replace(self._ambiguous_end, rooms=talk.rooms, location=location)
                held.append((talk, end))
        if held:
            yield from self._decide_ends(held, starts)

    def _parse_item(
        self, location: str, item: Any, parse: Callable[[Any], Talk | None], title_key: str
    ) -> Talk | None:
        """Parse one item; report an item that cannot be parsed, and return ``None``."""
        title = ""
        self._ambiguous_end = None
        try:
            if not isinstance(item, dict):
                raise SkipEntryError("bad-value", f"{describe_type(item)} instead of an object")
            title = _entry_title(item.get(title_key))
            talk = parse(item)
        except SkipEntryError as error:
            self.skip(error.reason, location, title, str(error))
        except FeedValueError as error:
            self.skip("bad-value", location, title, f"{error!s:.100}")
        except KeyError as error:
            self.skip("bad-value", location, title, f"no {error.args[0]!r:.60}")
        except (TypeError, ValueError, AttributeError, ArithmeticError, LookupError):
            # A wrong type anywhere in an item skips only that item.
            self.skip("bad-value", location, title, "a value has another type than it should")
        else:
            return None if talk is None else replace(talk, feed_location=location)
        return None

    def _decide_ends(
        self, held: list[tuple[Talk, AmbiguousEnd]], starts: dict[str, list[datetime]]
    ) -> Iterator[Talk]:
        """Yield the talks whose durations can be read in two ways, with the right end."""
        evidence = NotationEvidence(
            notation=self._notation,
            generator_days_first=self.days_first,
            event_end=self.event_end,
            starts={room: sorted(times) for room, times in starts.items()},
        )
        decision = evidence.decide([end for _, end in held])
        for talk, end in held:
            days_first = decision.days_first and not evidence.is_beyond_event(end.days_first)
            if not decision.certain:
                self._uncertain_ends[days_first].append(end)
            yield replace(talk, end=end.days_first) if days_first else talk


def _entry_title(value: object) -> str:
    try:
        return clean_str(value)
    except ValueError:
        return ""


def _is_duration_of(length: timedelta, duration: object) -> bool:
    """Return whether a duration, which may be invalid, can be the length of a talk."""
    try:
        readings = [parse_duration(duration), DurationNotation().count(duration)]
    except FeedValueError:
        return True
    return length in readings
