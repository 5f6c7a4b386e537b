"""Recurrence rules (RRULE), expanded for a year at most.

A rule that never matches, such as "each 30 February", is searched up to the year 9999, which takes
seconds. Therefore the search starts in one of the last years that have the same calendar.
"""

import calendar
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from functools import cache

from dateutil.rrule import rrulestr
from icalendar.prop import vBroken

from streaming_system.plugin import SkipEntryError

from .events import is_date

ALLOWED_FREQUENCIES = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
MAX_OCCURRENCES = 366
MAX_RECURRENCE_SPAN = timedelta(days=366)
LATEST_YEAR = 9990


def list_starts(rule, start: datetime, warn) -> list[datetime]:
    """Return the starts that a rule gives to a series, in the zone of ``start``.

    :param start: the first start.
    :param warn: is called with a line if the rule goes on for more than a year.
    :raises SkipEntryError: if the rule is unbounded, or repeats more often than daily.
    """
    _require_bounded(rule)
    text = ";".join(
        part for part in rule.to_ical().decode().split(";") if not part.startswith("UNTIL=")
    )
    shift = _latest_similar_year(start.year) - start.year
    shifted = start.replace(year=start.year + shift, tzinfo=None)
    latest = start.replace(tzinfo=None) + MAX_RECURRENCE_SPAN
    until = _local_until(rule, start)
    starts = []
    for match in _matches(text, shifted):
        local = match.replace(year=match.year - shift)
        if until is not None and local > until:
            break
        if local > latest:
            warn("repeats for more than a year: only the first one is taken")
            break
        if len(starts) == MAX_OCCURRENCES:
            raise SkipEntryError("bad-value", "repeats too often")
        starts.append(local.replace(tzinfo=start.tzinfo))
    return starts


def _matches(text, start) -> Iterator[datetime]:
    try:
        yield from rrulestr(text, dtstart=start)
    except (ValueError, TypeError, KeyError) as error:
        raise SkipEntryError("bad-value", f"RRULE {text[:60]!r} is invalid") from error


def _require_bounded(rule):
    if isinstance(rule, vBroken):
        raise SkipEntryError("bad-value", f"RRULE {str(rule)[:60]!r} is no recurrence rule")
    frequency = str((rule.get("FREQ") or [""])[0]).upper()
    count = (rule.get("COUNT") or [None])[0]
    if frequency not in ALLOWED_FREQUENCIES:
        raise SkipEntryError("bad-value", f"repeats {frequency.lower() or 'by no frequency'}")
    if any(key in rule for key in ("BYHOUR", "BYMINUTE", "BYSECOND")):
        raise SkipEntryError("bad-value", "repeats more than once a day")
    if count is None and "UNTIL" not in rule:
        raise SkipEntryError("bad-value", "repeats for ever")
    if count is not None and not 0 < count <= MAX_OCCURRENCES:
        raise SkipEntryError("bad-value", f"repeats {count} times")
    if (rule.get("INTERVAL") or [1])[0] < 1:
        raise SkipEntryError("bad-value", "repeats without an interval")


def _local_until(rule, start: datetime) -> datetime | None:
    """Return the latest start of a rule, as a local time; ``None`` if it has a count instead.

    UNTIL can be a time in UTC, a local time, or a day, whose last moment it means.
    """
    if "UNTIL" not in rule:
        return None
    until = rule["UNTIL"][0]
    if is_date(until):
        return datetime.combine(until, time.max)
    if until.tzinfo is None:
        return until
    return until.astimezone(start.tzinfo or UTC).replace(tzinfo=None)


@cache
def _latest_similar_year(year: int) -> int:
    """Return a late year whose days, and those of the years around it, have the same weekdays."""
    for late in range(LATEST_YEAR, year, -1):
        if calendar.weekday(late, 1, 1) == calendar.weekday(year, 1, 1) and all(
            calendar.isleap(late + near) == calendar.isleap(year + near) for near in (-1, 0, 1, 2)
        ):
            return late
    return year
