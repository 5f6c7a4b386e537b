"""The combined log format: one line per request."""

import re
from dataclasses import dataclass
from datetime import datetime

from streaming_system.util.combined_log_format import (
    COMBINED_LOG_LINE,
    MAX_RESPONSE_BYTES,
    parse_log_time,
)

MAX_LINE_CHARS = 32 * 1024
_CONTROL_CHARS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class AccessLogLine:
    """One request of a web server; ``time`` is in UTC."""

    address: str
    time: datetime
    time_text: str
    request: str
    status: int
    bytes: int
    referer: str
    user_agent: str

    def anonymize(self, pseudonym: str) -> str:
        """Return the line with a pseudonym instead of address, user and user agent."""
        return (
            f'{pseudonym} - - [{self.time_text}] "{self.request}" {self.status} {self.bytes} '
            f'"{self.referer}" "-"'
        )


def split_lines(text: str) -> list[str]:
    """Return the non-empty lines of a text, with control characters escaped."""
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return [_CONTROL_CHARS.sub(_escape_char, line) for line in lines if line]


def parse_line(line: str) -> AccessLogLine | None:
    """Return the fields of a line; ``None`` if it is not in the combined format."""
    if len(line) > MAX_LINE_CHARS:
        return None
    match = COMBINED_LOG_LINE.match(line)
    if match is None:
        return None
    address, time_text, request, status, size_text, referer, user_agent = match.groups("-")
    time = parse_log_time(time_text)
    size = 0 if size_text == "-" else int(size_text)
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


def _escape_char(match: re.Match[str]) -> str:
    return f"\\x{ord(match[0]):02x}"
