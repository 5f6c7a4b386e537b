"""What runs beside a streaming server: `streaming-system encoder …`."""

import itertools
import sys
import time
from pathlib import Path

import click

from streaming_system import rooms
from streaming_system.cli.common import one_line_errors
from streaming_system.encoder import fake
from streaming_system.encoder.tracker import FormTracker
from streaming_system.settings import read_ini


@click.group()
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
    tracker = FormTracker(server, secret or _secret_here(ini))
    rounds = itertools.count() if count is None else iter(range(count))
    with one_line_errors():
        for line in fake.run(
            tracker, groups, ip=ip, rounds=rounds, wait=lambda: time.sleep(interval)
        ):
            click.echo(line)
            sys.stdout.flush()


def _secret_here(ini: Path) -> str:
    """Return the secret of the configuration on this machine, for trying things out."""
    if not ini.is_file():
        return rooms.EXAMPLE_SECRET
    with one_line_errors():
        return rooms.from_settings(read_ini(ini, "frontend")).site.secret
