"""Parses values of feeds: texts, names, lists, durations, flags."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

MAX_DURATION = timedelta(days=7)
MAX_DURATION_CHARS = 40
MAX_NUMBER_CHARS = 40

_MINUTES = re.compile(r"(\d{1,9})(?:\.0+)?", re.ASCII)
_HOURS_AND_MINUTES = re.compile(
    r"(?:(\d{1,3})\s*h(?:(?:ou)?rs?)?)?\s*(?:(\d{1,5})\s*m(?:in(?:ute)?s?)?\.?)?",
    re.ASCII | re.IGNORECASE,
)
_DAYS_AND_CLOCK = re.compile(r"(\d{1,3}) days?, (.+)", re.ASCII)
_CLOCK = re.compile(r"(\d{1,3}):([0-5]?\d)(?::([0-5]?\d))?", re.ASCII)
_ISO_DURATION = re.compile(
    r"P(?:(\d{1,3})D)?(?:T(?:(\d{1,3})H)?(?:(\d{1,5})M)?(?:(\d{1,6})S)?)?", re.ASCII
)

_TRUE_WORDS = {"true", "1", "yes", "y", "on"}
_FALSE_WORDS = {"false", "0", "no", "n", "off"}

# Keys of a person's name, the best first.
NAME_KEYS = ("public_name", "name", "full_public_name", "fullName", "full_name", "display_name")
# Keys of a person's identifier, the best first.
IDENTIFIER_KEYS = ("id", "guid", "code")


class FeedValueError(ValueError):
    """A value that cannot be read; the message is for the feed's author."""


def clean_str(value: Any, language: str = "") -> str:
    """Return a text without surrounding white space; "" for ``None``.

    A number is its digits. A mapping of languages to texts (a localised feed) gives the text in
    ``language``, else in English, else the first one. Of an object with a ``name``, such as a room
    or a track, the name counts.

    :raises ValueError: for any other type.
    """
    if isinstance(value, Mapping) and "name" in value:
        value = value["name"]
    if isinstance(value, Mapping) and value:
        texts = {key: _plain_text(text) for key, text in value.items()}
        if all(text is not None for text in texts.values()):
            return texts.get(language) or texts.get("en") or next(filter(None, texts.values()), "")
    elif (text := _plain_text(value)) is not None:
        return text
    raise FeedValueError(f"{value!r:.60} is not text")


def _plain_text(value: Any) -> str | None:
    """Return the text of a scalar; ``None`` for another type."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = str(value)
        return text if len(text) <= MAX_NUMBER_CHARS else None
    return None


def clean_str_list(value: Any) -> tuple[str, ...]:
    """Return the non-empty texts of a list; a single text counts as a list of one.

    Items of other types are dropped: a broken name does not invalidate the talk.
    """
    texts = []
    for item in value if isinstance(value, list | tuple) else [value]:
        try:
            texts.append(clean_str(item))
        except FeedValueError:
            continue
    return tuple(filter(None, texts))


def clean_names(value: Any) -> tuple[str, ...]:
    """Return the names of persons: of texts, and of objects with a key such as ``public_name``."""
    return clean_str_list(
        [
            _first_value(item, NAME_KEYS) if isinstance(item, dict) else item
            for item in list_items(value)
        ]
    )


def list_items(value: Any) -> list[Any]:
    """Return the items of a list in a feed, whatever its program wrote instead of one.

    ``None``, "" and an empty object are an empty list. An object with the keys "0", "1", … is the
    list that PHP writes in this way. Any other value is a list of one.
    """
    if isinstance(value, list):
        return value
    if value is None or value == "" or value == {}:
        return []
    if isinstance(value, dict) and all(isinstance(key, str) and key.isdigit() for key in value):
        return list(value.values())
    return [value]


def describe_type(value: Any) -> str:
    """Return the name of a value's type in JSON, for messages: "a text", "a list"."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a truth value"
    names = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), "another type")


def clean_people(value: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names and the identifiers of persons, as a talk's speakers and speaker_ids.

    :param value: a list of texts, of objects with keys such as ``public_name`` and ``id``, or of
        pairs of a name and an identifier. An item without a name is dropped; an identifier that
        is neither a number nor a text is "".
    """
    names, identifiers = [], []
    for item in list_items(value):
        if isinstance(item, dict):
            name, identifier = (_first_value(item, keys) for keys in (NAME_KEYS, IDENTIFIER_KEYS))
        else:
            name, identifier = item if isinstance(item, tuple) else (item, "")
        for cleaned in clean_str_list([name]):
            names.append(cleaned)
            identifiers.append(str(identifier) if type(identifier) in (int, str) else "")
    return tuple(names), tuple(identifiers)


def _first_value(item: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((item[key] for key in keys if item.get(key)), None)


def parse_duration(value: Any) -> timedelta:
    """Parse a duration.

    Accepted formats: ``H:MM``, ``HH:MM``, ``HH:MM:SS``, minutes (number or digits), ``1 h 30 min``,
    Python's notation of a timedelta (``1 day, 0:45:00``) and ISO 8601 (``PT45M``). Three parts mean
    hours, minutes and seconds, as in the C3VOC's XML Schema; some programs mean days, hours and
    minutes, so prefer :meth:`ParseContext.parse_end`, which compares the whole feed.

    :raises ValueError: for other formats, negative durations, and more than seven days.
    """
    length = _parse_duration(value)
    if length is None or length > MAX_DURATION:
        raise FeedValueError(f"{value!r:.60} is not a duration of at most {MAX_DURATION.days} days")
    return length


def _parse_duration(value: Any) -> timedelta | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return (
            timedelta(minutes=value) if 0 <= value <= MAX_DURATION / timedelta(minutes=1) else None
        )
    if not isinstance(value, str) or len(value) > MAX_DURATION_CHARS:
        return None
    value = value.strip()
    if match := _MINUTES.fullmatch(value):
        return timedelta(minutes=int(match[1]))
    if match := _DAYS_AND_CLOCK.fullmatch(value):
        clock = _parse_clock(match[2])
        return None if clock is None else timedelta(days=int(match[1])) + clock
    match = _HOURS_AND_MINUTES.fullmatch(value)
    if match and any(match.groups()):
        return timedelta(hours=int(match[1] or 0), minutes=int(match[2] or 0))
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


def parse_flag(value: Any) -> bool:
    """Return whether a value is ``True``, or a number or word that means it."""
    return str(value).strip().lower() in _TRUE_WORDS


def parse_do_not_record(value: Any) -> bool | None:
    """Return whether a "do not record" value forbids recording; ``None`` if it is empty.

    An unknown word forbids it: a missing recording does less harm than an unwanted one.
    """
    if value is None or value == "":
        return None
    return str(value).strip().lower() not in _FALSE_WORDS


def share_with_keys(items: Any, *keys: str | tuple[str, ...]) -> float:
    """Return the share of a list's items that are objects with certain keys, for ``recognise``.

    It is 0.0 below one half, so that an odd item does not hide the format of the others; ``None``
    is no item.

    :param keys: a tuple of keys needs one of them.
    """
    groups = [(key,) if isinstance(key, str) else key for key in keys]
    items = [item for item in list_items(items) if item is not None]
    matching = sum(
        isinstance(item, dict) and all(any(key in item for key in group) for group in groups)
        for item in items
    )
    share = matching / len(items) if items else 0.0
    return share if share >= 0.5 else 0.0
