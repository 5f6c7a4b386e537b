"""Fields of times and time zones."""

import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from streaming_system.util.validation.base import Field

# Years 2000 to 2099, and no leap seconds, which datetime does not support.
RFC3339_PATTERN = (
    r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)


class Rfc3339DateTime(Field):
    """A time with its offset from UTC (RFC 3339), within this century; it is converted to UTC."""

    allowed = "a time with its offset, such as 2026-08-22T12:00:00Z"
    _fullmatch = staticmethod(re.compile(RFC3339_PATTERN.removesuffix("$")).fullmatch)

    def validate(self, value: Any) -> datetime:
        if not isinstance(value, str) or not self._fullmatch(value):
            raise self.error()
        try:
            return datetime.fromisoformat(value).astimezone(UTC)
        except ValueError:
            # A day that the month does not have.
            raise self.error() from None

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": RFC3339_PATTERN}


class TimeZone(Field):
    """The name of a time zone in the IANA database."""

    allowed = "a name of the IANA database such as Europe/Berlin or UTC"

    def validate(self, value: Any) -> ZoneInfo:
        try:
            return ZoneInfo(value)
        except (TypeError, ValueError, KeyError, OSError):
            raise self.error() from None
