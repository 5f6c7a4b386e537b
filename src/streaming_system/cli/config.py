"""`streaming-system config …`: checks and shows the configuration."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from streaming_system.cli.common import one_line_errors, print_findings
from streaming_system.cli.site_check import APPS, check_site
from streaming_system.config.findings import ERROR
from streaming_system.config.ini import load_app_settings
from streaming_system.config.overrides import load_overrides, overrides_file
from streaming_system.config.sections import DEFAULT, SITE, ConfigSections

# Keys whose values are not shown.
_SECRET_KEY = re.compile(r"secret|passw|token", re.IGNORECASE)


@click.group()
def config() -> None:
    """Check and show config.json and config.private.json."""


@config.command("check")
@click.option("--only", type=click.Choice(APPS), help="Check only what this app needs.")
@click.option(
    "--production",
    is_flag=True,
    help="Reject settings for development: SQLite, and the example's secret.",
)
@click.pass_obj
def check_command(ini: Path, only: str | None, production: bool) -> None:
    """Find everything in the ini file and the configuration that cannot work.

    Exit status 0: there are at most warnings; 1: there are errors.
    """
    result = check_site(ini, apps=(only,) if only else APPS, production=production)
    print_findings(result.findings)
    if result.has_errors or result.conference is None:
        raise click.exceptions.Exit(1)
    if result.theme:
        click.echo(f"theme: {result.theme}")
    rooms = result.conference.rooms
    click.echo(f"{len(rooms)} rooms: {', '.join(rooms)}")
    click.echo("The configuration is good.")


@config.command("show")
@click.argument("sections", metavar="[SECTION]…", nargs=-1)
@click.pass_obj
def show_command(ini: Path, sections: tuple[str, ...]) -> None:
    """Show the merged values of sections, each with the file and line that sets it.

    Without SECTION, it shows all of them. Secrets are left out.
    """
    result = check_site(ini)
    merged = result.sections
    known = [SITE, DEFAULT, *merged.room_ids]
    unknown = [name for name in sections if name not in known]
    if unknown:
        raise click.ClickException(
            f"there is no section {unknown[0]!r}; allowed: {', '.join(known)}"
        )
    for name in sections or known:
        click.echo("\n".join(_format_section(merged, name)))
    _print_changes(ini)
    errors = sum(finding.severity == ERROR for finding in result.findings)
    if errors:
        raise click.ClickException(f"{errors} errors: streaming-system config check lists them")


def _print_changes(ini: Path) -> None:
    """Print what the crew has changed on the web, the newest change first."""
    with one_line_errors():
        file = overrides_file(load_app_settings(ini, "frontend"))
        changes = load_overrides(file)
    if changes.order:
        click.echo(f"order of the rooms: {', '.join(changes.order)}  ({file})")
    for state in reversed(changes.previous):
        click.echo(f"changed {state.at} by {state.account}: {state.change}")


def _format_section(merged: ConfigSections, name: str) -> Iterable[str]:
    yield f"{name}:"
    inherited = merged.values[DEFAULT] if name not in (SITE, DEFAULT) else {}
    for key, value in {**inherited, **merged.values[name]}.items():
        shown: Any = "…" if _SECRET_KEY.search(key) else json.dumps(value, ensure_ascii=False)
        yield f"  {key} = {shown}  ({merged.place(name, key)})"
