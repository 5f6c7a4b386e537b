"""Imports the schedules of all rooms: all or nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.config import Config
from streaming_system.plugin.feed import FeedError
from streaming_system.plugin_host.manager import PluginError
from streaming_system.plugin_host.notifications import tell
from streaming_system.schedule import storage
from streaming_system.schedule.diff import Change, compare, of_schedule
from streaming_system.schedule.model import Schedule
from streaming_system.schedule_import.compile import RoomFeed, ScheduleError, compile_schedule
from streaming_system.schedule_import.download import fetch
from streaming_system.schedule_import.feed_reader import Reader, read
from streaming_system.schedule_import.validate import Checked


class ImportFailed(Exception):  # noqa: N818 - It reads as what happened.
    """No schedule was imported, with one line that names the feed and the reason."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What one feed gave.

    :param source: its address or path.
    :param format: the name of the parser that read it.
    :param rooms: the ids of the rooms that take their schedule from it.
    """

    source: str
    format: str
    rooms: tuple[str, ...]
    checked: Checked


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an import did: what each feed gave, and what is different from the schedule before."""

    feeds: tuple[Imported, ...]
    changes: tuple[Change, ...]


def import_schedule(
    config: Config,
    reader: Reader,
    target: Path,
    *,
    now: datetime,
    accept_shrink: bool = False,
    get: Callable[[str], bytes] | None = None,
) -> Outcome:
    """Read the feed of every room and replace the schedule file.

    A feed that several rooms share is read once.

    :param target: the schedule file.
    :param now: the moment of the import (UTC).
    :param accept_shrink: replace a schedule by one with less than half of its talks, too.
    :param get: how to get a feed's bytes; :func:`fetch`, unless said otherwise.
    :raises ImportFailed: if anything fails; the file at ``target`` is untouched then.
    """
    wanted: dict[tuple[str, ZoneInfo | None], list[str]] = {}
    for room in config.rooms.values():
        if room.schedule:
            wanted.setdefault((room.schedule, room.schedule_timezone), []).append(room.id)
    if not wanted:
        raise ImportFailed("no room has a feed: set schedule-url, or schedule for a room")
    get = get or partial(
        fetch,
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
            reading = read(source, downloads[source], reader, zone)
        except (FeedError, PluginError) as error:
            raise ImportFailed(f"{source}: {error}") from error
        feeds.update(dict.fromkeys(room_ids, RoomFeed(checked=reading.checked, zone=reading.zone)))
        results.append(
            Imported(
                source=source,
                format=reading.format,
                rooms=tuple(room_ids),
                checked=reading.checked,
            )
        )
    try:
        schedule = compile_schedule(config.rooms.values(), feeds, imported=now)
        before, after = of_schedule(_in_service(target)), of_schedule(schedule)
        if len(after) < len(before) / 2 and not accept_shrink:
            raise ImportFailed(
                f"the new schedule has {len(after)} talks, the one in service {len(before)}; "
                "if that is right, import it with --accept-shrink"
            )
        storage.write(schedule, target)
    except (ScheduleError, storage.ScheduleFileError) as error:
        raise ImportFailed(str(error)) from error
    changes = compare(before, after)
    zones = {room_id: room.timezone for room_id, room in schedule.rooms.items()}
    tell(changes, zones, reader.plugins, reader.limits)
    return Outcome(feeds=tuple(results), changes=tuple(changes))


def _in_service(target: Path) -> Schedule:
    """Return the schedule that is shown now; an empty one if there is none that can be read."""
    try:
        return storage.read(target)
    except storage.ScheduleFileError:
        return Schedule()
