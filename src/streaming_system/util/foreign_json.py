"""Parses JSON of other programs: a fault within one value does not affect the others."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

_BOM = b"\xef\xbb\xbf"
_HTML_START = re.compile(rb"(?:<!--.*?-->\s*)*<(?:!doctype html|html|head|body)\b", re.I | re.S)
_HTML_TITLE = re.compile(rb"<title[^<>]*>([^<]{1,200})", re.I)
# The first part of a document is enough to describe it.
EXCERPT_BYTES = 4096
MAX_TITLE_CHARS = 60
MAX_INTEGER_CHARS = 300
# The rest of a token, such as "fals" or "\\u00e", at the end of a document that is cut off.
MAX_CUT_TOKEN_CHARS = 6
# The years of plausible times: a server without a clock begins in 1970.
MIN_YEAR, MAX_YEAR = 2000, 2200


class DocumentError(ValueError):
    """A document does not have the expected format.

    The message is a predicate in one line, such as "is no JSON, but an HTML page".
    """


def parse_foreign_json(data: bytes) -> Any:
    """Return a JSON value in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    NaN, Infinity and numbers that are too large become floats that are not finite. Invalid bytes
    and control characters within texts are allowed.

    :raises DocumentError: if it is no JSON, or nested too deeply.
    """
    text = data.decode(json.detect_encoding(data), "replace")
    try:
        return json.loads(text, strict=False, parse_int=_parse_integer)
    except RecursionError:
        raise DocumentError("is JSON that is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise DocumentError(f"is no JSON{_describe_json_error(data, text, error)}") from None


def _parse_integer(text: str) -> int | float:
    # Python refuses longer integers.
    return int(text) if len(text) <= MAX_INTEGER_CHARS else float(text)


def _describe_json_error(data: bytes, text: str, error: json.JSONDecodeError) -> str:
    if not text.lstrip().startswith(("{", "[")):
        return describe_foreign_content(data)
    rest = len(text.rstrip()) - error.pos
    if rest <= MAX_CUT_TOKEN_CHARS or error.msg.startswith("Unterminated string"):
        return ": it is cut off"
    return f": it is invalid at line {error.lineno}, column {error.colno}"


def describe_foreign_content(data: bytes) -> str:
    """Return what a document is instead of the expected format, to be appended to "is no …"."""
    excerpt = data.removeprefix(_BOM)[:EXCERPT_BYTES].lstrip()
    if not excerpt:
        return ": it is empty"
    if _HTML_START.match(excerpt):
        title = _HTML_TITLE.search(excerpt)
        return f", but an HTML page{_format_title(title[1]) if title else ''}"
    if excerpt.startswith(b"<"):
        return ", but XML"
    if excerpt.startswith((b"{", b"[")):
        return ", but JSON"
    shown = " ".join(excerpt[:40].decode("utf-8", "replace").split())
    return f", but the text {shown!a}" if shown.isprintable() else ", but binary data"


def _format_title(title: bytes) -> str:
    text = " ".join(title.decode("utf-8", "replace").split())
    return f" titled {text[:MAX_TITLE_CHARS]!a}"


def parse_number(value: Any) -> float | None:
    """Return a finite number, also that of a text; ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def parse_timestamp(value: Any) -> datetime | None:
    """Return a time of RFC 3339 or ISO 8601 with offset in UTC; ``None`` for anything else."""
    try:
        time = datetime.fromisoformat(value)
        time = time.astimezone(UTC) if time.tzinfo else time
    except (TypeError, ValueError, OverflowError):
        return None
    return time if time.tzinfo and MIN_YEAR <= time.year <= MAX_YEAR else None


def describe_json_value(value: Any) -> str:
    """Return a value in a few characters, without the addresses of objects."""
    if value is None:
        return "missing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if not isinstance(value, str | int | float):
        return f"of the type {type(value).__name__}"
    if isinstance(value, int) and not -(10**30) < value < 10**30:
        return "a number of more than 30 digits"
    if isinstance(value, float) and not math.isfinite(value):
        return "not finite"
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**15:
        value = int(value)
    return ascii(value)[:40]
