"""`streaming-system tracker`: look after what the tracker remembers."""

from collections import Counter
from pathlib import Path

import click

from streaming_system.cli.common import one_line_errors
from streaming_system.settings import read_ini


@click.group()
def tracker() -> None:
    """Look after what the tracker remembers."""


@tracker.command("prune")
@click.pass_obj
def tracker_prune(ini: Path) -> None:
    """Roll up what was reported into minutes and tens of minutes, and forget what is old.

    A timer runs it every few minutes. It may be stopped at any moment.
    """
    # The tracker brings the database along; other commands start without it.
    from streaming_system.tracker.upkeep import Busy, StartError, prune

    with one_line_errors():
        settings = read_ini(ini, "tracker")
    try:
        done = prune(settings)
    except Busy:
        click.echo("Another prune is at work; there is nothing to do.")
        return
    except StartError as error:
        raise click.ClickException(str(error)) from None
    until = f"{done.until:%Y-%m-%d %H:%M} UTC" if done.until else "nothing yet"
    click.echo(f"Rolled up to {until}: {_listed(done.made)}. Forgotten: {_listed(done.forgotten)}.")


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing"
