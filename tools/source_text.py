"""Finds the prose and the names in a source file: comments, docstrings, texts, definitions."""

import ast
import fnmatch
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_CODE_SPAN = r"(?<!`)(`{1,2})(?!`)[^`]+?\1(?!`)"
_MARKDOWN_CODE = re.compile(_CODE_SPAN + r"|(?<=\])\([^)\s]*\)|https?://\S+")
_DOCSTRING_CODE = re.compile(_CODE_SPAN + r"|:\w+ \w+:|https?://\S+")
_TEMPLATE_CODE = re.compile(r"(?s)\{\{.*?\}\}|\{%.*?%\}")
_TAG = re.compile(r"<[^<>]*>")
# The groups of these are the prose.
_HASH_COMMENT = re.compile(r"(?m)^\s*;+\s(.*)|(?:^|(?<=[\s@]))#+\s(.*)")
_SCRIPT_COMMENT = re.compile(
    r"""(?s)"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|//([^\n]*)|/\*(.*?)\*/"""
)
_STYLE_COMMENT = re.compile(r"(?s)/\*(.*?)\*/")
_QUOTED_TEXT = re.compile(r""""([^"]*\s[^"]*)"|'([^']*\s[^']*)'""")


@dataclass(frozen=True)
class Snippet:
    """A piece of a file: prose, or a defined name with its kind (class, function, …)."""

    kind: str
    line: int
    text: str


def is_supported(path: str) -> bool:
    """Return whether the type of a file is known here."""
    name = Path(path).name
    return name.endswith(".py") or any(fnmatch.fnmatchcase(name, pattern) for pattern in MASKS)


def snippets(path: str, text: str) -> Iterator[Snippet]:
    """Yield the prose and the names of a file."""
    file = Path(path)
    if file.suffix == ".py":
        module = file.parent.name if file.stem == "__init__" else file.stem
        yield Snippet("module", 1, module.removeprefix("test_"))
        yield from _python_snippets(text)
    for pattern, mask in MASKS.items():
        if fnmatch.fnmatchcase(file.name, pattern):
            yield Snippet("prose", 1, mask(text))


# Masks. Each replaces everything but prose with spaces, so line numbers stay the same.


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _without(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: _blank(match[0]), text)


def _groups_of(pattern: re.Pattern[str], text: str) -> str:
    """Blank everything but the groups of the matches."""
    pieces, end = [], 0
    for match in pattern.finditer(text):
        for number, group in enumerate(match.groups(), 1):
            if group is not None:
                pieces += [_blank(text[end : match.start(number)]), group]
                end = match.end(number)
    return "".join([*pieces, _blank(text[end:])])


def _mask_markdown(text: str) -> str:
    return _without(_MARKDOWN_CODE, text)


def _mask_template(text: str) -> str:
    """Leave the text, the comments and the quoted sentences of a template."""
    for code in (_TEMPLATE_CODE, _TAG):
        text = code.sub(lambda match: _groups_of(_QUOTED_TEXT, match[0]), text)
    return text


def _mask_script(text: str) -> str:
    return re.sub(r"(?m)^(\s*)\*", r"\1 ", _groups_of(_SCRIPT_COMMENT, text))


def _mask_style(text: str) -> str:
    return _groups_of(_STYLE_COMMENT, text)


def _mask_settings(text: str) -> str:
    return _groups_of(_HASH_COMMENT, text)


_SETTINGS = ("Makefile", "run", "*.conf", "*.ini", "*.ini.example", "*.mako", "*.toml")
_SCRIPTS_AND_UNITS = ("*.sh", "*.service", "*.timer")
MASKS: dict[str, Callable[[str], str]] = {
    "*.md": _mask_markdown,
    "*.jinja2": _mask_template,
    "*.js": _mask_script,
    "*.json.example": _mask_script,
    "*.css": _mask_style,
    "*.txt": str,
    **dict.fromkeys((*_SETTINGS, *_SCRIPTS_AND_UNITS), _mask_settings),
}


# Python.


def _python_snippets(source: str) -> Iterator[Snippet]:
    yield from _comments(source)
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        yield from _defined_name(node)
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
            continue
        # A literal of one word is a key, a path or the like.
        if id(node) in docstrings or len(node.value.split()) > 1:
            yield Snippet("prose", node.lineno, _without(_DOCSTRING_CODE, node.value))


def _comments(source: str) -> Iterator[Snippet]:
    """Yield the comments; those in one column of successive lines are a single one."""
    lines: list[str] = []
    first = column = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if lines and token.start != (first + len(lines), column):
            yield Snippet("prose", first, _without(_DOCSTRING_CODE, "\n".join(lines)))
            lines = []
        if not lines:
            first, column = token.start
        lines.append(token.string.lstrip("#"))
    if lines:
        yield Snippet("prose", first, _without(_DOCSTRING_CODE, "\n".join(lines)))


def _defined_name(node: ast.AST) -> Iterator[Snippet]:
    """Yield the name that a node defines. Uses of a name are not listed: they follow."""
    match node:
        case ast.ClassDef(name=name, bases=bases):
            is_exception = any(ast.unparse(base).endswith(("Error", "Exception")) for base in bases)
            yield Snippet("exception" if is_exception else "class", node.lineno, name)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            if name.startswith("test_"):
                # The name of a test is a sentence.
                yield Snippet("prose", node.lineno, name.replace("_", " "))
            else:
                yield Snippet("function", node.lineno, name)
        case ast.arg(arg=name):
            yield Snippet("parameter", node.lineno, name)
        case (
            ast.Name(id=name, ctx=ast.Store())
            | ast.Attribute(attr=name, ctx=ast.Store())
            | ast.alias(asname=str(name))
            | ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
        ):
            yield Snippet("constant" if name.isupper() else "variable", node.lineno, name)
