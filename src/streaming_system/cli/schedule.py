"""`streaming-system schedule …`: imports, checks, compares and exports schedules."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from streaming_system.cli.common import feed_options, load_config, one_line_errors, progress
from streaming_system.cli.event_option import (
    load_current_events,
    load_selected_settings,
    selected_event,
)
from streaming_system.cli.import_report import (
    describe_feed,
    describe_skipped,
    import_and_report,
)
from streaming_system.cli.plugins import record_plugins
from streaming_system.cli.schedule_feeds import check, diff
from streaming_system.cli.schedule_follow import follow
from streaming_system.cli.schedule_parsers import check_plugin_command, formats, new_parser_command
from streaming_system.cli.schedule_recordings import RecordingsUpdate, recordings_command
from streaming_system.cli.schedule_watch import ACCEPT_SHRINK, has_feed, watch_command
from streaming_system.config.ini import require
from streaming_system.net.page_events import PageEventPublisher
from streaming_system.schedule.export import EXPORT_FORMATS, export_schedule
from streaming_system.schedule.export_talks import ExportSite
from streaming_system.schedule.storage import load_schedule
from streaming_system.schedule_import.importer import ImportedFeed


@click.group()
def schedule() -> None:
    """Import, check, compare and export the schedule."""


for command in (
    check,
    diff,
    follow,
    check_plugin_command,
    formats,
    new_parser_command,
    recordings_command,
    watch_command,
):
    schedule.add_command(command)


@schedule.command("import")
@ACCEPT_SHRINK
@click.pass_obj
def import_command(ini: Path, accept_shrink: bool) -> None:
    """Read all feeds and replace the site's schedule.

    If a feed fails, the current schedule stays. Without --event, the command imports the schedules
    of all conferences of the site that are not over, each on its own.
    """
    with one_line_errors():
        settings = load_selected_settings(ini)
        events = {} if selected_event() else load_current_events(settings)
        if not events or has_feed(settings):
            _import_feeds(settings, accept_shrink=accept_shrink)
    failures = []
    for name, own in events.items():
        try:
            with one_line_errors():
                if has_feed(own):
                    _import_feeds(own, accept_shrink=accept_shrink)
        except click.ClickException as error:
            failures.append(f"{name}: {error.message}")
    if failures:
        raise click.ClickException("\nError: ".join(failures))


def _import_feeds(settings: Mapping[str, Any], *, accept_shrink: bool) -> None:
    target = Path(require(settings, "schedule.file"))
    config = load_config(settings)
    record_plugins(settings, target)
    with progress("Reading the feeds"):
        outcome = import_and_report(
            config, feed_options(settings, config.site), target, accept_shrink=accept_shrink
        )
        lists = RecordingsUpdate(settings, _warn_of_list).run(config).results
        PageEventPublisher(settings.get("push.url", "")).publish("schedule")
    for feed in outcome.feeds:
        _print_imported(feed)
    for warning in outcome.warnings:
        click.echo(f"warning: {warning}", err=True)
    for result in lists:
        if not result.error:
            click.echo(result.describe())
    click.echo(f"Wrote {target}")


def _warn_of_list(source: str, problem: str) -> None:
    click.echo(f"warning: {source}: {problem}", err=True)


def _print_imported(feed: ImportedFeed) -> None:
    click.echo(describe_feed(feed))
    for warning in feed.validated.warnings:
        click.echo(f"  warning: {warning}", err=True)
    for skipped in feed.validated.skipped:
        click.echo(f"  left out: {describe_skipped(skipped)}")


@schedule.command("export")
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(EXPORT_FORMATS)),
    required=True,
    help="The output format.",
)
@click.option("--url", metavar="URL", help="The site's URL, for links to its pages.")
@click.pass_obj
def export_command(ini: Path, format_: str, url: str | None) -> None:
    """Write the site's schedule to standard output."""
    with one_line_errors():
        settings = load_selected_settings(ini)
        config = load_config(settings)
        current = load_schedule(Path(require(settings, "schedule.file")))
    mount = f"/{selected_event()}" if selected_event() else ""
    site_url = url or f"http://{settings.get('address', 'localhost')}{mount}"
    events = dict.fromkeys(room.conference for room in config.rooms.values())
    title = ", ".join(filter(None, events)) or config.default.title
    site = ExportSite(title=title, url=site_url.rstrip("/"))
    click.echo(export_schedule(current, config.rooms, site, format_), nl=False)
