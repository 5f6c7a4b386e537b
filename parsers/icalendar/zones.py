"""Time zones of a calendar: by the names of its times (TZID), and by its VTIMEZONE components."""

import re
from collections import Counter
from datetime import timedelta, tzinfo
from zoneinfo import ZoneInfo

import icalendar

from streaming_system.plugin import find_time_zone
from streaming_system.util.time_zones import is_fixed_offset

MAX_NAME_CHARS = 100
_OFFSET_PROPERTIES = {"DTSTART", "RDATE", "RRULE", "TZNAME", "TZOFFSETFROM", "TZOFFSETTO"}
# The rules of a zone are searched from their start on: more frequent ones would take too long.
_YEARLY = re.compile(
    r"RRULE(?:;[^:]*)?:(?=.*\bFREQ=YEARLY\b)"
    r"(?:(?:FREQ|UNTIL|COUNT|INTERVAL|WKST|BYDAY|BYMONTH|BYMONTHDAY)=[^;]*;?)+",
    re.IGNORECASE,
)


class CalendarZones:
    """The zones of one calendar; problems are reported once per zone and feed.

    :param calendar: the component VCALENDAR.
    :param used: counts the zones of localised times.
    """

    def __init__(self, calendar, context, used: Counter[ZoneInfo]):
        self.context = context
        self.used = used
        self.default = find_time_zone(calendar.value("X-WR-TIMEZONE"))
        self.definitions = {}
        for definition in calendar.children("VTIMEZONE"):
            for item in definition.properties:
                if item.name == "TZID":
                    name = item.text.partition(":")[2].strip(' "')
                    self.definitions.setdefault(name, definition)
        self.zones: dict[str, tzinfo | None] = {}
        self.defined: dict[str, tzinfo | None] = {}
        self.compared: set[tuple[str, int, int]] = set()
        self.contradicted: set[str] = set()

    def localise(self, time, name):
        """Return a time in the zone with a name, and without zone if the name is unknown.

        :param time: a naive time, or one in UTC, which the zone contradicts.
        """
        zone = self._find(name)
        if zone is None:
            self._warn_about_unknown(name, time)
            return time
        local = time.replace(tzinfo=zone)
        if time.tzinfo is not None and local.utcoffset():
            self._warn_once(
                f"times in the zone {_shorten(name)!r} end with Z, which means UTC: "
                "taken as local times"
            )
        if isinstance(zone, ZoneInfo):
            self.used[zone] += 1
            self._warn_if_defined_otherwise(name, zone, local)
        return local

    def is_known(self, name) -> bool:
        """Return whether the zone with a name is known."""
        return self._find(name) is not None

    def _find(self, name) -> tzinfo | None:
        if name not in self.zones:
            self.zones[name] = self._resolve(name)
        return self.zones[name]

    def _resolve(self, name):
        known = find_time_zone(name)
        definition = self.definitions.get(name)
        if known is None and definition is not None:
            known = find_time_zone(definition.value("X-LIC-LOCATION"))
        is_guess = known is not None and is_fixed_offset(known) and not _names_offset(name)
        if known is None or is_guess:
            defined = self._define(name)
            if defined is not None:
                return defined
        if is_guess:
            offset = _format_offset(known.utcoffset(None))
            self._warn_once(
                f"the time zone {_shorten(name)!r} (TZID) has no rules: taken as {offset}, "
                "without summer time"
            )
        return known

    def _warn_about_unknown(self, name, time):
        fallback = self.default or self.context.effective_timezone
        if time.tzinfo is not None:
            result = "is unknown: its times end with Z and are taken in UTC"
        elif fallback is not None:
            result = f"is unknown: its times are taken in {fallback.key}"
        else:
            result = "is unknown: correct it in the feed, or set schedule-timezone"
        self._warn_once(f"the time zone {_shorten(name)!r} (TZID) {result}")

    def _define(self, name) -> tzinfo | None:
        """Return the zone that a VTIMEZONE defines; ``None`` without a valid definition."""
        if name not in self.defined:
            definition = self.definitions.get(name)
            self.defined[name] = None if definition is None else _build_zone(definition)
        return self.defined[name]

    def _warn_if_defined_otherwise(self, name, zone, local):
        defined = self._define(name)
        # Once a month is enough, and dateutil is slow.
        month = (name, local.year, local.month)
        if defined is None or name in self.contradicted or month in self.compared:
            return
        self.compared.add(month)
        try:
            offset = local.replace(tzinfo=defined).utcoffset()
        except (ValueError, ArithmeticError):
            return
        if offset != local.utcoffset():
            self.contradicted.add(name)
            self._warn_once(
                f"the feed defines {_shorten(name)!r} as {_format_offset(offset)} on "
                f"{local:%Y-%m-%d}: taken as {_format_offset(local.utcoffset())}, as everywhere "
                f"in {zone.key}"
            )

    def _warn_once(self, message):
        if message not in self.context.warnings:
            self.context.warn(message)


def _names_offset(name) -> bool:
    return name.strip("/ ").lower().startswith("etc/")


def _build_zone(definition) -> tzinfo | None:
    """Return the zone of a VTIMEZONE, without the properties that it does not need."""
    lines = ["BEGIN:VTIMEZONE", "TZID:calendar"]
    for rules in definition.components:
        needed = [item for item in rules.properties if item.name in _OFFSET_PROPERTIES]
        if any(item.name == "RRULE" and not _YEARLY.fullmatch(item.text) for item in needed):
            return None
        lines += [f"BEGIN:{rules.name}", *(item.text for item in needed), f"END:{rules.name}"]
    try:
        text = "\r\n".join([*lines, "END:VTIMEZONE", ""])
        return icalendar.Timezone.from_ical(text).to_tz(lookup_tzid=False)
    except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError):
        return None


def _shorten(name) -> str:
    return name[:MAX_NAME_CHARS]


def _format_offset(offset) -> str:
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    return f"UTC{'-' if offset < timedelta() else '+'}{hours:02}:{minutes:02}"
