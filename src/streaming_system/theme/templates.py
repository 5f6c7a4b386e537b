"""The check of a theme's templates: their syntax, and the templates that they refer to."""

from pathlib import Path
from typing import NoReturn

import jinja2
import jinja2.meta

from streaming_system.theme.model import ThemeError

# A theme's template refers to the built-in ones with a prefix: site/base.jinja2.
BUILTIN_TEMPLATES = Path(__file__).parent.parent / "frontend/templates"
BASE_PREFIX = "site/"


def validate_templates(folder: Path) -> tuple[str, ...]:
    """Return the names of a theme's templates. Templates are parsed, not executed.

    :raises ThemeError: for the first invalid template.
    """
    templates = folder / "templates"
    names = sorted(
        path.relative_to(templates).as_posix()
        for path in templates.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
    builtin = {path.name for path in BUILTIN_TEMPLATES.glob("*.jinja2")}
    environment = jinja2.Environment(autoescape=True, extensions=["jinja2.ext.i18n"])
    # A filter of the frontend: a theme may start from copies of its templates.
    environment.filters["plain"] = str
    used: set[str] = set()
    for name in names:
        used |= _referenced_templates(environment, templates, name, builtin | set(names))
    for name in names:
        if name not in builtin and name not in used:
            raise ThemeError(
                f"{templates / name}: no built-in template has this name, and no template of the "
                f"theme includes it; built-in templates: {', '.join(sorted(builtin))}"
            )
    return tuple(names)


def _referenced_templates(
    environment: jinja2.Environment, templates: Path, name: str, known: set[str]
) -> set[str]:
    """Return the names of the templates that one extends, includes or imports."""
    path = templates / name

    def fail(message: str) -> NoReturn:
        raise ThemeError(f"{path}: {message}")

    try:
        source = path.read_text(encoding="utf-8")
        tree = environment.parse(source, name)
        environment.compile(tree, name)
    except (OSError, UnicodeDecodeError):
        fail("cannot be read as UTF-8")
    except jinja2.TemplateSyntaxError as error:
        fail(f"line {error.lineno}: {error.message}")
    except RecursionError:
        fail("is nested too deeply")
    result = set()
    for other in jinja2.meta.find_referenced_templates(environment.parse(source, name)):
        if other is None:
            continue
        if other == name:
            fail(f"refers to itself; the original is called {BASE_PREFIX}{name}")
        original = other.removeprefix(BASE_PREFIX)
        exists = other in known if original == other else (BUILTIN_TEMPLATES / original).is_file()
        if not exists:
            fail(
                f"there is no template {other!r:.80}; built-in templates have the prefix "
                f"{BASE_PREFIX}, as in site/base.jinja2"
            )
        result.add(other)
    return result
