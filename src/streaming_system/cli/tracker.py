"""`streaming-system tracker`: look after what the tracker remembers."""

import dataclasses
import itertools
import logging
import time
from pathlib import Path

import click

from streaming_system.alerts import Alerts
from streaming_system.cli.common import one_line_errors, reader
from streaming_system.plugin import Incident
from streaming_system.schedule.watch import Pace, watch
from streaming_system.settings import read_ini


@click.group()
def tracker() -> None:
    """Look after what the tracker remembers."""


@tracker.command("watch")
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N looks.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="How long to wait between two looks; a fifth more or less.",
)
@click.pass_obj
def tracker_watch(ini: Path, count: int | None, interval: float) -> None:
    """Look every ten seconds what is wrong, and have plugins tell the crew of it."""
    # The tracker brings the database along; other commands start without it.
    from streaming_system.tracker.watcher import News, StartError, Watcher

    logging.getLogger("streaming_system").setLevel(logging.INFO)
    with one_line_errors():
        settings = read_ini(ini, "tracker")
        alerts = Alerts(settings, reader(settings))

    def tell(news: News) -> bool:
        return alerts.tell(Incident(**dataclasses.asdict(news)))

    try:
        watcher = Watcher(settings, tell)
    except StartError as error:
        raise click.ClickException(str(error)) from None
    rounds = itertools.count() if count is None else iter(range(count))

    def look() -> bool:
        watcher.look()
        # What cannot be used now is asked again at the usual pace: it may be back any moment.
        return True

    watch(look, Pace(interval), time.sleep, rounds)
