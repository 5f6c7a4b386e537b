"""The combined log format of Apache, which is nginx's default, too."""

import functools
import re
from datetime import UTC, datetime, timedelta, timezone

# Larger sizes are invalid.
MAX_RESPONSE_BYTES = 2**50

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
# Groups: address, time, request line, status, size or "-", referer, user agent. The common log
# format has no referer and user agent. The user name may contain spaces.
COMBINED_LOG_LINE = re.compile(
    r"(\S{1,255}) \S+ .*?\[([^\[\]]{26})\] "
    rf"{_QUOTED} ([1-5][0-9][0-9]) ([0-9]{{1,20}}|-)(?: {_QUOTED} {_QUOTED})?(?= |$)"
)
_TIME = re.compile(
    r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2}) "
    r"([+-])([0-9]{2})([0-9]{2})"
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


# Many lines have the same second.
@functools.lru_cache(maxsize=1024)
def parse_log_time(text: str) -> datetime | None:
    """Return the time of a line in UTC; ``None`` if it is invalid."""
    match = _TIME.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(match[group]) for group in (1, 3, 4, 5, 6))
    offset = timedelta(hours=int(match[8]), minutes=int(match[9]))
    try:
        zone = timezone(-offset if match[7] == "-" else offset)
        month = _MONTHS.index(match[2]) + 1
        # datetime has no leap seconds; one counts as second 59.
        time = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
        return time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
