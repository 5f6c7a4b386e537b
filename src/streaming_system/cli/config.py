"""`streaming-system config …`: checks and shows the configuration."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from streaming_system.cli.common import one_line_errors, print_findings
from streaming_system.cli.event_check import check_event, check_events
from streaming_system.cli.event_option import load_selected_settings, selected_event
from streaming_system.cli.site_check import APPS, SiteCheck, check_site
from streaming_system.config.findings import ERROR
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

    Without --event, the command checks all conferences of the site, too.

    Exit status 0: there are at most warnings; 1: there are errors.
    """
    event = selected_event()
    if event:
        result, events = check_event(ini, event, production=production), {}
    else:
        result = check_site(ini, apps=(only,) if only else APPS, production=production)
        events = check_events(ini, result, production=production)
    for each in (result, *events.values()):
        print_findings(each.findings)
    if any(each.has_errors or each.conference is None for each in (result, *events.values())):
        raise click.exceptions.Exit(1)
    _print_summary("", result)
    for name, each in events.items():
        _print_summary(f"{name}: ", each)
    click.echo("The configuration is good.")


def _print_summary(prefix: str, result: SiteCheck) -> None:
    if result.theme:
        click.echo(f"{prefix}theme: {result.theme}")
    rooms = result.conference.rooms if result.conference else {}
    click.echo(f"{prefix}{len(rooms)} rooms: {', '.join(rooms)}")


@config.command("show")
@click.argument("sections", metavar="[SECTION]…", nargs=-1)
@click.pass_obj
def show_command(ini: Path, sections: tuple[str, ...]) -> None:
    """Show the merged values of sections, each with the file and line that sets it.

    Without SECTION, it shows all of them. Secrets are left out.
    """
    event = selected_event()
    result = check_event(ini, event) if event else check_site(ini)
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
        file = overrides_file(load_selected_settings(ini))
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
