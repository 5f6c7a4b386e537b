"""The command line `streaming-system`."""

import logging
import sys
from pathlib import Path

import click

from streaming_system.cli.admin import admin
from streaming_system.cli.agent import agent
from streaming_system.cli.common import DEFAULT_INI
from streaming_system.cli.config import config
from streaming_system.cli.container import container_command
from streaming_system.cli.init import init_command
from streaming_system.cli.plugins import plugins_command
from streaming_system.cli.production_files import production_files_command
from streaming_system.cli.reload import reload_command
from streaming_system.cli.renamed_encoder import renamed_encoder
from streaming_system.cli.schedule import schedule
from streaming_system.cli.serve import serve
from streaming_system.cli.tracker import tracker
from streaming_system.util.program_version import program_version


def _print_version(context: click.Context, _option: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(program_version())
        context.exit()


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
@click.option(
    "--event", metavar="NAME", help="The conference in events.folder that the command is about."
)
@click.option("-v", "--verbose", is_flag=True, help="Log debug messages and tracebacks.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show version and commit, and exit.",
)
@click.pass_context
def main(context: click.Context, ini: Path, event: str | None, verbose: bool) -> None:
    """Run a conference's streaming site."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(levelname)s: %(message)s",
        stream=sys.stderr,
    )
    context.obj = ini


main.add_command(admin)
main.add_command(agent)
main.add_command(config)
main.add_command(container_command)
main.add_command(renamed_encoder)
main.add_command(init_command)
main.add_command(plugins_command)
main.add_command(production_files_command)
main.add_command(reload_command)
main.add_command(schedule)
main.add_command(serve)
main.add_command(tracker)
