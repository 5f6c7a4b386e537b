"""What pages say in words that depend on the language: times, days, names, how things stand."""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_decimal
from pyramid.i18n import Localizer, make_localizer

from streaming_system.frontend.filler_titles import translate_filler
from streaming_system.schedule.model import Slot

# How people write dates and times who read our English.
_BABEL_LOCALES = {"en": "en_GB"}
_FULL_DATE_PATTERNS = {"en": "EEEE d MMMM y"}


def noted(message: str) -> str:
    """Note a text for the catalogues that is translated later."""
    return message


class LocaleFormatter:
    """The words of one language.

    :param name: what gettext and Babel call the language.
    """

    def __init__(self, name: str, localizer: Localizer, domain: str) -> None:
        self.name = name
        self.locale = Locale.parse(_BABEL_LOCALES.get(name, name))
        self._localizer = localizer
        self._domain = domain

    def translate(self, message: str, **values: object) -> str:
        """Return a text in the language; ``%(name)s`` in it is the value of that name."""
        text: str = self._localizer.translate(message, domain=self._domain)
        return text % values

    def translate_plural(self, one: str, many: str, num: int, **values: object) -> str:
        """Return the text that fits a number, which is its ``%(num)s``."""
        text: str = self._localizer.pluralize(one, many, num, domain=self._domain)
        return text % ({"num": num} | values)

    def event(self, event: Slot) -> Slot:
        """Return an event whose title is in the language if it only fills a gap."""
        return translate_filler(event, self) if event.generated else event

    # Dates and times.

    def time(self, moment: datetime) -> str:
        """Return what a clock shows: "09:30"."""
        return self._format(moment, _date_patterns(str(self.locale))["time"])

    def full_date(self, moment: date) -> str:
        """Return a date: "Tuesday 24 November 2026"."""
        pattern = _FULL_DATE_PATTERNS.get(self.name) or str(self.locale.date_formats["full"])
        return self._format(moment, pattern)

    def day(self, moment: date) -> str:
        """Return a date of this year: "Tuesday 24 November"."""
        return self._format(moment, _date_patterns(str(self.locale))["day"])

    def short_date(self, moment: date) -> str:
        """Return a date in brief: "24 Nov"."""
        return self._format(moment, _date_patterns(str(self.locale))["short"])

    def weekday(self, moment: date) -> str:
        """Return the name of a day: "Tuesday"."""
        return self._format(moment, "cccc")

    def short_weekday(self, moment: date) -> str:
        """Return the name of a day in brief: "Tue"."""
        return self._format(moment, "ccc")

    def date_and_time(self, moment: datetime) -> str:
        """Return a date with a time: "Tuesday 24 November 2026, 09:30"."""
        return f"{self.full_date(moment)}, {self.time(moment)}"

    def clock(self, moment: datetime, now: datetime, zone: tzinfo) -> str:
        """Return a time as people in a room say it, with the day where it is another.

        The name of a day is enough for a week; beyond it, it would be another week's day.
        """
        local = moment.astimezone(zone)
        days = abs((local.date() - now.astimezone(zone).date()).days)
        if days == 0:
            return self.time(local)
        day = self.short_weekday(local) if days < 7 else self.short_date(local)
        return f"{day} {self.time(local)}"

    def zone(self, moment: datetime) -> str:
        """Return what people call a moment's zone: "AEDT", "CET", "UTC-03"."""
        zone, name = moment.tzinfo, moment.tzname() or ""
        if not isinstance(zone, ZoneInfo):
            return name
        return _zone_name(zone.key, name or zone.key, bool(moment.dst()), str(self.locale))

    def zones(self, moments: Iterable[datetime]) -> str:
        """Return what people call their time: "CET", or "CET, CEST" where clocks change."""
        return self.names(filter(None, dict.fromkeys(map(self.zone, moments))))

    def _format(self, moment: date, pattern: str) -> str:
        if isinstance(moment, datetime):
            return format_datetime(moment, pattern, tzinfo=moment.tzinfo, locale=self.locale)
        noon = datetime(moment.year, moment.month, moment.day, 12)  # noqa: DTZ001
        return format_datetime(noon, pattern, locale=self.locale)

    # Names and numbers.

    def names(self, names: Iterable[str]) -> str:
        """Return names in a row."""
        whole = "middle" in self.locale.list_patterns.get("unit", {})
        return format_list(list(names), "unit" if whole else "standard", locale=self.locale)

    def number(self, value: float, digits: int = 0) -> str:
        """Return a number with so many digits behind the point."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "")
        return format_decimal(value, pattern, locale=self.locale)

    def language(self, tag: str) -> str:
        """Return what a language is called; what is none comes back as it is."""
        try:
            return Locale.parse(tag.replace("_", "-"), sep="-").get_display_name(self.locale) or tag
        except (UnknownLocaleError, ValueError, TypeError):
            return tag

    # How it stands.

    def status(self, event: Slot, now: datetime) -> str:
        """Return how it stands with a talk, to the minute."""
        if now >= event.end:
            return self.translate("Over")
        if now < event.start:
            return self.translate("Starts in %(time)s", time=self.duration(event.start - now))
        return self.translate("On now, %(time)s left", time=self.duration(event.end - now))

    def duration(self, time: timedelta) -> str:
        """Return a time in the largest units that fit; a begun minute counts."""
        minutes = -(-time // timedelta(minutes=1))
        days, hours = minutes // 1440, minutes // 60
        if days >= 2:
            return self.translate_plural("%(num)s day", "%(num)s days", days)
        if hours >= 1:
            return self.translate("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60)
        return self.translate("%(minutes)s min", minutes=minutes)


@lru_cache(maxsize=64)
def _date_patterns(name: str) -> dict[str, str]:
    known: Any = Locale.parse(name).datetime_skeletons
    # Few languages have the long one; the others say the same with shorter names.
    day = next(str(known[k]) for k in ("MMMMEEEEd", "MMMMEd", "MMMEd") if k in known)
    return {
        "time": re.sub("H+", "HH", str(known["Hm"])),
        "day": re.sub("M{3,}", "MMMM", re.sub("[Ec]+", "EEEE", day)),
        "short": str(known["MMMd"]),
    }


@lru_cache(maxsize=1024)
def _zone_name(key: str, name: str, daylight: bool, locale: str) -> str:
    """Return what a language calls a zone, or else what its own people do."""
    variant: Any = "daylight" if daylight else "standard"
    own = get_timezone_name(ZoneInfo(key), "short", locale=locale, zone_variant=variant)
    # French has a word of its own for UTC, which few would know.
    if own.isalpha() and name != "UTC":
        return own
    # Zones without letters of their own are called after their offset.
    return f"UTC{name}" if name.startswith(("+", "-")) else name


# What programs read is English, and what nobody has asked for in another language.
ENGLISH_FORMATTER = LocaleFormatter("en", make_localizer("en", []), "streaming-system")
