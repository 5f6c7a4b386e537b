"""Parses values of feeds: texts, durations, flags."""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

MAX_DURATION = timedelta(days=7)
MAX_DURATION_CHARS = 40

_MINUTES = re.compile(r"\d{1,9}", re.ASCII)
_DAYS_AND_CLOCK = re.compile(r"(\d{1,3}) days?, (.+)", re.ASCII)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]?\d)(?::([0-5]?\d))?", re.ASCII)
_ISO_DURATION = re.compile(
    r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?", re.ASCII
)

_FALSE_WORDS = {"false", "0", "no", "n", "off"}


def clean_str(value: Any, language: str = "") -> str:
    """Return a text without surrounding white space; "" for ``None``.

    A mapping of languages to texts (a localised feed) gives the text in ``language``, else in
    English, else the first one.

    :raises ValueError: for any other type.
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
    """Return the non-empty texts of a list; a single text counts as a list of one.

    Items of other types are dropped: a broken name does not invalidate the talk.
    """
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(item.strip() for item in items if isinstance(item, str) and item.strip())


def clean_people(people: Iterable[tuple[Any, Any]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names and the identifiers of people, as a talk's speakers and speaker_ids.

    :param people: pairs of a name and the feed's identifier, a number or a text; a pair whose name
        is no text or empty is dropped, and an identifier of another type becomes "".
    """
    named = [
        (name.strip(), str(identifier) if type(identifier) in (int, str) else "")
        for name, identifier in people
        if isinstance(name, str) and name.strip()
    ]
    return tuple(name for name, _ in named), tuple(identifier for _, identifier in named)


def parse_duration(value: Any) -> timedelta:
    """Parse a duration.

    Accepted formats: ``H:MM``, ``HH:MM``, ``HH:MM:SS``, minutes (number or digits), Python's
    notation of a timedelta (``1 day, 0:45:00``) and ISO 8601 (``PT45M``). Three parts mean hours,
    minutes and seconds, as in the C3VOC's XML Schema. Only pretalx writes days, hours and
    minutes: prefer its ``end`` where it has one.

    :raises ValueError: for other formats, negative durations, and more than seven days.
    """
    length = _parse_duration(value)
    if length is None or length > MAX_DURATION:
        raise ValueError(f"{value!r:.60} is not a duration of at most {MAX_DURATION.days} days")
    return length


def _parse_duration(value: Any) -> timedelta | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return (
            timedelta(minutes=value) if 0 <= value <= MAX_DURATION / timedelta(minutes=1) else None
        )
    if not isinstance(value, str) or len(value) > MAX_DURATION_CHARS:
        return None
    value = value.strip()
    if _MINUTES.fullmatch(value):
        return timedelta(minutes=int(value))
    if match := _DAYS_AND_CLOCK.fullmatch(value):
        clock = _parse_clock(match[2])
        return None if clock is None else timedelta(days=int(match[1])) + clock
    clock = _parse_clock(value)
    return _parse_iso_duration(value) if clock is None else clock


def _parse_clock(value: str) -> timedelta | None:
    if not (match := _CLOCK.fullmatch(value)):
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _parse_iso_duration(value: str) -> timedelta | None:
    match = _ISO_DURATION.fullmatch(value)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def parse_references(value: Any) -> tuple[tuple[str, str], ...]:
    """Return the URLs and titles of links or attachments: objects with ``url`` and ``title``.

    Items of other types, and values that are not text, are dropped.
    """
    items = value if isinstance(value, list) else []
    references = [
        tuple(_text_or_empty(item.get(key)) for key in ("url", "title"))
        for item in items
        if isinstance(item, dict)
    ]
    return tuple((url, title) for url, title in references if url)


def _text_or_empty(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def parse_do_not_record(value: Any) -> bool | None:
    """Return whether a "do not record" value forbids recording; ``None`` if it is empty.

    An unknown word forbids it: a missing recording does less harm than an unwanted one.
    """
    if value is None or value == "":
        return None
    return str(value).strip().lower() not in _FALSE_WORDS
