"""The commands that organisers live in: `streaming-system schedule …`."""

import dataclasses
import itertools
import json
import logging
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from streaming_system.cli.common import (
    DEFAULT_INI,
    feed_options,
    load_config,
    one_line_errors,
    progress,
)
from streaming_system.cli.schedule_follow import follow
from streaming_system.config.ini import load_app_settings, require
from streaming_system.net.page_events import PageEventPublisher
from streaming_system.plugin.feed import FeedError
from streaming_system.schedule.diff import (
    SlotSummary,
    diff_slots,
    summarize_schedule,
    summarize_talks,
)
from streaming_system.schedule.export import EXPORT_FORMATS, ExportSite, export_schedule
from streaming_system.schedule.model import Talk
from streaming_system.schedule.storage import ScheduleFileError
from streaming_system.schedule.storage import load_schedule as read_file
from streaming_system.schedule_import.authoring.conformance import check_plugin
from streaming_system.schedule_import.authoring.scaffold import ScaffoldError, scaffold_parser
from streaming_system.schedule_import.feed_reader import (
    FeedReaderOptions,
    ParsedFeed,
    fetch_and_parse,
)
from streaming_system.schedule_import.importer import (
    ImportedFeed,
    ImportFailedError,
    import_schedule,
)
from streaming_system.schedule_import.parsers import load_parsers
from streaming_system.schedule_import.poll import ConditionalFetcher, PollInterval, poll_feeds

log = logging.getLogger("streaming_system.schedule")

SHRINK_HELP = "Take a schedule that has less than half of the talks of the one in service."


class TimeZoneParam(click.ParamType[ZoneInfo]):
    """A time zone, by its name in the IANA database."""

    name = "zone"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        """Return the zone, or say that there is none of that name."""
        if isinstance(value, ZoneInfo):
            return value
        try:
            return ZoneInfo(value)
        except (ValueError, KeyError, OSError):
            self.fail(f"{value!r} is no time zone; use a name such as Europe/Berlin", param, ctx)


@click.group()
def schedule() -> None:
    """Import the programme of the event, check it, compare it."""


schedule.add_command(follow)


@schedule.command("import")
@click.option("--accept-shrink", is_flag=True, help=SHRINK_HELP)
@click.pass_obj
def import_command(ini: Path, accept_shrink: bool) -> None:
    """Read every room's feed and replace the schedule of the site.

    All or nothing: if any feed fails, the schedule in service stays as it is.
    """
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        target = Path(require(settings, "schedule.file"))
        config = load_config(settings)
        with progress("Reading the feeds"):
            outcome = import_schedule(
                config,
                feed_options(settings, config.site),
                target,
                now=datetime.now(UTC),
                accept_shrink=accept_shrink,
            )
            PageEventPublisher(settings.get("push.url", "")).publish("schedule")
    for result in outcome.feeds:
        _print_imported(result)
    click.echo(f"Wrote {target}")


@schedule.command("watch")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    help="How long to wait between two looks; a fifth more or less, and longer after failures.",
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N looks.")
@click.option("--accept-shrink", is_flag=True, help=SHRINK_HELP)
@click.pass_obj
def watch_command(ini: Path, interval: float, count: int | None, accept_shrink: bool) -> None:
    """Import again whenever a feed changes, and say what changed.

    A feed that cannot be read, or has suddenly lost half of its talks, changes nothing.
    """
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        target = Path(require(settings, "schedule.file"))
        config = load_config(settings)
        how = feed_options(settings, config.site)
    push = PageEventPublisher(settings.get("push.url", ""))
    feeds = ConditionalFetcher(how.limits.download, how.limits.seconds, how.networks)
    done = False

    def get(source: str) -> bytes:
        return feeds.fetch(source)

    def look() -> bool:
        nonlocal done
        feeds.changed = False
        try:
            for source in {room.schedule for room in config.rooms.values()} - {""}:
                feeds.fetch(source)
            if done and not feeds.changed:
                return True
            outcome = import_schedule(
                config, how, target, now=datetime.now(UTC), accept_shrink=accept_shrink, get=get
            )
        except (ImportFailedError, FeedError) as error:
            log.warning("%s; the schedule in service stays", error)
            return False
        done = True
        push.publish("schedule")
        log.info("imported; %s changes", len(outcome.changes))
        return True

    logging.getLogger("streaming_system").setLevel(logging.INFO)
    rounds = itertools.count() if count is None else iter(range(count))
    poll_feeds(look, PollInterval(interval=interval), time.sleep, rounds)


@schedule.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option(
    "--timezone", metavar="ZONE", type=TimeZoneParam(), help="The zone of times without offset."
)
@click.pass_obj
def diff(ini: Path, old: str, new: str, timezone: ZoneInfo | None) -> None:
    """Show what moved, appeared and vanished between two feeds, files or addresses.

    The schedule file of the site can stand for either.
    """
    with one_line_errors():
        how = _feed_options(ini)
        with progress(f"Reading {old} and {new}"):
            before, _ = _load_for_diff(old, how, timezone)
            after, zone = _load_for_diff(new, how, timezone)
    changes = diff_slots(before, after)
    colours = {"appeared": "green", "vanished": "red"}
    for change in changes:
        click.secho(change.line(timezone or zone), fg=colours.get(change.kind, "yellow"))
    click.echo(f"{len(changes)} changes" if changes else "No changes")


def _load_for_diff(
    source: str, how: FeedReaderOptions, timezone: ZoneInfo | None
) -> tuple[list[SlotSummary], ZoneInfo]:
    """Return the talks of a feed or of a schedule file, and the zone to show them in."""
    try:
        planned = read_file(Path(source))
    except ScheduleFileError:
        reading = fetch_and_parse(source, how, timezone)
        return summarize_talks(reading.checked.talks), reading.zone or ZoneInfo("UTC")
    zones = [room.timezone for room in planned.rooms.values()]
    return summarize_schedule(planned), zones[0] if zones else ZoneInfo("UTC")


def _print_imported(result: ImportedFeed) -> None:
    checked = result.checked
    click.echo(
        f"{result.source}: {result.format}, {len(checked.talks)} of {checked.entries} entries "
        f"for {', '.join(result.rooms)}"
    )
    for warning in checked.warnings:
        click.echo(f"  warning: {warning}", err=True)
    for skipped in checked.skipped:
        detail = f" ({skipped.detail})" if skipped.detail not in ("", skipped.reason) else ""
        click.echo(f"  left out: {skipped.where}: {skipped.title!r}: {skipped.reason}{detail}")


@schedule.command()
@click.argument("source", metavar="FILE_OR_URL")
@click.option("--format", "format_", metavar="NAME", default="", help="The parser to use.")
@click.option(
    "--timezone", metavar="ZONE", type=TimeZoneParam(), help="The zone of times without offset."
)
@click.option("--json", "as_json", is_flag=True, help="Print figures for programs.")
@click.pass_obj
def check(ini: Path, source: str, format_: str, timezone: ZoneInfo | None, as_json: bool) -> None:
    """Show what the site would make of a feed.

    Exit status 0: it can be used; 1: it is refused; 2: wrong usage.
    """
    with one_line_errors():
        how = _feed_options(ini, format_)
        with progress(f"Reading {source}"):
            reading = fetch_and_parse(source, how, timezone)
    if as_json:
        click.echo(json.dumps(feed_summary(reading), ensure_ascii=False, indent=1))
    else:
        _print_feed(reading, reading.zone or timezone or ZoneInfo("UTC"))


def _feed_options(ini: Path, format_: str = "") -> FeedReaderOptions:
    """Return how the ini says that feeds are read; without an ini, the built-in parsers read."""
    if not ini.is_file() and str(ini) == DEFAULT_INI:
        settings: Mapping[str, str] = {}
    else:
        settings = load_app_settings(ini, "frontend")
    site = load_config(settings).site if settings else None
    return dataclasses.replace(feed_options(settings, site), format=format_)


def feed_summary(reading: ParsedFeed) -> dict[str, Any]:
    """Return what a program may want to know of a feed."""
    checked = reading.checked
    talks = checked.talks
    minutes = sum(((talk.end - talk.start) for talk in talks), timedelta()) / timedelta(minutes=1)
    return {
        "format": reading.format,
        "entries": checked.entries,
        "imported_entries": len(talks),
        "events": sum(len(talk.rooms) for talk in talks),
        "rooms": len({room for talk in talks for room in talk.rooms}),
        "first_start": _format_utc(min(talk.start for talk in talks)),
        "last_end": _format_utc(max(talk.end for talk in talks)),
        "total_minutes": int(minutes) if minutes == int(minutes) else round(minutes, 2),
        "skipped": [
            {"reason": skipped.reason, "where": skipped.where, "title": skipped.title}
            for skipped in checked.skipped
        ],
        "warnings": list(checked.warnings),
    }


def _format_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print_feed(reading: ParsedFeed, zone: ZoneInfo) -> None:
    checked = reading.checked
    for warning in checked.warnings:
        click.secho(f"warning: {warning}", fg="yellow")
    for skipped in checked.skipped:
        detail = f" ({skipped.detail})" if skipped.detail not in ("", skipped.reason) else ""
        click.secho(
            f"left out: {skipped.where}: {skipped.title!r}: {skipped.reason}{detail}", fg="yellow"
        )
    days: dict[tuple[str, date], list[Talk]] = {}
    for talk in checked.talks:
        for room in talk.rooms:
            days.setdefault((room, talk.start.astimezone(zone).date()), []).append(talk)
    for (room, day), talks in sorted(days.items()):
        click.secho(f"\n{room}, {day:%A %d %B %Y}", bold=True)
        for talk in talks:
            start, end = talk.start.astimezone(zone), talk.end.astimezone(zone)
            who = f" ({', '.join(talk.speakers)})" if talk.speakers else ""
            refused = click.style("  not to be recorded", fg="red") if talk.do_not_record else ""
            click.echo(f"  {start:%H:%M}–{end:%H:%M}  {talk.title}{who}{refused}")
    known = feed_summary(reading)
    click.echo(
        f"\n{known['format']}: {known['imported_entries']} of {known['entries']} entries, "
        f"{known['events']} events in {known['rooms']} rooms, "
        f"{known['first_start']} to {known['last_end']}; times above are {zone.key}"
    )


@schedule.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(EXPORT_FORMATS)),
    required=True,
    help="What to write.",
)
@click.option("--url", metavar="URL", help="The site's address, for the links to its pages.")
@click.pass_obj
def export_command(ini: Path, form: str, url: str | None) -> None:
    """Write the schedule of the site to standard output, in a format that apps read."""
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        config = load_config(settings)
        path = Path(require(settings, "schedule.file"))
        planned = read_file(path)
    address = url or f"http://{settings.get('address', 'localhost')}"
    events = {room.conference for room in config.rooms.values()} - {""}
    site = ExportSite(
        title=", ".join(sorted(events)) or config.default.title, url=address.rstrip("/")
    )
    click.echo(export_schedule(planned, config.rooms, site, form), nl=False)


@schedule.command("new-parser")
@click.argument("name")
@click.pass_obj
def new_parser_command(ini: Path, name: str) -> None:
    """Write a plugin that works, with a sample and a test, into the plugins folder."""
    with one_line_errors():
        folder = _feed_options(ini).plugins or Path("plugins")
        try:
            paths = scaffold_parser(name, folder)
        except ScaffoldError as error:
            raise click.ClickException(str(error)) from None
    for path in paths:
        click.echo(f"Wrote {path}")
    click.echo(f"Now: streaming-system schedule check-plugin {paths[0]}")


@schedule.command("check-plugin")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
def check_plugin_command(path: Path) -> None:
    """Check that a parser plugin does what the site relies on.

    Its sample feeds lie beside it: NAME.sample.json for NAME.py.
    """
    good = True
    for finding in check_plugin(path):
        good = good and not finding.fault
        verdict = click.style(
            "FAILED" if finding.fault else "ok", fg="red" if finding.fault else "green"
        )
        click.echo(f"{verdict}  {finding.what}" + (f": {finding.fault}" if finding.fault else ""))
    if not good:
        raise click.exceptions.Exit(1)


@schedule.command()
@click.pass_obj
def formats(ini: Path) -> None:
    """List the formats that can be read, and where their parsers come from."""
    with one_line_errors():
        found = load_parsers(_feed_options(ini).plugins)
    width = max(len(name) for name in found)
    for name, entry in found.items():
        click.echo(f"{name:{width}}  {entry.parser.summary}  [{entry.origin}]")
