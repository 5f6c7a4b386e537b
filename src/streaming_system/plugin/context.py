"""What a parser is told, and where it reports what it left out."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streaming_system.plugin.values import clean_str
from streaming_system.schedule.model import Talk

SkipReason = Literal[
    "no-time",
    "ends-before-start",
    "zero-length",
    "no-room",
    "placeholder",
    "cancelled",
    "not-accepted",
    "all-day",
    "out-of-range",
    "bad-value",
    "duplicate",
]
SKIP_REASONS: frozenset[str] = frozenset(get_args(SkipReason))

# Conferences are neither older than Unix nor planned for the next century, and the arithmetic of
# datetime overflows at its ends.
MIN_TIME, MAX_TIME = datetime(1970, 1, 2, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)

_ISO_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d(?!\d)", re.ASCII)


class SkipEntryError(ValueError):
    """Leave this entry out: raised while an entry is read, reported by :meth:`ParseContext.each`."""

    def __init__(self, reason: SkipReason, detail: str = "") -> None:
        super().__init__(detail or reason)
        self.reason: SkipReason = reason


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedEntry:
    """An entry of the feed which the site will not show."""

    reason: SkipReason
    where: str
    title: str
    detail: str = ""


class ParseContext:
    """What a parser is told about the feed, and where it reports what it left out.

    :param timezone: the zone that the configuration gives to this feed, if any.
    :param columns: which column of a table holds what, as ``schedule-columns`` says.
    """

    def __init__(
        self, timezone: ZoneInfo | None = None, columns: Mapping[str, str] | None = None
    ) -> None:
        self.timezone = timezone
        self.columns: Mapping[str, str] = columns or {}
        self.feed_timezone: ZoneInfo | None = None
        self.skipped: list[SkippedEntry] = []
        self.warnings: list[str] = []

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of times that carry no offset: the feed's own, else the configured one."""
        return self.feed_timezone or self.timezone

    def use_zone(self, name: object) -> None:
        """Take note of the zone that the feed names for itself; warn where there is no such zone.

        An empty name is ignored: the configured zone stays.
        """
        if not isinstance(name, str) or not name.strip():
            return
        try:
            self.feed_timezone = ZoneInfo(name.strip())
        except (ValueError, ZoneInfoNotFoundError, OSError):
            self.warn(f"the feed names a time zone that does not exist: {name[:64]!r}")

    def warn(self, message: str) -> None:
        """Say something that an organiser should know; the import goes on."""
        self.warnings.append(message)

    def skip(self, reason: SkipReason, where: str, title: str = "", detail: str = "") -> None:
        """Report an entry that is left out.

        :param where: its place in the feed: "line 812", "item 12".
        """
        if reason not in SKIP_REASONS:
            raise ValueError(f"{reason!r} is not a reason to skip; use one of {SKIP_REASONS}")
        self.skipped.append(
            SkippedEntry(reason=reason, where=where, title=title[:200], detail=detail)
        )

    def time(self, value: object, *formats: str) -> datetime:
        """Return the instant that ``value`` names, in UTC.

        :param value: ISO 8601 with date and time, with or without an offset; or text in one of
            ``formats``, as :meth:`datetime.strptime` takes them. Without an offset it is a time
            in :attr:`zone`.
        :raises Skip: ``no-time`` for nothing, or for a naive time and no zone; ``bad-value`` for
            anything else that is not a time; ``out-of-range`` before 1970 or after 2099.
        """
        if value is None or value == "":
            raise SkipEntryError("no-time")
        if not isinstance(value, str):
            raise SkipEntryError("bad-value", f"{value!r:.60} is not a time")
        moment = _parse_time(value.strip(), formats)
        if moment.tzinfo is None:
            if self.zone is None:
                raise SkipEntryError(
                    "no-time", f"{value!r:.60} has no UTC offset: set schedule-timezone"
                )
            moment = self._localise(moment, self.zone)
        return normalise_time(moment)

    def _localise(self, naive: datetime, zone: ZoneInfo) -> datetime:
        moment = naive.replace(tzinfo=zone)
        if naive.year in (1, 9999):  # A zone cannot be asked about the ends of time.
            raise SkipEntryError("out-of-range", f"the year {naive.year}")
        there_and_back = moment.astimezone(UTC).astimezone(zone)
        if there_and_back.replace(tzinfo=None) != naive:
            self.warn(f"{naive} does not exist in {zone.key}: taken as {there_and_back:%H:%M}")
        elif moment.utcoffset() != moment.replace(fold=1).utcoffset():
            self.warn(f"{naive} happens twice in {zone.key}: the first is taken")
        return moment

    def each(
        self, items: object, read: Callable[[Any], Talk | None], *, title: str = "title"
    ) -> Iterator[Talk]:
        """Read talks from a list of JSON objects; report the items that cannot be read.

        :param items: the list; anything else is one bad value.
        :param read: makes a :class:`Talk` of an item. It may raise :class:`SkipEntryError`; a missing key or
            a value of the wrong type skips the item as ``bad-value``. ``None`` leaves the item
            out without a word: for what is no entry at all.
        :param title: the key of an item's title, for the report.
        """
        if not isinstance(items, list):
            self.skip("bad-value", "feed", detail=f"{type(items).__name__} where a list should be")
            return
        yield from self.read_all(
            ((f"item {number}", item) for number, item in enumerate(items, 1)), read, title
        )

    def read_all(
        self,
        items: Iterable[tuple[str, Any]],
        read: Callable[[Any], Talk | None],
        title: str = "title",
    ) -> Iterator[Talk]:
        """Do what :meth:`each` does for pairs of a place in the feed and an item."""
        for where, item in items:
            name = ""
            try:
                if not isinstance(item, dict):
                    raise SkipEntryError(
                        "bad-value", f"{type(item).__name__} where an object should be"
                    )
                name = _entry_title(item.get(title))
                talk = read(item)
            except SkipEntryError as skip:
                self.skip(skip.reason, where, name, str(skip))
            except KeyError as error:
                self.skip("bad-value", where, name, f"no {error.args[0]!r:.60}")
            except (TypeError, ValueError, AttributeError, ArithmeticError) as error:
                # The data is a stranger's: a wrong type deep in an item costs that item only.
                self.skip("bad-value", where, name, f"{error!s:.100}")
            else:
                if talk is not None:
                    yield replace(talk, where=where)


def normalise_time(moment: datetime) -> datetime:
    """Return an aware time in UTC.

    :raises Skip: ``out-of-range`` before 1970 or after 2099.
    """
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise SkipEntryError("out-of-range", f"the year {moment.year}") from None
    if not MIN_TIME <= moment <= MAX_TIME:
        raise SkipEntryError("out-of-range", f"the year {moment.year}")
    return moment


def _parse_time(value: str, formats: tuple[str, ...]) -> datetime:
    for pattern in formats:
        try:
            return datetime.strptime(value, pattern)  # noqa: DTZ007 - Zones are the caller's.
        except ValueError:
            continue
    # fromisoformat also takes bare dates and weeks, which no talk starts at.
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
