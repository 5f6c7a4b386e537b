"""Access logs of web servers, in the combined format: one line for each request."""

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

MAX_LINE_CHARS = 32 * 1024
# More than any answer has; a larger number is garbage.
MAX_RESPONSE_BYTES = 2**50

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = re.compile(
    r"(\S{1,255}) \S+ .*?\[([^\[\]]{26})\] "  # The user may hold blanks.
    rf"{_QUOTED} ([1-5][0-9][0-9]) ([0-9]{{1,20}}|-)(?: {_QUOTED} {_QUOTED})?(?= |$)"
)
_TIME = re.compile(
    r"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([0-9]{2}):([0-9]{2}):([0-9]{2}) "
    r"([+-])([0-9]{2})([0-9]{2})"
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_CONTROL_CHARS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class AccessLogLine:
    """One request that a web server has answered. ``time`` is when, in UTC."""

    address: str
    time: datetime
    time_text: str
    request: str
    status: int
    bytes: int
    referer: str
    user_agent: str

    def by(self, pseudonym: str) -> str:
        """Return the line as one that says nothing of who it was but a pseudonym."""
        return (
            f'{pseudonym} - - [{self.time_text}] "{self.request}" {self.status} {self.bytes} '
            f'"{self.referer}" "-"'
        )


def split_lines(text: str) -> list[str]:
    """Return the lines of a text, each safe to print; empty ones are left out."""
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return [_CONTROL_CHARS.sub(_escape_char, line) for line in lines if line]


def parse_line(line: str) -> AccessLogLine | None:
    """Return what a line says, None where it is not in the format."""
    if len(line) > MAX_LINE_CHARS:
        return None
    found = _LINE.match(line)
    if found is None:
        return None
    address, time_text, request, status, count, referer, user_agent = found.groups("-")
    time = _parse_time(time_text)
    size = 0 if count == "-" else int(count)
    if time is None or size > MAX_RESPONSE_BYTES:
        return None
    return AccessLogLine(
        address=address,
        time=time,
        time_text=time_text,
        request=request,
        status=int(status),
        bytes=size,
        referer=referer,
        user_agent=user_agent,
    )


# Many lines are of the same second.
@functools.lru_cache(maxsize=1024)
def _parse_time(text: str) -> datetime | None:
    found = _TIME.fullmatch(text)
    if found is None or found[2] not in _MONTHS:
        return None
    day, year, hour, minute, second = (int(found[group]) for group in (1, 3, 4, 5, 6))
    offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
    try:
        zone = timezone(-offset if found[7] == "-" else offset)
        month = _MONTHS.index(found[2]) + 1
        # A leap second belongs to the minute that it ends.
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _escape_char(found: re.Match[str]) -> str:
    return f"\\x{ord(found[0]):02x}"
