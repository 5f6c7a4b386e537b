"""The context of a parse run: time zones, and the report of skipped entries and warnings."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from streaming_system.plugin.values import clean_str
from streaming_system.schedule.model import Talk
from streaming_system.util.time_zones import find_time_zone

SkipReason = Literal[
    "no-time",
    "ends-before-start",
    "zero-length",
    "no-room",
    "placeholder",
    "cancelled",
    "private",
    "not-accepted",
    "all-day",
    "out-of-range",
    "bad-value",
    "duplicate",
]
SKIP_REASONS: frozenset[str] = frozenset(get_args(SkipReason))

# Times outside of this range are errors in the feed; datetime arithmetic overflows near year 1 and
# year 9999.
MIN_TIME, MAX_TIME = datetime(1970, 1, 2, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)

_ISO_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d(?!\d)", re.ASCII)

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


class SkipEntryError(ValueError):
    """Raised by a parser to skip the current entry; :meth:`ParseContext.parse_items` reports it."""

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason: SkipReason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedEntry:
    """An entry of the feed that the import leaves out.

    :param location: position in the feed: "line 812", "item 12".
    """

    reason: SkipReason
    location: str
    title: str
    detail: str = ""


class ParseContext:
    """Gives a parser the configuration of its feed, and collects its report.

    :param timezone: the configured zone of the feed, if any.
    :param columns: the configured column map of a table (``schedule-columns``).
    """

    def __init__(
        self, timezone: ZoneInfo | None = None, columns: Mapping[str, str] | None = None
    ) -> None:
        self.timezone = timezone
        self.columns: Mapping[str, str] = columns or {}
        self.feed_timezone: ZoneInfo | None = None
        self.room_guids: dict[str, str] = {}
        self.skipped: list[SkippedEntry] = []
        self.warnings: list[str] = []

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
        """Keep the UUID that the feed has for a room; other values are ignored."""
        if isinstance(room, str) and isinstance(guid, str) and _UUID.fullmatch(guid):
            self.room_guids.setdefault(room, guid)

    def warn(self, message: str) -> None:
        """Report a problem that an organiser should know of; the import continues."""
        self.warnings.append(message)

    def skip(self, reason: SkipReason, location: str, title: str = "", detail: str = "") -> None:
        """Report a skipped entry.

        :param location: position in the feed: "line 812", "item 12".
        """
        if reason not in SKIP_REASONS:
            raise ValueError(f"{reason!r} is not a reason to skip; use one of {SKIP_REASONS}")
        self.skipped.append(
            SkippedEntry(reason=reason, location=location, title=title[:200], detail=detail)
        )

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
        time = _parse_time(value.strip(), formats)
        if time.tzinfo is None:
            zone = zone or self.effective_timezone
            if zone is None:
                raise SkipEntryError(
                    "no-time", f"{value!r:.60} has no UTC offset: set schedule-timezone"
                )
            time = self._localise(time, zone)
        return normalise_time(time)

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
            self.skip("bad-value", "feed", detail=f"{type(items).__name__} where a list should be")
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
        for location, item in items:
            title = ""
            try:
                if not isinstance(item, dict):
                    raise SkipEntryError(
                        "bad-value", f"{type(item).__name__} where an object should be"
                    )
                title = _entry_title(item.get(title_key))
                talk = parse(item)
            except SkipEntryError as error:
                self.skip(error.reason, location, title, str(error))
            except KeyError as error:
                self.skip("bad-value", location, title, f"no {error.args[0]!r:.60}")
            except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
                # A wrong type anywhere in an item skips only that item.
                self.skip("bad-value", location, title, f"{error!s:.100}")
            else:
                if talk is not None:
                    yield replace(talk, feed_location=location)


def normalise_time(time: datetime) -> datetime:
    """Convert an aware time to UTC, in full seconds.

    :raises SkipEntryError: ``out-of-range`` before 1970 or after 2099.
    """
    try:
        time = time.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise SkipEntryError("out-of-range", f"the year {time.year}") from None
    if not MIN_TIME <= time <= MAX_TIME:
        raise SkipEntryError("out-of-range", f"the year {time.year}")
    return time


def _parse_time(value: str, formats: tuple[str, ...]) -> datetime:
    for pattern in formats:
        try:
            return datetime.strptime(value, pattern)  # noqa: DTZ007 - The caller adds the zone.
        except ValueError:
            continue
    # fromisoformat also accepts dates without a time, and weeks.
    if not _ISO_DATE_TIME.match(value):
        raise SkipEntryError("bad-value", f"{value!r:.60} is not a date and time")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise SkipEntryError("bad-value", f"{value!r:.60}: {error}") from None


def _entry_title(value: object) -> str:
    try:
        return clean_str(value)
    except ValueError:
        return ""
