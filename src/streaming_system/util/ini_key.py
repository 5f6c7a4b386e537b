"""The description of a key of an ini file, for its checks and for docs/reference/ini-keys.md."""

from dataclasses import dataclass

from streaming_system.util.validation import Field, ParsedText

ANY_TEXT = ParsedText(str.strip, "any text")


@dataclass(frozen=True)
class IniKey:
    """A key of an ini file.

    :param meaning: a sentence without its full stop, in Markdown, for the reference.
    :param default: the text of the default value; "" if there is none.
    :param field: parses the text of a value.
    :param see: the path in docs/ of the document with more about it, and its anchor.
    """

    meaning: str
    default: str = ""
    field: Field = ANY_TEXT
    see: str = ""
