"""Writes a working parser plugin as a starting point for its author."""

import importlib.resources
import re
from pathlib import Path
from string import Template

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{1,40}", re.ASCII)


class ScaffoldError(Exception):
    """The plugin cannot be written; the message is one line with the reason."""


def scaffold_parser(name: str, folder: Path) -> list[Path]:
    """Write a plugin, its sample feed and its test into ``folder``; return their paths.

    :param name: name of the module; the name of the format has hyphens instead of underscores.
    :raises ScaffoldError: if the name is not allowed, or one of the files exists.
    """
    if not NAME_PATTERN.fullmatch(name) or name.startswith("test_"):
        raise ScaffoldError(
            f"{name!r} cannot be a plugin's name; use a-z, 0-9 and _, a letter first, not test_"
        )
    plugin, test = folder / f"{name}.py", folder / f"test_{name}.py"
    sample = folder / f"{name}.sample.json"
    for path in (plugin, sample, test):
        if path.exists():
            raise ScaffoldError(f"{path} is there already; choose another name")
    variables = {
        "name": name,
        "title": name.replace("_", " ").title(),
        "format": name.replace("_", "-"),
        "key": f"{name}-talks".replace("_", "-"),
        "path": plugin,
        "test": test,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, template in ((plugin, "parser"), (sample, "sample"), (test, "test")):
            source = importlib.resources.files(__package__) / f"{template}.txt"
            path.write_text(Template(source.read_text()).substitute(variables), encoding="utf-8")
    except OSError as error:
        raise ScaffoldError(f"{folder}: cannot be written: {error.strerror}") from None
    return [plugin, sample, test]
