"""`streaming-system tracker …`: maintains the tracker's database."""

import dataclasses
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from streaming_system.cli.common import feed_options, one_line_errors, progress
from streaming_system.cli.tracker_erase import erase
from streaming_system.config.ini import load_app_settings
from streaming_system.plugin import Incident
from streaming_system.plugin_host.incident_notifier import IncidentNotifier
from streaming_system.schedule_import.poll import run_poll_loop
from streaming_system.util.atomic_write import atomic_write

STDOUT = "-"


@click.group()
def tracker() -> None:
    """Maintain the tracker's database."""


tracker.add_command(erase)


@tracker.command("watch")
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N checks.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=10.0,
    show_default=True,
    help="Interval of the checks, with 20 % jitter.",
)
@click.pass_obj
def tracker_watch(ini: Path, count: int | None, interval: float) -> None:
    """Detect incidents and notify the crew through plugins, and send reminders to viewers."""
    # The database library slows down the start, so other commands do not import it.
    from streaming_system.tracker.incidents.monitor import (
        IncidentMonitor,
        IncidentNotification,
        StartupError,
    )
    from streaming_system.tracker.reminders.sender import ReminderSender

    logging.getLogger("streaming_system").setLevel(logging.INFO)
    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
        options = feed_options(settings)
        notifier = IncidentNotifier(settings, options.plugin_folder, options.limits)

    def notify(notification: IncidentNotification) -> bool:
        return notifier.notify(Incident(**dataclasses.asdict(notification)))

    try:
        monitor = IncidentMonitor(settings, notify)
        sender = ReminderSender(settings) if settings.get("reminders.contact", "").strip() else None
    except StartupError as error:
        raise click.ClickException(str(error)) from None

    def check() -> bool:
        monitor.run_once()
        if sender is not None:
            sender.run_once()
        # No backoff: a database that failed may be back at any moment.
        return True

    run_poll_loop(check, interval=interval, count=count)


@tracker.command("prune")
@click.pass_obj
def tracker_prune(ini: Path) -> None:
    """Roll up samples per minute and per ten minutes, and delete expired data.

    A timer runs it every few minutes. It can be stopped at any time.
    """
    # The database library slows down the start, so other commands do not import it.
    from streaming_system.tracker.history.maintenance import (
        AlreadyRunningError,
        StartupError,
        run_maintenance,
    )

    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
    try:
        result = run_maintenance(settings)
    except AlreadyRunningError:
        click.echo("Another prune is running; there is nothing to do.")
        return
    except StartupError as error:
        raise click.ClickException(str(error)) from None
    until = (
        f"{result.rolled_up_until:%Y-%m-%d %H:%M} UTC" if result.rolled_up_until else "nothing yet"
    )
    made, forgotten = _format_counts(result.rolled_up), _format_counts(result.deleted)
    line = f"Rolled up to {until}: {made}. Forgotten: {forgotten}."
    if result.partitions:
        line += f" Partitions: {_format_counts(result.partitions)}."
    click.echo(line)


@tracker.command("migrate")
@click.pass_obj
def tracker_migrate(ini: Path) -> None:
    """Create the database, or migrate it to the schema of this version."""
    with one_line_errors():
        migrate(ini)
    click.echo("The database has the schema of this version.")


def migrate(ini: Path) -> None:
    """Create or migrate the database; print each migration on stderr."""
    # The database library slows down the start, so other commands do not import it.
    from streaming_system.tracker.db.migrations import migrate_database
    from streaming_system.tracker.settings import StartupError

    try:
        migrate_database(load_app_settings(ini, "tracker"))
    except StartupError as error:
        raise click.ClickException(str(error)) from None


@tracker.command("backup")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.pass_obj
def tracker_backup(ini: Path, path: Path) -> None:
    """Write a snapshot of the database into FILE (- for stdout).

    The site may be running. FILE is replaced by the complete backup; only its owner can read it.
    """
    # The database library slows down the start, so other commands do not import it.
    from streaming_system.tracker.backup import BackupError, StartupError, backup

    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
    try:
        with progress("Backing up") as show_progress, _open_output(path) as file:
            summary = backup(settings, file, on_progress=show_progress)
    except (BackupError, StartupError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(
        f"Wrote {path}: {summary.rows:,} rows of {len(summary.checksums)} tables at revision "
        f"{summary.revision}.",
        err=str(path) == STDOUT,
    )


@tracker.command("restore")
@click.argument("path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Delete the current contents of the database.")
@click.pass_obj
def tracker_restore(ini: Path, path: Path, replace: bool) -> None:
    """Restore a backup in one transaction, into SQLite or PostgreSQL.

    The site may be running: it serves pages, and reports wait.
    """
    # The database library slows down the start, so other commands do not import it.
    from streaming_system.tracker.backup import BackupError, StartupError, restore

    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
    try:
        with progress("Restoring") as show_progress, path.open("rb") as file:
            summary = restore(settings, file, replace=replace, on_progress=show_progress)
    except BackupError as error:
        raise click.ClickException(f"{path}: {error}; nothing has changed") from None
    except StartupError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        # A pipe cannot be read twice; Python's error for that has no number.
        raise click.ClickException(f"{path}: cannot be read: {error.strerror or error}") from None
    click.echo(
        f"Restored {summary.rows:,} rows of {len(summary.checksums)} tables as of "
        f"{summary.taken:%Y-%m-%d %H:%M:%S} UTC; the checksum of each is right."
    )


@contextmanager
def _open_output(path: Path) -> Iterator[BinaryIO]:
    if str(path) != STDOUT:
        with atomic_write(path, mode=0o600) as file:
            yield file
        return
    if sys.stdout.isatty():
        raise click.UsageError("a backup cannot be printed to a terminal; give a file or a pipe")
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


def _format_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items()) or "nothing"
