"""`streaming-system schedule check` and `diff`: show feeds without importing them."""

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from streaming_system.cli.common import one_line_errors, progress
from streaming_system.cli.feed_site import FeedSite, load_feed_site
from streaming_system.plugin.feed import FeedError
from streaming_system.schedule.diff import (
    SlotSummary,
    diff_slots,
    summarize_schedule,
    summarize_talks,
)
from streaming_system.schedule.model import Schedule, Talk
from streaming_system.schedule.storage import ScheduleFileError, load_schedule
from streaming_system.schedule_import.feed_reader import ParsedFeed
from streaming_system.schedule_import.room_feeds import preview_schedule

CHANGE_COLOURS = {"appeared": "green", "vanished": "red"}


class TimeZoneParam(click.ParamType[ZoneInfo]):
    """The name of a time zone in the IANA database."""

    name = "zone"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ZoneInfo:
        """Return the time zone; fail if there is none of that name."""
        if isinstance(value, ZoneInfo):
            return value
        try:
            return ZoneInfo(value)
        except (ValueError, KeyError, OSError):
            self.fail(f"{value!r} is no time zone; use a name such as Europe/Berlin", param, ctx)


TIMEZONE = click.option(
    "--timezone", metavar="ZONE", type=TimeZoneParam(), help="Time zone of times without offset."
)


@click.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@TIMEZONE
@click.pass_obj
def diff(ini: Path, old: str, new: str, timezone: ZoneInfo | None) -> None:
    """Show talks that moved, appeared and vanished between two feeds.

    OLD and NEW are files or URLs of feeds, or the site's schedule file. With a schedule file, a
    feed is compared as the site would import it: in the configured rooms that use it.
    """
    with one_line_errors():
        site = load_feed_site(ini)
        with progress(f"Reading {old} and {new}"):
            before, after = (_load_source(source, site, timezone) for source in (old, new))
        match before, after:
            case Schedule(), ParsedFeed():
                before, after = _align(before, new, after, site)
            case ParsedFeed(), Schedule():
                after, before = _align(after, old, before, site)
    changes = diff_slots(_summarize(before), _summarize(after))
    zone = timezone or _display_zone(after) or _display_zone(before) or ZoneInfo("UTC")
    for change in changes:
        colour = CHANGE_COLOURS.get(change.kind, "yellow")
        click.secho(change.describe(zone), fg=colour)
    click.echo(f"{len(changes)} changes" if changes else "No changes")


def _load_source(source: str, site: FeedSite, timezone: ZoneInfo | None) -> Schedule | ParsedFeed:
    try:
        return load_schedule(Path(source))
    except ScheduleFileError:
        return site.fetch_and_parse(source, timezone)


def _align(
    schedule: Schedule, source: str, feed: ParsedFeed, site: FeedSite
) -> tuple[Schedule, Schedule]:
    """Return a schedule file and the schedule that a feed would give, both of the same rooms."""
    if site.config is None:
        raise FeedError(
            f"{source} can only be compared with a schedule file by the rooms of a configuration: "
            "name the ini file of the site by --config"
        )
    preview = preview_schedule(site.config, source, feed)
    rooms = {name: room for name, room in schedule.rooms.items() if name in preview.rooms}
    return dataclasses.replace(schedule, rooms=rooms), preview


def _summarize(source: Schedule | ParsedFeed) -> list[SlotSummary]:
    if isinstance(source, Schedule):
        return summarize_schedule(source)
    return summarize_talks(source.validated.talks)


def _display_zone(source: Schedule | ParsedFeed) -> ZoneInfo | None:
    if isinstance(source, Schedule):
        return next((room.timezone for room in source.rooms.values() if room.slots), None)
    return source.timezone


@click.command()
@click.argument("source", metavar="FILE_OR_URL")
@click.option("--format", "format_", metavar="NAME", default="", help="The parser.")
@TIMEZONE
@click.option("--json", "as_json", is_flag=True, help="Print a summary as JSON.")
@click.pass_obj
def check(ini: Path, source: str, format_: str, timezone: ZoneInfo | None, as_json: bool) -> None:
    """Show the talks that the site would import from a feed.

    Exit status 0: the feed is valid; 1: it is rejected; 2: wrong usage.
    """
    with one_line_errors():
        site = load_feed_site(ini)
        with progress(f"Reading {source}"):
            feed = site.fetch_and_parse(source, timezone, format_)
    if as_json:
        click.echo(json.dumps(feed_summary(feed), ensure_ascii=False, indent=1))
    else:
        _print_feed(feed, feed.timezone or timezone or ZoneInfo("UTC"))


def feed_summary(feed: ParsedFeed) -> dict[str, Any]:
    """Return the counts, times and warnings of a feed as JSON."""
    talks = feed.validated.talks
    minutes = sum(((talk.end - talk.start) for talk in talks), timedelta()) / timedelta(minutes=1)
    return {
        "format": feed.format,
        "entries": feed.validated.entries,
        "imported_entries": len(talks),
        "events": sum(len(talk.rooms) for talk in talks),
        "rooms": len({room for talk in talks for room in talk.rooms}),
        "first_start": _format_utc(min(talk.start for talk in talks)),
        "last_end": _format_utc(max(talk.end for talk in talks)),
        "total_minutes": int(minutes) if minutes == int(minutes) else round(minutes, 2),
        "skipped": [
            {"reason": skipped.reason, "where": skipped.location, "title": skipped.title}
            for skipped in feed.validated.skipped
        ],
        "warnings": list(feed.validated.warnings),
    }


def _format_utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _print_feed(feed: ParsedFeed, zone: ZoneInfo) -> None:
    for warning in feed.validated.warnings:
        click.secho(f"warning: {warning}", fg="yellow")
    for skipped in feed.validated.skipped:
        detail = f" ({skipped.detail})" if skipped.detail not in ("", skipped.reason) else ""
        click.secho(
            f"left out: {skipped.location}: {skipped.title!r}: {skipped.reason}{detail}",
            fg="yellow",
        )
    days: dict[tuple[str, date], list[Talk]] = {}
    for talk in feed.validated.talks:
        for room in talk.rooms:
            days.setdefault((room, talk.start.astimezone(zone).date()), []).append(talk)
    for (room, day), talks in sorted(days.items()):
        click.secho(f"\n{room}, {day:%A %d %B %Y}", bold=True)
        for talk in talks:
            click.echo(_format_talk(talk, zone))
    summary = feed_summary(feed)
    click.echo(
        f"\n{summary['format']}: {summary['imported_entries']} of {summary['entries']} entries, "
        f"{summary['events']} events in {summary['rooms']} rooms, "
        f"{summary['first_start']} to {summary['last_end']}; times above are {zone.key}"
    )


def _format_talk(talk: Talk, zone: ZoneInfo) -> str:
    start, end = talk.start.astimezone(zone), talk.end.astimezone(zone)
    speakers = f" ({', '.join(talk.speakers)})" if talk.speakers else ""
    note = click.style("  not to be recorded", fg="red") if talk.do_not_record else ""
    return f"  {start:%H:%M}–{end:%H:%M}  {talk.title}{speakers}{note}"
