"""The known formats that are most similar to a document that no parser recognises."""

import inspect
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType
from typing import Any

from streaming_system.plugin.feed import Feed
from streaming_system.plugin.hooks import Parser

MAX_SIMILAR = 3
MAX_NAMES = 2000


def similar_formats(feed: Feed, parsers: Mapping[str, Parser]) -> list[str]:
    """Return the names of up to three formats, the most similar first.

    A document is similar to a format whose parser mentions the names of its members. A name that
    few parsers mention counts more.
    """
    names = set(_document_names(feed))
    mentioned = {
        key: names & _names_in_code(parser)
        for key, parser in parsers.items()
        if _can_read(parser, feed.kind)
    }
    parser_counts = Counter(name for each in mentioned.values() for name in each)
    scores = {key: sum(1 / parser_counts[name] for name in each) for key, each in mentioned.items()}
    best = sorted(scores, key=lambda key: (-scores[key], key))[:MAX_SIMILAR]
    return [key for key in best if scores[key] > 0]


def _document_names(feed: Feed) -> Iterator[str]:
    """Return the names of members, elements or columns, lowercase."""
    if feed.xml is not None:
        for number, element in enumerate(feed.xml.iter("*")):
            if number > MAX_NAMES:
                return
            yield str(element.tag).rpartition("}")[2].lower()
    elif feed.json is not None:
        yield from _json_names(feed.json)
    elif feed.kind == "text":
        header = next(iter(feed.text.splitlines()), "")
        yield from (name.strip(' "').lower() for name in re.split(r"[,;\t]", header))


def _json_names(document: Any) -> Iterator[str]:
    queue, count = [document], 0
    while queue and count < MAX_NAMES:
        value = queue.pop(0)
        if isinstance(value, dict):
            count += len(value)
            yield from (name.lower() for name in value)
            queue.extend(value.values())
        elif isinstance(value, list):
            queue.extend(value[:MAX_NAMES])


def _code_of(parser: Parser) -> list[CodeType]:
    """Return the code of the functions in the parser's module."""
    module = inspect.getmodule(parser.parse)
    members = vars(module).values() if module else ()
    own = [each for each in members if inspect.getmodule(each) is module]
    return [member.__code__ for member in own if hasattr(member, "__code__")]


def _names_in_code(parser: Parser) -> set[str]:
    """Return the texts in the code of a parser, lowercase."""
    return {text.lower() for code in _code_of(parser) for text in _texts(code)}


def _can_read(parser: Parser, kind: str) -> bool:
    """Return whether the code of a parser accesses documents of a kind."""
    return any(kind in code.co_names for code in _code_of(parser))


def _texts(constant: Any) -> Iterable[str]:
    if isinstance(constant, str):
        yield constant
    elif isinstance(constant, CodeType):
        for inner in constant.co_consts:
            yield from _texts(inner)
    elif isinstance(constant, tuple | frozenset):
        for inner in constant:
            yield from _texts(inner)
