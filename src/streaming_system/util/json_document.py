"""JSON with comments (JSON5), the syntax of configuration files."""

import json
import re
from collections.abc import Iterable
from typing import Any

import json5

from streaming_system.util.json_syntax import JsonSyntax, JsonSyntaxError, Position

_COMMENT_LINE = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
_JSON5_POSITION = re.compile(r"^<string>:(\d+) (.*?)(?: at column (\d+))?$")


def parse_json5(text: str) -> Any:
    """Parse JSON5. Members named "" are dropped: files end their objects with ``"": ""``.

    :raises JsonSyntaxError: with one line: what is wrong, and its position.
    """
    try:
        # Most files are plain JSON apart from comment lines; the JSON parser is 100 times faster.
        # JSON strings cannot span lines, so a line that starts with // is never part of a string.
        return json.loads(_COMMENT_LINE.sub("", text), object_pairs_hook=_unique_members)
    except (ValueError, RecursionError):
        pass
    # It says more clearly than the parsers what is wrong.
    JsonSyntax(text).validate()
    try:
        return json5.loads(text, object_pairs_hook=_unique_members)
    except RecursionError:
        raise JsonSyntaxError("is nested too deeply", None) from None
    except ValueError as error:
        line = str(error).splitlines()[0]
        if match := _JSON5_POSITION.match(line):
            position = Position(int(match[1]), int(match[3] or 1))
            raise JsonSyntaxError(match[2][:200], position) from None
        raise JsonSyntaxError(line[:200], None) from None


def _unique_members(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise ValueError(f"duplicate key {key!r:.80} in one object")
        if key:
            result[key] = value
    return result
