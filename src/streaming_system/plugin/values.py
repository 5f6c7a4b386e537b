"""Readers for the values that feeds are made of: texts, durations, flags."""

import re
from datetime import timedelta
from typing import Any

MAX_DURATION = timedelta(days=7)

_DAYS_AND_CLOCK = re.compile(r"(\d{1,3}) days?, (.+)", re.ASCII)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]?\d)(?::([0-5]?\d))?", re.ASCII)
_ISO_DURATION = re.compile(
    r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?", re.ASCII
)

_FALSE_WORDS = {"false", "0", "no", "n", "off"}


def clean_str(value: Any, language: str = "") -> str:
    """Return a value that should be text as text, stripped; "" for ``None``.

    A mapping of languages to texts, as localised feeds have it, gives the text in ``language``,
    else in English, else the first.

    :raises ValueError: for numbers, lists and other things that are no text.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict) and value and all(isinstance(v, str | None) for v in value.values()):
        chosen = value.get(language) or value.get("en") or next(filter(None, value.values()), "")
        return str(chosen).strip()
    raise ValueError(f"{value!r:.60} is not text")


def clean_str_list(value: Any) -> tuple[str, ...]:
    """Return the non-empty texts of a list; of one text; of nothing.

    Items that are no text are left out: a broken name must not cost a talk.
    """
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(item.strip() for item in items if isinstance(item, str) and item.strip())


def parse_duration(value: Any) -> timedelta:
    """Return the length that ``value`` names.

    Read are ``H:MM``, ``HH:MM``, ``HH:MM:SS``, whole minutes (number or digits), the text of a
    Python timedelta (``1 day, 0:45:00``) and ISO 8601 (``PT45M``). Three parts mean hours,
    minutes and seconds, as the c3voc XML Schema has it. Only pretalx reads them as days, hours
    and minutes: prefer its ``end`` where it has one.

    :raises ValueError: for anything else, for negative lengths, and for more than seven days.
    """
    length = _parse_duration(value)
    if length is None or length > MAX_DURATION:
        raise ValueError(f"{value!r:.60} is not a duration of at most {MAX_DURATION.days} days")
    return length


def _parse_duration(value: Any) -> timedelta | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10080:
        return timedelta(minutes=value)
    if not isinstance(value, str) or len(value) > 40:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return timedelta(minutes=int(value))
    if days := _DAYS_AND_CLOCK.fullmatch(value):
        clock = _parse_duration(days[2]) if _CLOCK.fullmatch(days[2]) else None
        return None if clock is None else timedelta(days=int(days[1])) + clock
    if clock_match := _CLOCK.fullmatch(value):
        hours, minutes, seconds = (int(part or 0) for part in clock_match.groups())
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if (iso := _ISO_DURATION.fullmatch(value)) and any(iso.groups()):
        days_, hours, minutes, seconds = (int(part or 0) for part in iso.groups())
        return timedelta(days=days_, hours=hours, minutes=minutes, seconds=seconds)
    return None


def parse_do_not_record(value: Any) -> bool | None:
    """Return whether a "do not record" value asks for no recording; ``None`` if it says nothing.

    A word that nobody knows is taken as a refusal: a talk that was not recorded does less harm
    than one that should not have been.
    """
    if value is None or value == "":
        return None
    return str(value).strip().lower() not in _FALSE_WORDS
