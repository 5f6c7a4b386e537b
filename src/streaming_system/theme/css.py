"""The check of theme.css: its brackets are balanced, and it loads only files of the theme."""

import re
from collections.abc import Iterator
from pathlib import Path

import tinycss2
from tinycss2.ast import (
    AtKeywordToken,
    Comment,
    FunctionBlock,
    Node,
    ParseError,
    StringToken,
    URLToken,
)

from streaming_system.theme.model import ThemeError, find_file

# Functions whose strings are URLs.
_URL_FUNCTIONS = frozenset({"url", "src", "image", "image-set", "-webkit-image-set"})
_OPENING_BRACKETS = {"}": "{", "]": "[", ")": "("}
_ERRORS = {
    "bad-string": "the string has no end",
    "bad-url": "the URL is invalid",
    "eof-in-string": "the string has no end",
    "eof-in-url": "the URL has no end",
}


def validate_css(folder: Path, css: str) -> None:
    """Reject a stylesheet that breaks out of its layer, or loads a missing file.

    :raises ThemeError: with the line of the first error.
    """
    path = folder / "theme.css"
    # The stylesheet goes into "@layer theme {…\n}". The added bracket must end that block, so it
    # is unmatched and at the top level here: otherwise it is inside a block of the stylesheet.
    tokens = tinycss2.parse_component_value_list(f"{css}\n}}")
    nodes = list(_walk(tokens))
    last = nodes[-1]
    is_unmatched = isinstance(last, ParseError) and last.kind == "}"
    if isinstance(last, Comment):
        raise ThemeError(f"{path}: line {last.source_line}: the comment has no end")
    for node in nodes[:-1] if is_unmatched else nodes:
        error = _describe_error(folder, node)
        if error:
            raise ThemeError(f"{path}: line {node.source_line}: {error}")
    if not is_unmatched or last is not tokens[-1]:
        raise ThemeError(f"{path}: a closing bracket is missing at its end")


def _walk(tokens: list[Node]) -> Iterator[Node]:
    """Yield nodes in the order of the text, without recursion: a file may nest deeply."""
    stack = [iter(tokens)]
    while stack:
        node = next(stack[-1], None)
        if node is None:
            stack.pop()
            continue
        yield node
        children = getattr(node, "content", None) or getattr(node, "arguments", None)
        if children:
            stack.append(iter(children))


def _describe_error(folder: Path, node: Node) -> str:
    """Return what is wrong with a node; "" if it is valid."""
    if isinstance(node, ParseError):
        opening = _OPENING_BRACKETS.get(node.kind)
        return f"there is no {opening} for this {node.kind}" if opening else _ERRORS[node.kind]
    if isinstance(node, AtKeywordToken) and node.lower_value == "import":
        return "@import is not allowed: write it all here"
    if isinstance(node, URLToken):
        urls = [node.value]
    elif isinstance(node, FunctionBlock) and node.lower_name in _URL_FUNCTIONS:
        urls = [argument.value for argument in node.arguments if isinstance(argument, StringToken)]
    else:
        return ""
    for url in urls:
        if not _is_theme_file(folder, url.strip()):
            return (
                f"{url!r:.80} leads to no file of the theme; allowed: a path below its folder, "
                "such as pictures/pattern.svg"
            )
    return ""


def _is_theme_file(folder: Path, url: str) -> bool:
    # A fragment such as #mask refers to the page.
    if url.startswith("#"):
        return True
    is_relative = ":" not in url and not url.startswith("/")
    return is_relative and find_file(folder, re.split("[?#]", url)[0]) is not None
