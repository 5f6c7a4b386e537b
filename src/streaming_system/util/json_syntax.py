"""The syntax of JSON5: the position of each member, and what is wrong with a broken document."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import json5

MAX_EXCERPT_CHARS = 40

# The keys and indexes that lead to a member.
Path = tuple[str | int, ...]

_TOKEN = re.compile(
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
    :ivar problem: what is wrong, and how to fix it.
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
class _Token:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


def _tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            yield _Token(match.lastgroup or "", match[0], match.start())


@dataclass
class _Container:
    """An open object or list."""

    opening: _Token
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
        self._previous: _Token | None = None

    def validate(self) -> None:
        """Check the syntax.

        :raises JsonSyntaxError: at the first error.
        """
        expect = self._expect_value
        for token in _tokens(self._text):
            expect = expect(token)
            self._previous = token
        if self._stack:
            opening = self._stack[-1].opening
            raise self._error(f"the {opening.text!r} that begins here is not closed", opening.start)
        if self._previous is None:
            raise JsonSyntaxError("is empty; write one object: {}", None)

    def _error(self, problem: str, offset: int) -> JsonSyntaxError:
        return JsonSyntaxError(problem, Position.at(self._text, offset))

    def _expect_value(self, token: _Token) -> Any:
        if token.kind == "quote":
            raise self._unclosed(token)
        if token.text in _CLOSING and token.kind == "punctuation":
            self._stack.append(_Container(token))
            return self._expect_key if token.text == "{" else self._expect_item
        if token.kind == "string" or _LITERAL.fullmatch(token.text):
            return self._expect_separator
        if token.kind == "punctuation":
            raise self._error(f"a value is missing before {token.text!r}", token.start)
        raise self._error(
            f"{token.text!r:.{MAX_EXCERPT_CHARS}} is no value; write texts in quotes, and true, "
            "false, null and numbers without",
            token.start,
        )

    def _expect_item(self, token: _Token) -> Any:
        if token.text == "]":
            return self._close(token)
        self._record(self._stack[-1].key, token)
        return self._expect_value(token)

    def _expect_key(self, token: _Token) -> Any:
        if token.text == "}":
            return self._close(token)
        if token.kind == "quote":
            raise self._unclosed(token)
        if token.kind == "string":
            self._record(_parse_string(token.text), token)
        elif token.kind == "word" and _IDENTIFIER.fullmatch(token.text):
            self._record(token.text, token)
        elif token.text == ",":
            raise self._error("there is a comma too many", token.start)
        else:
            raise self._error(
                f"a key in quotes is missing before {token.text!r:.{MAX_EXCERPT_CHARS}}",
                token.start,
            )
        return self._expect_colon

    def _expect_colon(self, token: _Token) -> Any:
        if token.text != ":":
            raise self._missing(":", "the key ")
        return self._expect_value

    def _expect_separator(self, token: _Token) -> Any:
        if not self._stack:
            raise self._error(
                f"the document ends before {token.text!r:.{MAX_EXCERPT_CHARS}}: "
                "a bracket before it is one too many",
                token.start,
            )
        container = self._stack[-1]
        if token.text == ",":
            if isinstance(container.key, int):
                container.key += 1
            return self._expect_key if container.opening.text == "{" else self._expect_item
        if token.text == _CLOSING[container.opening.text]:
            return self._close(token)
        if token.text in ("}", "]"):
            line = Position.at(self._text, container.opening.start).line
            raise self._error(
                f"{token.text!r} does not close the {container.opening.text!r} of line {line}",
                token.start,
            )
        if token.text == ":":
            raise self._error("there is a colon too many", token.start)
        raise self._missing(",")

    def _close(self, token: _Token) -> Any:
        self._stack.pop()
        return self._expect_separator

    def _record(self, key: str | int, token: _Token) -> None:
        container = self._stack[-1]
        position = Position.at(self._text, token.start)
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

    def _missing(self, sign: str, kind: str = "") -> JsonSyntaxError:
        before = self._previous
        if before is None:
            return JsonSyntaxError(f"a {sign!r} is missing", None)
        name = {",": "comma", ":": "colon"}[sign]
        return self._error(
            f"a {name} is missing after {kind}{before.text:.{MAX_EXCERPT_CHARS}}", before.end
        )

    def _unclosed(self, token: _Token) -> JsonSyntaxError:
        return self._error("the text that begins here has no closing quote", token.start)
