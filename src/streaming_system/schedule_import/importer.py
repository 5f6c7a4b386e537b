"""Imports the feeds of all rooms into the schedule file, or changes nothing if one fails."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.config import ConferenceConfig
from streaming_system.plugin.feed import FeedError
from streaming_system.plugin_host.manager import PluginError
from streaming_system.plugin_host.notifications import notify_schedule_changes
from streaming_system.schedule import storage
from streaming_system.schedule.diff import Change, diff_slots, summarize_schedule
from streaming_system.schedule.model import Schedule
from streaming_system.schedule.revisions import with_revisions
from streaming_system.schedule_import.compile import RoomFeed, ScheduleError, compile_schedule
from streaming_system.schedule_import.download import fetch_feed
from streaming_system.schedule_import.feed_reader import FeedReaderOptions, parse_feed
from streaming_system.schedule_import.pages import fetch_pages
from streaming_system.schedule_import.room_feeds import default_room_names, rooms_of_feed
from streaming_system.schedule_import.validate import ValidatedTalks

# An import that leaves fewer talks than this share of the current ones needs a confirmation.
MIN_SHARE_OF_TALKS = 0.5


class ImportFailedError(Exception):
    """The schedule is unchanged; the message is one line with the feed and the reason."""


@dataclass(frozen=True, kw_only=True)
class ImportedFeed:
    """The result of one feed.

    :param source: URL or path.
    :param format: name of the parser.
    :param rooms: ids of the rooms of this feed.
    """

    source: str
    format: str
    rooms: tuple[str, ...]
    validated: ValidatedTalks


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """The result of an import: all feeds, and the changes to the previous schedule.

    :param warnings: the rooms that got no talks, one line each.
    """

    feeds: tuple[ImportedFeed, ...]
    changes: tuple[Change, ...]
    warnings: tuple[str, ...] = ()


def import_schedule(
    config: ConferenceConfig,
    options: FeedReaderOptions,
    target: Path,
    *,
    now: datetime,
    accept_shrink: bool = False,
    fetch: Callable[[str], bytes] | None = None,
) -> ImportResult:
    """Import the feeds of all rooms, replace the schedule file, and notify plugins.

    A feed of several rooms is parsed once.

    :param target: the schedule file.
    :param now: time of the import (UTC).
    :param accept_shrink: accept a schedule with less than half of the current talks.
    :param fetch: returns the bytes of a feed; :func:`fetch_feed` by default.
    :raises ImportFailedError: if a step fails; the schedule file is unchanged.
    """
    fetch = fetch or partial(
        fetch_feed,
        max_bytes=options.limits.max_download_bytes,
        timeout=options.limits.timeout,
        allowed_networks=options.allowed_networks,
    )
    results, feeds = _parse_feeds(config, options, fetch)
    warnings: list[str] = []
    try:
        schedule = compile_schedule(
            config.rooms.values(), feeds, imported_at=now, warn=warnings.append
        )
        current = _without_replaced_sample(_load_current_schedule(target), schedule)
        schedule = with_revisions(schedule, current, now=now)
        before = summarize_schedule(current)
        after = summarize_schedule(schedule)
        if len(after) < len(before) * MIN_SHARE_OF_TALKS and not accept_shrink:
            raise ImportFailedError(
                f"the new schedule has {len(after)} talks, the one in service {len(before)}; "
                "if that is right, import it with --accept-shrink"
            )
        storage.save_schedule(schedule, target)
    except (ScheduleError, storage.ScheduleFileError) as error:
        raise ImportFailedError(str(error)) from error
    changes = diff_slots(before, after)
    zones = {room_id: room.timezone for room_id, room in schedule.rooms.items()}
    notify_schedule_changes(changes, zones, options.plugin_folder, options.limits)
    return ImportResult(feeds=tuple(results), changes=tuple(changes), warnings=tuple(warnings))


def _parse_feeds(
    config: ConferenceConfig, options: FeedReaderOptions, fetch: Callable[[str], bytes]
) -> tuple[list[ImportedFeed], dict[str, RoomFeed]]:
    """Return the parsed feeds, and the feed of each room by id."""
    rooms_by_feed: dict[tuple[str, ZoneInfo | None], list[str]] = {}
    for room in config.rooms.values():
        if room.schedule:
            rooms_by_feed.setdefault((room.schedule, room.schedule_timezone), []).append(room.id)
    if not rooms_by_feed:
        raise ImportFailedError("no room has a feed: set schedule-url, or schedule for a room")
    results: list[ImportedFeed] = []
    feeds: dict[str, RoomFeed] = {}
    downloads: dict[str, bytes] = {}
    for (source, zone), room_ids in rooms_by_feed.items():
        try:
            if source not in downloads:
                downloads[source] = fetch_pages(source, fetch, options.limits)
            default_rooms = default_room_names(rooms_of_feed(config, source))
            parsed = parse_feed(source, downloads[source], options, zone, default_rooms)
        except (FeedError, PluginError) as error:
            raise ImportFailedError(f"{source}: {error}") from error
        if parsed.is_sample and not options.allow_sample:
            raise ImportFailedError(describe_sample_feed(source))
        feed = RoomFeed(
            validated=parsed.validated, timezone=parsed.timezone, is_sample=parsed.is_sample
        )
        feeds.update(dict.fromkeys(room_ids, feed))
        results.append(
            ImportedFeed(
                source=source,
                format=parsed.format,
                rooms=tuple(room_ids),
                validated=parsed.validated,
            )
        )
    return results, feeds


def describe_sample_feed(source: str) -> str:
    """Return why production refuses a feed of made-up talks."""
    return (
        f"{source}: is the sample event, which is for trials; set the address of your event's feed "
        "in config.private.json (schedule-url, or schedule of a room)"
    )


def _without_replaced_sample(current: Schedule, schedule: Schedule) -> Schedule:
    """Return the current schedule without made-up talks that the new one does not have.

    They need no confirmation, and plugins need not report that they have vanished.
    """
    samples = {room_id for room_id, room in schedule.rooms.items() if room.is_sample}
    rooms = {
        room_id: room
        for room_id, room in current.rooms.items()
        if room_id in samples or not room.is_sample
    }
    return replace(current, rooms=rooms)


def _load_current_schedule(target: Path) -> Schedule:
    """Return the schedule in the file; an empty one if it is missing or invalid."""
    try:
        return storage.load_schedule(target)
    except storage.ScheduleFileError:
        return Schedule()
