"""Imports the schedules of all rooms: all or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
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
from streaming_system.schedule_import.compile import RoomFeed, ScheduleError, compile_schedule
from streaming_system.schedule_import.download import fetch_feed
from streaming_system.schedule_import.feed_reader import FeedReaderOptions, parse_feed
from streaming_system.schedule_import.validate import ValidatedTalks


class ImportFailedError(Exception):
    """No schedule was imported, with one line that names the feed and the reason."""


@dataclass(frozen=True, kw_only=True)
class ImportedFeed:
    """What one feed gave.

    :param source: its address or path.
    :param format: the name of the parser that read it.
    :param rooms: the ids of the rooms that take their schedule from it.
    """

    source: str
    format: str
    rooms: tuple[str, ...]
    checked: ValidatedTalks


@dataclass(frozen=True, kw_only=True)
class ImportResult:
    """What an import did: what each feed gave, and what is different from the schedule before."""

    feeds: tuple[ImportedFeed, ...]
    changes: tuple[Change, ...]


def import_schedule(
    config: ConferenceConfig,
    reader: FeedReaderOptions,
    target: Path,
    *,
    now: datetime,
    accept_shrink: bool = False,
    get: Callable[[str], bytes] | None = None,
) -> ImportResult:
    """Read the feed of every room and replace the schedule file.

    A feed that several rooms share is read once.

    :param target: the schedule file.
    :param now: the moment of the import (UTC).
    :param accept_shrink: replace a schedule by one with less than half of its talks, too.
    :param get: how to get a feed's bytes; :func:`fetch_feed`, unless said otherwise.
    :raises ImportFailed: if anything fails; the file at ``target`` is untouched then.
    """
    wanted: dict[tuple[str, ZoneInfo | None], list[str]] = {}
    for room in config.rooms.values():
        if room.schedule:
            wanted.setdefault((room.schedule, room.schedule_timezone), []).append(room.id)
    if not wanted:
        raise ImportFailedError("no room has a feed: set schedule-url, or schedule for a room")
    get = get or partial(
        fetch_feed,
        limit=reader.limits.download,
        seconds=reader.limits.seconds,
        networks=reader.networks,
    )
    feeds: dict[str, RoomFeed] = {}
    results = []
    downloads: dict[str, bytes] = {}
    for (source, zone), room_ids in wanted.items():
        try:
            if source not in downloads:
                downloads[source] = get(source)
            reading = parse_feed(source, downloads[source], reader, zone)
        except (FeedError, PluginError) as error:
            raise ImportFailedError(f"{source}: {error}") from error
        feeds.update(dict.fromkeys(room_ids, RoomFeed(checked=reading.checked, zone=reading.zone)))
        results.append(
            ImportedFeed(
                source=source,
                format=reading.format,
                rooms=tuple(room_ids),
                checked=reading.checked,
            )
        )
    try:
        schedule = compile_schedule(config.rooms.values(), feeds, imported=now)
        before, after = (
            summarize_schedule(_load_current_schedule(target)),
            summarize_schedule(schedule),
        )
        if len(after) < len(before) / 2 and not accept_shrink:
            raise ImportFailedError(
                f"the new schedule has {len(after)} talks, the one in service {len(before)}; "
                "if that is right, import it with --accept-shrink"
            )
        storage.save_schedule(schedule, target)
    except (ScheduleError, storage.ScheduleFileError) as error:
        raise ImportFailedError(str(error)) from error
    changes = diff_slots(before, after)
    zones = {room_id: room.timezone for room_id, room in schedule.rooms.items()}
    notify_schedule_changes(changes, zones, reader.plugins, reader.limits)
    return ImportResult(feeds=tuple(results), changes=tuple(changes))


def _load_current_schedule(target: Path) -> Schedule:
    """Return the schedule that is shown now; an empty one if there is none that can be read."""
    try:
        return storage.load_schedule(target)
    except storage.ScheduleFileError:
        return Schedule()
