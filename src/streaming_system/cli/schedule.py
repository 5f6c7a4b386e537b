"""`streaming-system schedule …`: imports, checks, compares and exports schedules."""

import logging
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from streaming_system.cli.common import feed_options, load_config, one_line_errors, progress
from streaming_system.cli.import_report import (
    describe_feed,
    describe_remaining,
    describe_skipped,
    import_and_report,
    report_failure,
)
from streaming_system.cli.plugins import record_plugins
from streaming_system.cli.schedule_feeds import check, diff
from streaming_system.cli.schedule_follow import follow
from streaming_system.cli.schedule_parsers import check_plugin_command, formats, new_parser_command
from streaming_system.cli.schedule_recordings import RecordingsUpdate, recordings_command
from streaming_system.config import (
    ConferenceConfig,
    configuration_files,
    load_conference_from_settings,
)
from streaming_system.config.ini import load_app_settings, require
from streaming_system.config.worker_records import import_trigger_file
from streaming_system.net.page_events import PageEventPublisher
from streaming_system.plugin.feed import FeedError
from streaming_system.schedule.export import EXPORT_FORMATS, export_schedule
from streaming_system.schedule.export_talks import ExportSite
from streaming_system.schedule.storage import load_schedule
from streaming_system.schedule_import.importer import ImportedFeed, ImportFailedError
from streaming_system.schedule_import.poll import ConditionalFetcher, run_poll_loop
from streaming_system.util.file_watch import FileStat, FileWatch, stat_file
from streaming_system.util.log_once import LogOnce
from streaming_system.web.reloader import CHECK_INTERVAL, Reloader

log = logging.getLogger("streaming_system.schedule")

ACCEPT_SHRINK = click.option(
    "--accept-shrink",
    is_flag=True,
    help="Accept a schedule with less than half of the talks of the current one.",
)


@click.group()
def schedule() -> None:
    """Import, check, compare and export the schedule."""


for command in (
    check, diff, follow, check_plugin_command, formats, new_parser_command, recordings_command,
):  # fmt: skip
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

    The current schedule stays if a feed fails or has lost half of its talks. A change of the
    configuration starts a poll at once.
    """
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        target = Path(require(settings, "schedule.file"))
        options = feed_options(settings, load_config(settings).site)
        configurations = Reloader(partial(_load_conference, settings), "configuration")
    pages = PageEventPublisher(settings.get("push.url", ""))
    feeds = ConditionalFetcher(
        options.limits.max_download_bytes, options.limits.timeout, options.allowed_networks
    )
    request = ImportRequest(settings)
    imported: ConferenceConfig | None = None

    recordings = RecordingsUpdate(settings, LogOnce(log).warn)

    def poll() -> bool:
        succeeded = poll_feeds()
        # They appear long after the last change of the schedule.
        if target.exists() and recordings.run(configurations.value).has_changed:
            pages.publish("schedule")
            log.info("the recordings of talks have changed")
        return succeeded

    def poll_feeds() -> bool:
        nonlocal imported
        feeds.changed = False
        config = configurations.current()
        try:
            for source in {room.schedule for room in config.rooms.values()} - {""}:
                try:
                    feeds.fetch(source)
                except FeedError as error:
                    raise FeedError(f"{source}: {error}") from None
            if imported is config and not feeds.changed and not request.is_pending():
                return True
            record_plugins(settings, target)
            outcome = import_and_report(
                config,
                feed_options(settings, config.site),
                target,
                accept_shrink=accept_shrink,
                fetch=feeds.fetch,
            )
        except ImportFailedError as error:
            log.warning("%s", error)
            return False
        except FeedError as error:
            report_failure(error, target)
            log.warning("%s; %s", error, describe_remaining(target))
            return False
        imported = config
        for warning in outcome.warnings:
            log.warning("%s", warning)
        pages.publish("schedule")
        log.info("imported; %s changes", len(outcome.changes))
        return True

    logging.getLogger("streaming_system").setLevel(logging.INFO)

    def sleep(seconds: float) -> None:
        """Wait for the next poll, a change of the configuration, or a request of the crew."""
        end = time.monotonic() + seconds
        before = configurations.value
        while (rest := end - time.monotonic()) > 0 and configurations.current() is before:
            if request.has_arrived():
                return
            time.sleep(min(rest, CHECK_INTERVAL))

    run_poll_loop(poll, interval=interval, count=count, sleep=sleep)


def _load_conference(settings: Mapping[str, str], watch: FileWatch) -> ConferenceConfig:
    watch.add(*configuration_files(settings))
    return load_conference_from_settings(settings)


class ImportRequest:
    """The file with which the crew requests an import: it is touched."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._path = import_trigger_file(settings)
        self._stat = self._new_stat = self._stat_path()

    def has_arrived(self) -> bool:
        """Return whether there is a request that no import has served."""
        self._new_stat = self._stat_path()
        return self._new_stat != self._stat

    def is_pending(self) -> bool:
        """Return whether there is a request; the caller serves it."""
        is_pending = self.has_arrived()
        self._stat = self._new_stat
        return is_pending

    def _stat_path(self) -> FileStat:
        return stat_file(self._path) if self._path else None


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
    events = dict.fromkeys(room.conference for room in config.rooms.values())
    title = ", ".join(filter(None, events)) or config.default.title
    site = ExportSite(title=title, url=site_url.rstrip("/"))
    click.echo(export_schedule(current, config.rooms, site, format_), nl=False)
