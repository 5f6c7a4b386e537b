"""Checks what a theme's files say, before a viewer is the one to find out."""

import re
from pathlib import Path
from typing import NoReturn

import jinja2
import jinja2.meta

from streaming_system.theme.model import ThemeError, find_file

# Where our own templates lie, and how a theme's refer to them: site/base.jinja2.
BUILTIN_TEMPLATES = Path(__file__).parent.parent / "frontend/templates"
BASE_PREFIX = "site/"

# A stylesheet's comments and texts, which may hold anything; what it loads; what it is nested by.
_TOKEN = re.compile(
    r"""/\*.*?(?:\*/|\Z)
    |@import\b
    |url\(\s*(?P<quote>["']?)(?P<url>[^"')]*)(?P=quote)\s*\)
    |"(?:\\.|[^"\\\n])*"
    |'(?:\\.|[^'\\\n])*'
    |[{}]
    |\\.
    """,
    re.DOTALL | re.VERBOSE | re.IGNORECASE,
)


def validate_css(folder: Path, css: str) -> None:
    """Refuse a stylesheet that would break out of its layer, or that loads what is not there.

    :raises ThemeError: with one line for whoever must mend it.
    """
    path = folder / "theme.css"
    depth = 0
    for token in _TOKEN.finditer(css):
        line = css.count("\n", 0, token.start()) + 1
        text = token[0]
        depth += {"{": 1, "}": -1}.get(text, 0)
        if text.startswith("/*") and not (text.endswith("*/") and len(text) > 3):
            raise ThemeError(f"{path}: line {line}: the comment has no end")
        if depth < 0:
            raise ThemeError(f"{path}: line {line}: there is no {{ for this }}")
        if text.lower() == "@import":
            raise ThemeError(f"{path}: line {line}: @import is not allowed: write it all here")
        if token["url"] is not None:
            _validate_url(folder, token["url"].strip(), f"{path}: line {line}")
    if depth:
        raise ThemeError(f"{path}: a }} is missing at its end")


def _validate_url(folder: Path, url: str, where: str) -> None:
    # Such as #mask, which is in the page.
    if url.startswith("#"):
        return
    if ":" in url or url.startswith("/") or find_file(folder, re.split("[?#]", url)[0]) is None:
        raise ThemeError(
            f"{where}: {url!r:.80} leads to no file of the theme; allowed: a path below its "
            "folder, such as pictures/pattern.svg"
        )


def validate_templates(folder: Path) -> tuple[str, ...]:
    """Return the names of a theme's templates.

    They are read, not run.

    :raises ThemeError: with one line for whoever must mend it.
    """
    templates = folder / "templates"
    names = sorted(
        path.relative_to(templates).as_posix()
        for path in templates.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
    ours = {path.name for path in BUILTIN_TEMPLATES.glob("*.jinja2")}
    used: set[str] = set()
    environment = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    # Of the frontend's own, whose templates a theme may have begun from.
    environment.filters["plain"] = str
    for name in names:
        used |= _referenced_templates(environment, templates, name, ours | set(names))
    for name in names:
        if name not in ours and name not in used:
            raise ThemeError(
                f"{templates / name}: no template of ours is called so, and none of the theme's "
                f"includes it; ours: {', '.join(sorted(ours))}"
            )
    return tuple(names)


def _referenced_templates(
    environment: jinja2.Environment, templates: Path, name: str, known: set[str]
) -> set[str]:
    """Return which templates one extends, includes or imports."""
    path = templates / name

    def refuse(complaint: str) -> NoReturn:
        raise ThemeError(f"{path}: {complaint}")

    try:
        source = path.read_text(encoding="utf-8")
        tree = environment.parse(source, name)
        environment.compile(tree, name)
    except (OSError, UnicodeDecodeError):
        refuse("cannot be read as UTF-8")
    except jinja2.TemplateSyntaxError as error:
        refuse(f"line {error.lineno}: {error.message}")
    except RecursionError:
        refuse("is nested too deeply")
    found = set()
    for other in jinja2.meta.find_referenced_templates(environment.parse(source, name)):
        if other is None:
            continue
        if other == name:
            refuse(f"refers to itself; the original is called {BASE_PREFIX}{name}")
        original = other.removeprefix(BASE_PREFIX)
        in_place = (
            original in known if original == other else (BUILTIN_TEMPLATES / original).is_file()
        )
        if not in_place:
            refuse(
                f"there is no template {other!r:.80}; ours are called site/base.jinja2 and so on"
            )
        found.add(other)
    return found
