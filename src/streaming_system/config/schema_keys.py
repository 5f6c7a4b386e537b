"""The keys of configuration schemas: a type, a meaning in Markdown, and examples."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import colander

from streaming_system.config.field_types import ConfigType, TextType, ValidatedType
from streaming_system.config.social import url_template_schema, url_template_validator
from streaming_system.config.stream_types import (
    ALLOWED_VIDEO_ID,
    LABEL_PATTERN,
    VIDEO_ID_PATTERN,
)
from streaming_system.util.validation import Field


class _Matching(Field):
    """A text for which a function returns true."""

    def __init__(self, is_valid: Callable[[str], bool], allowed: str, pattern: str) -> None:
        self._is_valid, self.allowed, self._pattern = is_valid, allowed, pattern

    def is_valid(self, value: Any) -> bool:
        return self._is_valid(value)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": self._pattern}


def _is_feed(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return not parts.scheme or (parts.scheme in ("http", "https") and bool(parts.hostname))
    except ValueError:
        return False


def _is_theme(value: str) -> bool:
    is_path = re.search(r"[/.]", value)
    return "\0" not in value and bool(is_path or LABEL_PATTERN.fullmatch(value))


FEED = _Matching(
    _is_feed,
    "an http:// or https:// address, or a path",
    r"^(?:[hH][tT][tT][pP][sS]?://[^\s/]|[^:]*(?:[/?#]|$))",
)
THEME = _Matching(_is_theme, "a built-in theme's name, or a path such as ./theme", r"^[^\u0000]*$")
VIDEO_ID = _Matching(
    lambda value: bool(VIDEO_ID_PATTERN.fullmatch(value)),
    f"{ALLOWED_VIDEO_ID}, or false",
    f"^{VIDEO_ID_PATTERN.pattern}$",
)


def key(
    typ: ConfigType,
    description: str,
    *examples: Any,
    name: str = "",
    missing: Any = colander.required,
) -> colander.SchemaNode:
    """Return a key.

    :param description: its meaning in Markdown, for the reference page and for editors.
    """
    options = {"name": name} if name else {}
    return colander.SchemaNode(
        typ, missing=missing, description=description, examples=list(examples), **options
    )


def text_key(
    description: str, *examples: Any, name: str = "", field: Field | None = None
) -> colander.SchemaNode:
    return key(TextType(field), description, *examples, name=name, missing="")


def url_template_key(
    description: str,
    *examples: Any,
    placeholders: Sequence[str],
    schemes: tuple[str, ...] = ("https",),
    words: tuple[str, ...] = (),
    missing: Any = "",
) -> colander.SchemaNode:
    convert = url_template_validator(*placeholders, schemes=schemes, words=words)
    typ = ValidatedType(convert, url_template_schema(*schemes, words=words))
    return key(typ, description, *examples, missing=missing)
