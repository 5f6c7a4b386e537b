"""The command `streaming-system`: arguments in, lines out; the work is done elsewhere."""

import itertools
import logging
import sys
import time
from pathlib import Path

import click

from streaming_system import rooms
from streaming_system.cli.admin import admin
from streaming_system.cli.common import DEFAULT_INI, check_theme, configuration, one_line_errors
from streaming_system.cli.schedule import schedule
from streaming_system.cli.tracker import tracker
from streaming_system.encoder import fake
from streaming_system.encoder.register import Registrar
from streaming_system.settings import read_ini


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
    help="The ini file that says how the site runs.",
)
@click.option("-v", "--verbose", is_flag=True, help="Say more of what is done, and where it fails.")
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
    """Look after config.json and config.private.json."""


@config.command("check")
@click.option(
    "--only",
    type=click.Choice(["frontend", "tracker"]),
    help="Check what one app needs, on a machine that runs only that.",
)
@click.pass_obj
def config_check(ini: Path, only: str | None) -> None:
    """Check the configuration, as the site does when it starts."""
    # The tracker brings the web framework along; other commands start without it.
    from streaming_system.tracker.settings import StartError, checked

    with one_line_errors():
        found = configuration(read_ini(ini, only or "frontend"))
        if only != "tracker":
            check_theme(found)
        try:
            if only != "frontend":
                checked(read_ini(ini, "tracker"))
        except StartError as error:
            raise click.ClickException(str(error)) from None
    click.echo(f"{len(found.rooms)} rooms: {', '.join(found.rooms)}")
    click.echo("The configuration is good.")


@main.group()
def encoder() -> None:
    """Run beside a streaming server, or pretend to."""


@encoder.command("fake")
@click.option(
    "--server",
    metavar="URL",
    default="http://127.0.0.1:8000/tracker",
    show_default=True,
    help="The tracker.",
)
@click.option(
    "--secret",
    metavar="S",
    envvar="STREAMING_SYSTEM_SECRET",
    show_envvar=True,
    help="The tracker's secret.  [default: what the configuration here says]",
)
@click.option(
    "--group",
    metavar="A,B,C",
    default="example",
    show_default=True,
    help="The ids of the rooms to stream.",
)
@click.option("--ip", metavar="ADDR", default="", help="Register this address, not the sender's.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="How long to wait between two rounds.",
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N rounds.")
@click.pass_obj
def encoder_fake(
    ini: Path,
    server: str,
    secret: str | None,
    group: str,
    ip: str,
    interval: float,
    count: int | None,
) -> None:
    """Register rooms as live without streaming anything, to try the site."""
    groups = tuple(filter(None, (name.strip() for name in group.split(","))))
    if not groups:
        raise click.BadParameter("name at least one room", param_hint="--group")
    registrar = Registrar(server, secret or _secret_here(ini))
    rounds = itertools.count() if count is None else iter(range(count))
    with one_line_errors():
        for line in fake.run(
            registrar, groups, ip=ip, rounds=rounds, wait=lambda: time.sleep(interval)
        ):
            click.echo(line)
            sys.stdout.flush()


def _secret_here(ini: Path) -> str:
    """Return the secret of the configuration on this machine, for trying things out."""
    if not ini.is_file():
        return rooms.EXAMPLE_SECRET
    with one_line_errors():
        return rooms.from_settings(read_ini(ini, "frontend")).site.secret


main.add_command(admin)
main.add_command(schedule)
main.add_command(tracker)
