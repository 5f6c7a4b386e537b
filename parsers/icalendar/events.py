"""Events of calendars, with times in their zones."""

import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo

import icalendar
from icalendar.prop import vBroken, vDDDTypes

from streaming_system.plugin import SkipEntryError, clean_str

MAX_DATES = 1000
MAX_EXCERPT_CHARS = 40

_SINGLE = {
    "CLASS", "DESCRIPTION", "DTEND", "DTSTART", "DURATION", "LAST-MODIFIED", "LOCATION",
    "RECURRENCE-ID", "SEQUENCE", "STATUS", "SUMMARY", "UID", "URL",
}  # fmt: skip
# CONFERENCE, STYLED-DESCRIPTION and X-TALK- are those of our own export.
_REPEATABLE = {"CATEGORIES", "CONFERENCE", "EXRULE", "STYLED-DESCRIPTION"}
_ZONED = {"DTEND", "DTSTART", "EXDATE", "RDATE", "RECURRENCE-ID"}
# The value of a time has no colon, but the name of its zone can have one, without quotes.
_TZID = re.compile(r';\s*TZID\s*=\s*("[^"]*"|[^;]*)', re.IGNORECASE)


@dataclass(kw_only=True, eq=False)
class CalendarEvent:
    """A component VEVENT: an event, a series of events, or a changed occurrence of a series.

    :param location: its position in the feed, such as "event 3".
    :param component: its properties, as the library parses them.
    :param default_zone: the zone of times without zone, if the calendar names it.
    :param unknown_zone: the name of the unknown zone of its start.
    :param cancels: whether its calendar has the method CANCEL.
    """

    location: str
    component: icalendar.Event
    default_zone: tzinfo | None
    unknown_zone: str
    cancels: bool

    @property
    def uid(self) -> str:
        return text_of(self.component, "UID")

    @property
    def title(self) -> str:
        return text_of(self.component, "SUMMARY")

    @property
    def start(self):
        """The start: a time, a date, or ``None``."""
        return time_of(self.component, "DTSTART")

    @property
    def recurrence_id(self):
        """The start that the series gives to this occurrence; ``None`` for the series itself."""
        return time_of(self.component, "RECURRENCE-ID")

    @property
    def modified(self) -> float:
        """The time of the last modification in seconds; 0.0 if it is unknown."""
        modified = value_of(self.component, "LAST-MODIFIED")
        is_time = isinstance(modified, datetime) and modified.tzinfo is not None
        return modified.timestamp() if is_time else 0.0

    @property
    def sequence(self) -> int:
        value = self.component.get("SEQUENCE")
        return int(value) if isinstance(value, int) else 0

    @property
    def is_cancelled(self) -> bool:
        return self.cancels or is_cancelled(self.component)

    @property
    def is_private(self) -> bool:
        # RFC 5545 asks to treat an unknown class as private.
        return text_of(self.component, "CLASS").upper() not in ("", "PUBLIC")

    @property
    def repeats(self) -> bool:
        return "RRULE" in self.component or "RDATE" in self.component


def parse_event(component, location, zones, warn, *, cancels) -> CalendarEvent:
    """Parse a component VEVENT.

    :param zones: the :class:`CalendarZones` of its calendar.
    :param cancels: whether its calendar has the method CANCEL.
    :raises SkipEntryError: if it is too large.
    """
    lines, dates = ["BEGIN:VEVENT"], 0
    for item in component.properties:
        if item.name in _ZONED:
            dates += item.text.count(",")
            lines.append(_hide_zone(item.text))
        elif item.name == "RRULE":
            # Some programs write a space after each comma.
            lines.append("".join(item.text.split()))
        elif item.name in _SINGLE | _REPEATABLE or item.name.startswith("X-TALK-"):
            lines.append(item.text)
    if dates > MAX_DATES:
        raise SkipEntryError("bad-value", f"lists more than {MAX_DATES:,} dates")
    event = icalendar.Event.from_ical("\r\n".join([*lines, "END:VEVENT", ""]))
    for name in sorted(_SINGLE & event.keys()):
        if isinstance(event[name], list):
            warn(f"{location}: {name} occurs twice: the first one is taken")
            event[name] = event[name][0]
    if "DTEND" in event and "DURATION" in event:
        warn(f"{location}: has DTEND and DURATION: DTEND is taken")
    unknown_zone = ""
    for name in sorted(_ZONED & event.keys()):
        values = event[name] if isinstance(event[name], list) else [event[name]]
        repaired = [_repair_time(value) for value in values]
        event[name] = repaired if len(repaired) > 1 else repaired[0]
        for value in repaired:
            unknown_zone = _localise(value, zones) or unknown_zone
    for name in sorted(event.keys() - {"DTSTART", "DTEND", "DURATION"}):
        if isinstance(event[name], vBroken) and name != "LAST-MODIFIED":
            warn(f"{location}: {name} {_shorten(event[name])!r} has an invalid value")
    return CalendarEvent(
        location=location,
        component=event,
        default_zone=zones.default,
        unknown_zone=unknown_zone,
        cancels=cancels,
    )


def _hide_zone(line: str) -> str:
    """Rename the parameter TZID of a time, because the library knows fewer zones."""
    head, _, value = line.rpartition(":")
    match = _TZID.search(head)
    if match is None:
        return line
    name = match[1].strip().replace('"', "")
    return f'{_TZID.sub("", head)};X-TZID="{name}":{value.strip()}'


def _repair_time(value):
    """Return an invalid time that ISO 8601 permits as a valid one."""
    if not isinstance(value, vBroken):
        return value
    try:
        repaired = vDDDTypes(datetime.fromisoformat(value.strip()))
    except ValueError:
        return value
    repaired.params = value.params
    return repaired


def _localise(value, zones) -> str:
    """Set the zones of a property's times; return the name of a zone that is unknown."""
    if isinstance(value, vBroken):
        return ""
    name = value.params.get("X-TZID", "")
    name = ",".join(name) if isinstance(name, list) else str(name)
    if not name.strip():
        return ""
    for item in value.dts:
        if isinstance(item.dt, tuple):
            item.dt = tuple(
                zones.localise(part, name) if isinstance(part, datetime) else part
                for part in item.dt
            )
        elif isinstance(item.dt, datetime):
            item.dt = zones.localise(item.dt, name)
    return "" if zones.is_known(name) else name


def value_of(component, name):
    """Return the time, date or duration of a property; ``None`` if it is missing or invalid."""
    value = component.get(name)
    return None if isinstance(value, vBroken) else getattr(value, "dt", None)


def time_of(component, name):
    """Return the time or date of a property; ``None`` if it is missing or invalid."""
    value = value_of(component, name)
    return value if isinstance(value, date) else None


def is_cancelled(component) -> bool:
    """Return whether the status of a component is "cancelled"."""
    return text_of(component, "STATUS").upper() in ("CANCELLED", "CANCELED")


def text_of(component, name) -> str:
    """Return the text of a property; "" if it is missing."""
    return clean_str(str(component.get(name) or ""))


def describe_invalid(component, name) -> str:
    """Return what is wrong with a property that should be a time."""
    value = component.get(name)
    text = value if isinstance(value, vBroken) else value.to_ical().decode()
    return f"{name} {_shorten(text)!r} is no time"


def _shorten(value) -> str:
    return str(value)[:MAX_EXCERPT_CHARS]


def is_date(value) -> bool:
    """Return whether a value is a date without time."""
    return isinstance(value, date) and not isinstance(value, datetime)


def in_utc(value):
    """Return a comparable time: in UTC, or as it is if it has no zone."""
    if not isinstance(value, datetime):
        return datetime.combine(value, time.min)
    # The year 1 or 9999 can overflow; the import leaves out such times.
    with contextlib.suppress(OverflowError):
        value = value.astimezone(UTC) if value.tzinfo is not None else value
    return value.replace(tzinfo=None)
