"""The command line `streaming-system`."""

import logging
import sys
from pathlib import Path

import click

from streaming_system.cli.admin import admin
from streaming_system.cli.agent import agent, renamed_encoder
from streaming_system.cli.common import (
    DEFAULT_INI,
    load_config,
    one_line_errors,
    validate_site_files,
    warn_about_theme,
)
from streaming_system.cli.config_show import config_show
from streaming_system.cli.reload import reload_command
from streaming_system.cli.schedule import schedule
from streaming_system.cli.tracker import tracker
from streaming_system.config.ini import load_app_settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--config",
    "ini",
    metavar="INI",
    type=click.Path(path_type=Path),
    default=DEFAULT_INI,
    envvar="STREAMING_SYSTEM_INI",
    show_default=True,
    show_envvar=True,
    help="The ini file of the site.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log debug messages and tracebacks.")
@click.pass_context
def main(context: click.Context, ini: Path, verbose: bool) -> None:
    """Run a conference's streaming site."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(levelname)s: %(message)s",
        stream=sys.stderr,
    )
    context.obj = ini


@main.group()
def config() -> None:
    """Check and show the configuration."""


@config.command("check")
@click.option(
    "--only",
    type=click.Choice(["frontend", "tracker"]),
    help="Check only what this app needs.",
)
@click.option(
    "--production",
    is_flag=True,
    help="Reject settings for development: SQLite, and the example's secret.",
)
@click.pass_obj
def config_check(ini: Path, only: str | None, production: bool) -> None:
    """Validate the configuration, as the site does at its start."""
    # The web framework slows down the start, so other commands do not import it.
    from streaming_system.tracker.settings import (
        StartupError,
        load_settings,
        require_production_safety,
    )

    with one_line_errors():
        conference = load_config(load_app_settings(ini, only or "frontend"))
        if only != "tracker":
            warn_about_theme(conference)
            validate_site_files(load_app_settings(ini, "frontend"))
        try:
            if only != "frontend":
                settings = load_app_settings(ini, "tracker")
                load_settings(settings)
                if production:
                    require_production_safety(settings)
        except StartupError as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"{len(conference.rooms)} rooms: {', '.join(conference.rooms)}")
    click.echo("The configuration is good.")


config.add_command(config_show)
main.add_command(admin)
main.add_command(agent)
main.add_command(renamed_encoder)
main.add_command(reload_command)
main.add_command(schedule)
main.add_command(tracker)
