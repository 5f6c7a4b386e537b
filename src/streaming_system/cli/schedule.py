"""`streaming-system schedule …`: imports, checks, compares and exports schedules."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import click

from streaming_system.cli.common import feed_options, load_config, one_line_errors, progress
from streaming_system.cli.schedule_feeds import check, diff
from streaming_system.cli.schedule_follow import follow
from streaming_system.cli.schedule_parsers import check_plugin_command, formats, new_parser_command
from streaming_system.config.ini import load_app_settings, require
from streaming_system.net.page_events import PageEventPublisher
from streaming_system.plugin.feed import FeedError
from streaming_system.schedule.export import EXPORT_FORMATS, export_schedule
from streaming_system.schedule.export_talks import ExportSite
from streaming_system.schedule.storage import load_schedule
from streaming_system.schedule_import.importer import (
    ImportedFeed,
    ImportFailedError,
    import_schedule,
)
from streaming_system.schedule_import.poll import ConditionalFetcher, run_poll_loop

log = logging.getLogger("streaming_system.schedule")

ACCEPT_SHRINK = click.option(
    "--accept-shrink",
    is_flag=True,
    help="Accept a schedule with less than half of the talks of the current one.",
)


@click.group()
def schedule() -> None:
    """Import, check, compare and export the schedule."""


for command in (check, diff, follow, check_plugin_command, formats, new_parser_command):
    schedule.add_command(command)


@schedule.command("import")
@ACCEPT_SHRINK
@click.pass_obj
def import_command(ini: Path, accept_shrink: bool) -> None:
    """Read all feeds and replace the site's schedule.

    If a feed fails, the current schedule stays.
    """
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        target = Path(require(settings, "schedule.file"))
        config = load_config(settings)
        with progress("Reading the feeds"):
            try:
                outcome = import_schedule(
                    config,
                    feed_options(settings, config.site),
                    target,
                    now=datetime.now(UTC),
                    accept_shrink=accept_shrink,
                )
            except ImportFailedError as error:
                remaining = _describe_current_schedule(target)
                raise ImportFailedError(f"{error}; {remaining}") from None
            PageEventPublisher(settings.get("push.url", "")).publish("schedule")
    for feed in outcome.feeds:
        _print_imported(feed)
    for warning in outcome.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"Wrote {target}")


def _describe_current_schedule(target: Path) -> str:
    return "the schedule in service stays" if target.exists() else "there is no schedule yet"


def _print_imported(feed: ImportedFeed) -> None:
    checked = feed.validated
    click.echo(
        f"{feed.source}: {feed.format}, {len(checked.talks)} of {checked.entries} entries "
        f"for {', '.join(feed.rooms)}"
    )
    for warning in checked.warnings:
        click.echo(f"  warning: {warning}", err=True)
    for skipped in checked.skipped:
        detail = f" ({skipped.detail})" if skipped.detail not in ("", skipped.reason) else ""
        click.echo(f"  left out: {skipped.location}: {skipped.title!r}: {skipped.reason}{detail}")


@schedule.command("watch")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    help="Polling interval, with 20 % jitter; it grows after failures.",
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N polls.")
@ACCEPT_SHRINK
@click.pass_obj
def watch_command(ini: Path, interval: float, count: int | None, accept_shrink: bool) -> None:
    """Poll the feeds, import changes and log them.

    The current schedule stays if a feed fails or has lost half of its talks.
    """
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        target = Path(require(settings, "schedule.file"))
        config = load_config(settings)
        options = feed_options(settings, config.site)
    pages = PageEventPublisher(settings.get("push.url", ""))
    feeds = ConditionalFetcher(
        options.limits.max_download_bytes, options.limits.timeout, options.allowed_networks
    )
    imported = False

    def poll() -> bool:
        nonlocal imported
        feeds.changed = False
        try:
            for source in {room.schedule for room in config.rooms.values()} - {""}:
                try:
                    feeds.fetch(source)
                except FeedError as error:
                    raise FeedError(f"{source}: {error}") from None
            if imported and not feeds.changed:
                return True
            outcome = import_schedule(
                config,
                options,
                target,
                now=datetime.now(UTC),
                accept_shrink=accept_shrink,
                fetch=feeds.fetch,
            )
        except (ImportFailedError, FeedError) as error:
            log.warning("%s; %s", error, _describe_current_schedule(target))
            return False
        imported = True
        for warning in outcome.warnings:
            log.warning("%s", warning)
        pages.publish("schedule")
        log.info("imported; %s changes", len(outcome.changes))
        return True

    logging.getLogger("streaming_system").setLevel(logging.INFO)
    run_poll_loop(poll, interval=interval, count=count)


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
        settings = load_app_settings(ini, "frontend")
        config = load_config(settings)
        current = load_schedule(Path(require(settings, "schedule.file")))
    site_url = url or f"http://{settings.get('address', 'localhost')}"
    events = {room.conference for room in config.rooms.values()} - {""}
    title = ", ".join(sorted(events)) or config.default.title
    site = ExportSite(title=title, url=site_url.rstrip("/"))
    click.echo(export_schedule(current, config.rooms, site, format_), nl=False)
