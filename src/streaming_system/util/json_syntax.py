"""The syntax of JSON5: the position of each member, and what is wrong with a broken document."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import json5

# The parsers are recursive, and each member has a path.
MAX_DEPTH = 200
# The keys and indexes that lead to a member.
Path = tuple[str | int, ...]

_LEXEME = re.compile(
    r"""
    (?P<space>(?:[\s\ufeff]|//[^\n\r\u2028\u2029]*|/\*.*?\*/)+)
    |(?P<string>"(?:[^"\\\n\r]|\\(?:\r\n|.))*"|'(?:[^'\\\n\r]|\\(?:\r\n|.))*')
    |(?P<punctuation>[{}\[\]:,])
    |(?P<quote>["'])
    |(?P<word>(?:(?!//|/\*)[^\s{}\[\]:,"'])+)
    |(?P<rest>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_LITERAL = re.compile(
    r"true|false|null|[+-]?(?:Infinity|NaN|0[xX][0-9A-Fa-f]+|"
    r"(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
)
_IDENTIFIER = re.compile(r"(?:[^\W\d]|[$\\])(?:\w|[$\\\u200c\u200d])*")
_CLOSING = {"{": "}", "[": "]"}


@dataclass(frozen=True)
class Position:
    """A place in a text; the first line and the first column are 1."""

    line: int
    column: int

    @classmethod
    def at(cls, text: str, offset: int) -> "Position":
        """Return the place of a character of a text."""
        start = text.rfind("\n", 0, offset) + 1
        return cls(text.count("\n", 0, offset) + 1, offset - start + 1)


class JsonSyntaxError(ValueError):
    """A document that is not JSON5; the message is one line.

    :ivar position: where it is broken; ``None`` if the whole document is.
    :ivar problem: what is wrong, and how to fix it. It quotes no value, which may be a secret.
    """

    def __init__(self, problem: str, position: Position | None) -> None:
        where = f"line {position.line}, column {position.column}: " if position else ""
        super().__init__(where + problem)
        self.problem, self.position = problem, position


def _parse_string(text: str) -> str:
    try:
        # It joins surrogates, and it is fast.
        return str(json.loads(text))
    except ValueError:
        return str(json5.loads(text))


def member_positions(text: str) -> dict[Path, Position]:
    """Return where each member of a valid document is."""
    syntax = JsonSyntax(text)
    syntax.validate()
    return syntax.positions


@dataclass(frozen=True)
class _Lexeme:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def _lexemes(text: str) -> Iterator[_Lexeme]:
    for match in _LEXEME.finditer(text):
        if match.lastgroup != "space":
            yield _Lexeme(match.lastgroup or "", match[0], match.start())


@dataclass
class _Container:
    """An open object or list."""

    opening: _Lexeme
    key: str | int = 0
    members: dict[str | int, Position] = field(default_factory=dict)


class JsonSyntax:
    """The structure of a document.

    :param text: the document.
    :ivar positions: where each member is: of an object its key, of a list its value. They are
        complete after :meth:`validate`.
    """

    def __init__(self, text: str) -> None:
        self.positions: dict[Path, Position] = {}
        self._text = text
        self._stack: list[_Container] = []
        self._previous: _Lexeme | None = None

    def validate(self) -> None:
        """Check the syntax.

        :raises JsonSyntaxError: at the first error.
        """
        expect = self._expect_value
        for lexeme in _lexemes(self._text):
            expect = expect(lexeme)
            self._previous = lexeme
        if self._stack:
            opening = self._stack[-1].opening
            raise self._error(f"the {opening.text!r} that begins here is not closed", opening.start)
        if self._previous is None:
            raise JsonSyntaxError("is empty; write one object: {}", None)

    def _error(self, problem: str, offset: int) -> JsonSyntaxError:
        return JsonSyntaxError(problem, Position.at(self._text, offset))

    def _expect_value(self, lexeme: _Lexeme) -> Any:
        if lexeme.kind == "quote":
            raise self._unclosed(lexeme)
        if lexeme.text in _CLOSING and lexeme.kind == "punctuation":
            if len(self._stack) == MAX_DEPTH:
                raise self._error("is nested too deeply", lexeme.start)
            self._stack.append(_Container(lexeme))
            return self._expect_key if lexeme.text == "{" else self._expect_item
        if lexeme.kind == "string" or _LITERAL.fullmatch(lexeme.text):
            return self._expect_separator
        if lexeme.kind == "punctuation":
            raise self._error(f"a value is missing before {lexeme.text!r}", lexeme.start)
        raise self._error(
            "a value is missing here; write texts in quotes, and true, false, null and numbers "
            "without",
            lexeme.start,
        )

    def _expect_item(self, lexeme: _Lexeme) -> Any:
        if lexeme.text == "]":
            return self._close(lexeme)
        self._record(self._stack[-1].key, lexeme)
        return self._expect_value(lexeme)

    def _expect_key(self, lexeme: _Lexeme) -> Any:
        if lexeme.text == "}":
            return self._close(lexeme)
        if lexeme.kind == "quote":
            raise self._unclosed(lexeme)
        if lexeme.kind == "string":
            self._record(_parse_string(lexeme.text), lexeme)
        elif lexeme.kind == "word" and _IDENTIFIER.fullmatch(lexeme.text):
            self._record(lexeme.text, lexeme)
        elif lexeme.text == ",":
            raise self._error("there is a comma too many", lexeme.start)
        else:
            raise self._error("a key in quotes is missing here", lexeme.start)
        return self._expect_colon

    def _expect_colon(self, lexeme: _Lexeme) -> Any:
        if lexeme.text != ":":
            raise self._missing("a colon is missing after this key")
        return self._expect_value

    def _expect_separator(self, lexeme: _Lexeme) -> Any:
        if not self._stack:
            raise self._error(
                "the document has ended before this; one closing bracket is too many", lexeme.start
            )
        container = self._stack[-1]
        if lexeme.text == ",":
            if isinstance(container.key, int):
                container.key += 1
            return self._expect_key if container.opening.text == "{" else self._expect_item
        if lexeme.text == _CLOSING[container.opening.text]:
            return self._close(lexeme)
        if lexeme.text in ("}", "]"):
            line = Position.at(self._text, container.opening.start).line
            raise self._error(
                f"{lexeme.text!r} does not close the {container.opening.text!r} of line {line}",
                lexeme.start,
            )
        if lexeme.text == ":":
            raise self._error("there is a colon too many", lexeme.start)
        raise self._missing("a comma is missing after this value")

    def _close(self, lexeme: _Lexeme) -> Any:
        self._stack.pop()
        return self._expect_separator

    def _record(self, key: str | int, lexeme: _Lexeme) -> None:
        container = self._stack[-1]
        position = Position.at(self._text, lexeme.start)
        # Files end their objects with "": "" more than once.
        if key in container.members and key != "":
            line = container.members[key].line
            raise JsonSyntaxError(
                f"duplicate key {key!r:.80} in one object: line {line} has it, too; "
                "remove or rename one",
                position,
            )
        container.members[key] = position
        container.key = key
        self.positions[tuple(each.key for each in self._stack)] = position

    def _missing(self, problem: str) -> JsonSyntaxError:
        """Return an error behind the previous lexeme, which may be lines above."""
        return self._error(problem, self._previous.end if self._previous else 0)

    def _unclosed(self, lexeme: _Lexeme) -> JsonSyntaxError:
        return self._error("the text that begins here has no closing quote", lexeme.start)
