"""`streaming-system tracker`: look after what the tracker remembers."""

import dataclasses
import itertools
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from streaming_system.cli.common import feed_options, one_line_errors, progress
from streaming_system.config.ini import load_app_settings
from streaming_system.plugin import Incident
from streaming_system.plugin_host.incident_notifier import IncidentNotifier
from streaming_system.schedule_import.poll import PollInterval, poll_feeds
from streaming_system.util.atomic_write import atomic_write

STDOUT = "-"


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
    from streaming_system.tracker.incidents.monitor import (
        IncidentMonitor,
        IncidentNotification,
        StartupError,
    )

    logging.getLogger("streaming_system").setLevel(logging.INFO)
    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
        known = feed_options(settings)
        alerts = IncidentNotifier(settings, known.plugins, known.limits)

    def tell(news: IncidentNotification) -> bool:
        return alerts.tell(Incident(**dataclasses.asdict(news)))

    try:
        watcher = IncidentMonitor(settings, tell)
    except StartupError as error:
        raise click.ClickException(str(error)) from None
    rounds = itertools.count() if count is None else iter(range(count))

    def look() -> bool:
        watcher.look()
        # What cannot be used now is asked again at the usual pace: it may be back any moment.
        return True

    poll_feeds(look, PollInterval(interval), time.sleep, rounds)


@tracker.command("prune")
@click.pass_obj
def tracker_prune(ini: Path) -> None:
    """Roll up what was reported into minutes and tens of minutes, and forget what is old.

    A timer runs it every few minutes. It may be stopped at any moment.
    """
    # The tracker brings the database along; other commands start without it.
    from streaming_system.tracker.history.maintenance import (
        AlreadyRunningError,
        StartupError,
        run_maintenance,
    )

    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
    try:
        done = run_maintenance(settings)
    except AlreadyRunningError:
        click.echo("Another prune is at work; there is nothing to do.")
        return
    except StartupError as error:
        raise click.ClickException(str(error)) from None
    until = f"{done.until:%Y-%m-%d %H:%M} UTC" if done.until else "nothing yet"
    line = f"Rolled up to {until}: {_listed(done.made)}. Forgotten: {_listed(done.forgotten)}."
    if done.partitions:
        line += f" Partitions: {_listed(done.partitions)}."
    click.echo(line)


@tracker.command("backup")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def tracker_backup(ini: Path, path: Path) -> None:
    """Write all that the database holds, as it is at one moment, into FILE (- for stdout).

    The site may be running. FILE is replaced once the new one is whole; only its owner may read it.
    """
    # The tracker brings the database along; other commands start without it.
    from streaming_system.tracker.backup import BackupError, StartupError, backup

    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
    try:
        with progress("Backing up") as tell, _open_output(path) as file:
            done = backup(settings, file, tell=tell)
    except (BackupError, StartupError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(
        f"Wrote {path}: {done.rows:,} rows of {len(done.checksums)} tables at revision "
        f"{done.revision}.",
        err=str(path) == STDOUT,
    )


@tracker.command("restore")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Throw away what the database holds now.")
@click.pass_obj
def tracker_restore(ini: Path, path: Path, replace: bool) -> None:
    """Bring back what `tracker backup` wrote, into either kind of database, all or nothing.

    The site may be running: pages are answered as before meanwhile, reports wait.
    """
    # The tracker brings the database along; other commands start without it.
    from streaming_system.tracker.backup import BackupError, StartupError, restore

    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
    try:
        with progress("Restoring") as tell, path.open("rb") as file:
            done = restore(settings, file, replace=replace, tell=tell)
    except BackupError as error:
        raise click.ClickException(f"{path}: {error}; nothing has changed") from None
    except StartupError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be read: {error.strerror}") from None
    click.echo(
        f"Restored {done.rows:,} rows of {len(done.checksums)} tables as of "
        f"{done.taken:%Y-%m-%d %H:%M:%S} UTC; the checksum of each is right."
    )


@contextmanager
def _open_output(path: Path) -> Iterator[BinaryIO]:
    if str(path) != STDOUT:
        with atomic_write(path, mode=0o600) as file:
            yield file
        return
    if sys.stdout.isatty():
        raise click.UsageError("a backup is not for a terminal: give a file, or a pipe")
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing"
