"""Parses times of feeds, and converts them to UTC."""

import re
from datetime import UTC, datetime

from streaming_system.plugin.skipped_entry import SkipEntryError

# Times outside of this range are errors in the feed; datetime arithmetic overflows near year 1 and
# year 9999.
MIN_TIME, MAX_TIME = datetime(1970, 1, 2, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)

_ISO_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]([01]\d|2[0-3]):[0-5]\d(?!\d)", re.ASCII)


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


def parse_date_time(value: str, formats: tuple[str, ...] = ()) -> datetime:
    """Parse a time; it is naive without an offset.

    :param value: ISO 8601 with date and time, or text in one of ``formats``.
    :raises SkipEntryError: ``bad-value`` for any other text.
    """
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
    except ValueError:
        raise SkipEntryError("bad-value", f"{value!r:.60} is not a valid date and time") from None
