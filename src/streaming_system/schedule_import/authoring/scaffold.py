"""Writes a working parser plugin as a starting point for its author."""

import importlib.resources
import re
from collections.abc import Mapping
from pathlib import Path
from string import Template

# Where a project file lists the plugins, and the lines of one.
PROJECT_LINES = {
    "[project.entry-points.streaming_system]": '$format = "$name"',
    "py-modules = [": '    "$name",',
}
NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]{1,40}", re.ASCII)


class ScaffoldError(Exception):
    """The plugin cannot be written; the message is one line with the reason."""


def scaffold_parser(name: str, folder: Path) -> list[Path]:
    """Write a plugin, its sample feed and its test into ``folder``; return their paths.

    ``pyproject.toml`` beside them packages all plugins of the folder. One that is there already
    gets the plugin's lines, unless it is of another form; then it is not among the paths.

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
        project = _write_project(folder / "pyproject.toml", variables)
    except OSError as error:
        raise ScaffoldError(f"{folder}: cannot be written: {error.strerror}") from None
    return [plugin, sample, test, *([project] if project else [])]


def _write_project(path: Path, variables: Mapping[str, object]) -> Path | None:
    """Write the project file, or add the plugin to it; return ``None`` for one of another form."""
    if not path.exists():
        template = Template((importlib.resources.files(__package__) / "project.txt").read_text())
        path.write_text(template.substitute(variables), encoding="utf-8")
        return path
    text = path.read_text(encoding="utf-8")
    for heading, line in PROJECT_LINES.items():
        if f"{heading}\n" not in text:
            return None
        text = text.replace(f"{heading}\n", f"{heading}\n{Template(line).substitute(variables)}\n")
    path.write_text(text, encoding="utf-8")
    return path
