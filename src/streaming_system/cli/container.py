"""`streaming-system container`: runs a part of the site with settings from the environment."""

import configparser
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from streaming_system.config.findings import Finding
from streaming_system.config.ini_file import load_ini
from streaming_system.util.atomic_write import atomic_write
from streaming_system.util.suggestions import did_you_mean

PREFIX = "STREAMING_"
FILE_SUFFIX = "_FILE"
# Variables of other commands.
_OTHER_VARIABLES = ("STREAMING_SYSTEM_", "STREAMING_CHECKS")
_SERVERS = ("server:frontend", "server:tracker")
# The keys that each variable sets, by section.
VARIABLES: Mapping[str, Sequence[tuple[str, str]]] = {
    "STREAMING_DATABASE": [("DEFAULT", "database")],
    "STREAMING_VAR": [("DEFAULT", "var")],
    "STREAMING_CONFIG": [("DEFAULT", "config.public")],
    "STREAMING_PRIVATE_CONFIG": [("DEFAULT", "config.private")],
    "STREAMING_REMINDERS_CONTACT": [("DEFAULT", "reminders.contact")],
    "STREAMING_TRACKER_URL": [("app:frontend", "tracker.url")],
    "STREAMING_TRACKER_INTERNAL_URL": [("app:frontend", "tracker.internal_url")],
    "STREAMING_ENDPOINT_URL": [("app:tracker", "endpoint.url")],
    "STREAMING_LISTEN": [(section, "listen") for section in _SERVERS],
    "STREAMING_TRUSTED_PROXY": [(section, "trusted_proxy") for section in _SERVERS],
}


@click.command("container", context_settings={"ignore_unknown_options": True})
@click.option(
    "--write-ini",
    "target",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default="/run/streaming/site.ini",
    show_default=True,
    help="Where to write the ini with the settings of the environment.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def container_command(ini: Path, target: Path, command: tuple[str, ...]) -> None:
    """Run `frontend`, `tracker` or another command with settings from the environment.

    The variables STREAMING_… replace keys of the ini; STREAMING_…_FILE names a file with the value.
    Other commands are those of `streaming-system`, such as `tracker watch`.
    """
    try:
        text = render_ini(ini, load_variables(os.environ))
        write_private(target, text)
    except ContainerSettingError as error:
        raise click.ClickException(str(error)) from None
    if command in (("frontend",), ("tracker",)):
        name = command[0]
        arguments = ["pserve", "-q", "--server-name", name, f"{target}#{name}"]
    else:
        arguments = ["streaming-system", "-c", str(target), *command]
    try:
        os.execvp(arguments[0], arguments)  # noqa: S606 - The process gets SIGTERM itself.
    except OSError as error:
        raise click.ClickException(
            f"{arguments[0]} cannot run: {error.strerror}; add its folder to PATH"
        ) from None


class ContainerSettingError(Exception):
    """A setting of the environment cannot be used; the message says which, and what to do."""


def load_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the values of the variables in VARIABLES, from the environment or from files."""
    values = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX) or variable.startswith(_OTHER_VARIABLES):
            continue
        name = variable.removesuffix(FILE_SUFFIX)
        if name not in VARIABLES:
            hint = (
                did_you_mean(name, VARIABLES).strip() or f"the variables are {', '.join(VARIABLES)}"
            )
            raise ContainerSettingError(f"{variable} is no setting; {hint}")
        if name in values:
            raise ContainerSettingError(f"{name} and {name}{FILE_SUFFIX} are both set; remove one")
        if name != variable:
            value = _load_value(variable, Path(value))
        if not value or not value.isprintable():
            raise ContainerSettingError(f"{variable} needs one line of text as its value")
        values[name] = value
    return values


def _load_value(variable: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        reason = error.strerror
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    raise ContainerSettingError(f"{variable}: {path} cannot be read: {reason}")


def render_ini(path: Path, variables: Mapping[str, str]) -> str:
    """Return the text of an ini file with the values of variables; %(here)s stays its folder."""
    loaded = load_ini(path)
    if isinstance(loaded, Finding):
        raise ContainerSettingError(f"{path}: {loaded.message}")
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    here = str(path.absolute().parent).replace("%", "%%")
    parser.read_string(path.read_text(encoding="utf-8").replace("%(here)s", here))
    for variable, value in variables.items():
        for section, key in VARIABLES[variable]:
            if section != "DEFAULT" and not parser.has_section(section):
                raise ContainerSettingError(f"{path}: {variable} needs the section [{section}]")
            parser.set(section, key, value.replace("%", "%%"))
    text = io.StringIO()
    parser.write(text)
    return text.getvalue()


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read; it may contain a password."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path, mode=0o600) as file:
            file.write(text.encode())
    except OSError as error:
        raise ContainerSettingError(
            f"{path} cannot be written: {error.strerror}; mount a tmpfs at {path.parent}"
        ) from None
