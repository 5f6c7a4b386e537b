"""Formats and translates what pages show: times, days, names, numbers, the status of a talk."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, format_interval, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_decimal
from pyramid.i18n import Localizer, make_localizer

from streaming_system.schedule.model import Slot

# Our English has British dates and times.
_BABEL_LOCALES = {"en": "en_GB"}
NOON = time(12)
_FULL_DATE_PATTERNS = {"en": "EEEE d MMMM y"}


def gettext_noop(message: str) -> str:
    """Mark a text for extraction into the catalogues; it is translated later."""
    return message


class LocaleFormatter:
    """Formatting and translation in one language.

    :param name: the language for gettext and Babel, such as ``pt_BR``.
    :param titles: the titles of rooms and events in this language, by that in the schedule.
    """

    def __init__(
        self, name: str, localizer: Localizer, domain: str, titles: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.locale = Locale.parse(_BABEL_LOCALES.get(name, name))
        self._localizer = localizer
        self._domain = domain
        self._titles = titles or {}

    def translate(self, message: str, **values: object) -> str:
        """Return the translation of a msgid; values replace ``%(name)s``."""
        text: str = self._localizer.translate(message, domain=self._domain)
        return text % values

    def translate_plural(self, one: str, many: str, num: int, **values: object) -> str:
        """Return the plural form for a number, which replaces ``%(num)s``."""
        text: str = self._localizer.pluralize(one, many, num, domain=self._domain)
        return text % ({"num": num} | values)

    def slot(self, slot: Slot) -> Slot:
        """Return a slot; the title of a filler is translated."""
        filler = slot.filler
        if filler and self._titles:
            room, event = self._titles.get(filler.room), self._titles.get(filler.event)
            filler = replace(filler, room=room or filler.room, event=event or filler.event)
        title = filler.title(self) if filler else ""
        return replace(slot, title=title) if title else slot

    # Dates and times.

    def time(self, moment: datetime) -> str:
        """Return a time of day: "09:30"."""
        return self._format(moment, _date_patterns(str(self.locale))["time"])

    def full_date(self, moment: date) -> str:
        """Return a date: "Tuesday 24 November 2026"."""
        pattern = _FULL_DATE_PATTERNS.get(self.name) or str(self.locale.date_formats["full"])
        return self._format(moment, pattern)

    def day(self, moment: date) -> str:
        """Return a date without the year: "Tuesday 24 November"."""
        return self._format(moment, _date_patterns(str(self.locale))["day"])

    def short_date(self, moment: date) -> str:
        """Return an abbreviated date: "24 Nov"."""
        return self._format(moment, _date_patterns(str(self.locale))["short"])

    def date_range(self, first: date, last: date) -> str:
        """Return the dates of an event: "24–26 Nov 2026"."""
        return format_interval(first, last, "yMMMd", locale=self.locale)

    def weekday(self, moment: date) -> str:
        """Return the name of a day: "Tuesday"."""
        return self._format(moment, "cccc")

    def short_weekday(self, moment: date) -> str:
        """Return the abbreviated name of a day: "Tue"."""
        return self._format(moment, "ccc")

    def date_and_time(self, moment: datetime) -> str:
        """Return a date with a time: "Tuesday 24 November 2026, 09:30"."""
        return f"{self.full_date(moment)}, {self.time(moment)}"

    def clock(self, moment: datetime, now: datetime, zone: tzinfo) -> str:
        """Return a local time, with the day unless it is today.

        Within a week the day is a weekday ("Tue 09:30"), beyond it a date ("24 Nov 09:30").
        """
        local = moment.astimezone(zone)
        days = abs((local.date() - now.astimezone(zone).date()).days)
        if days == 0:
            return self.time(local)
        day = self.short_weekday(local) if days < 7 else self.short_date(local)
        return f"{day} {self.time(local)}"

    def zone(self, moment: datetime) -> str:
        """Return the common name of a time's zone: "AEDT", "CET", "UTC-03"."""
        zone, name = moment.tzinfo, moment.tzname() or ""
        if not isinstance(zone, ZoneInfo):
            return name
        return _zone_name(zone.key, name or zone.key, bool(moment.dst()), str(self.locale))

    def zones(self, moments: Iterable[datetime]) -> str:
        """Return the zones of some times: "CET", or "CET, CEST" across a change of the clocks."""
        return self.names(filter(None, dict.fromkeys(map(self.zone, moments))))

    def _format(self, moment: date, pattern: str) -> str:
        if isinstance(moment, datetime):
            return format_datetime(moment, pattern, tzinfo=moment.tzinfo, locale=self.locale)
        noon = datetime.combine(moment, NOON)
        return format_datetime(noon, pattern, locale=self.locale)

    # Names and numbers.

    def names(self, names: Iterable[str]) -> str:
        """Return a list of names."""
        has_unit_pattern = "middle" in self.locale.list_patterns.get("unit", {})
        return format_list(
            list(names), "unit" if has_unit_pattern else "standard", locale=self.locale
        )

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number.

        :param digits: the number of decimal places.
        """
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, pattern, locale=self.locale)

    def language(self, tag: str) -> str:
        """Return the name of a language, or the tag if it is unknown."""
        try:
            return Locale.parse(tag.replace("_", "-"), sep="-").get_display_name(self.locale) or tag
        except (UnknownLocaleError, ValueError, TypeError):
            return tag

    # Status of a talk.

    def status(self, talk: Slot, now: datetime) -> str:
        """Return whether a talk is over, running or still to come, in minutes."""
        if now >= talk.end:
            return self.translate("Ended")
        if now < talk.start:
            return self.translate("Starts in %(time)s", time=self.duration(talk.start - now))
        return self.translate("On now, %(time)s left", time=self.duration(talk.end - now))

    def duration(self, time: timedelta) -> str:
        """Return a duration in the largest fitting units, rounded up to minutes."""
        minutes = -(-time // timedelta(minutes=1))
        days, hours = minutes // 1440, minutes // 60
        if days >= 2:
            return self.translate_plural("%(num)s day", "%(num)s days", days)
        if hours >= 1:
            return self.translate("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60)
        return self.translate("%(minutes)s min", minutes=minutes)


@lru_cache(maxsize=64)
def _date_patterns(name: str) -> dict[str, str]:
    skeletons: Any = Locale.parse(name).datetime_skeletons
    # Few languages have the long pattern; the short ones are made long below.
    day = next(str(skeletons[k]) for k in ("MMMMEEEEd", "MMMMEd", "MMMEd") if k in skeletons)
    return {
        "time": re.sub("H+", "HH", str(skeletons["Hm"])),
        "day": re.sub("M{3,}", "MMMM", re.sub("[Ec]+", "EEEE", day)),
        "short": str(skeletons["MMMd"]),
    }


@lru_cache(maxsize=1024)
def _zone_name(key: str, name: str, daylight: bool, locale: str) -> str:
    """Return the name of a zone in a language, or else its local abbreviation."""
    variant: Any = "daylight" if daylight else "standard"
    localized = get_timezone_name(ZoneInfo(key), "short", locale=locale, zone_variant=variant)
    # The French name of UTC is uncommon.
    if localized.isalpha() and name != "UTC":
        return localized
    # A zone without an abbreviation is named after its offset.
    return f"UTC{name}" if name.startswith(("+", "-")) else name


# For responses to programs.
ENGLISH_FORMATTER = LocaleFormatter("en", make_localizer("en", []), "streaming-system")
