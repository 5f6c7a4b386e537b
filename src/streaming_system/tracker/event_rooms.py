"""The rooms and schedules of all conferences of a site, as the tracker knows them.

A room of a conference has an id of its own here (:func:`room_prefix`), so rooms with the same id in
two conferences stay apart. Archives are left out.
"""

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from streaming_system.config import (
    ConferenceConfig,
    ConfigError,
    check_configuration,
    configuration_files,
)
from streaming_system.config.events import (
    CONFIG_NAME,
    event_settings,
    events_folder,
    find_name_problem,
    list_events,
    qualify_rooms,
    room_prefix,
)
from streaming_system.schedule.event_dates import load_dates
from streaming_system.schedule.model import RoomSchedule, Schedule
from streaming_system.schedule.store import ScheduleStore
from streaming_system.util.file_watch import FileWatch
from streaming_system.util.log_once import LogOnce

log = logging.getLogger(__name__)

SCAN_INTERVAL = 2.0  # seconds


@dataclass(frozen=True, kw_only=True)
class EventMount:
    """Where the pages have a room: their path, and the id of the room there."""

    path: str
    room: str


def event_mount(settings: Mapping[str, Any], room: str) -> EventMount:
    """Return where the pages have a room of the tracker."""
    for name in list_events(settings) if "__" in room else ():
        prefix = room_prefix(name)
        if room.startswith(prefix):
            return EventMount(path=f"/{name}", room=room.removeprefix(prefix))
    return EventMount(path="", room=room)


class EventRooms:
    """Adds the rooms of the conferences to the configuration of the site.

    While the configuration of a conference is invalid, its last valid version applies.
    """

    def __init__(self) -> None:
        self._valid: dict[str, ConferenceConfig] = {}
        self._problems = LogOnce(log)

    def add_to(
        self, site: ConferenceConfig, settings: Mapping[str, Any], watch: FileWatch
    ) -> ConferenceConfig:
        """Return the configuration of the site with the rooms and groups of all conferences.

        :param watch: gets the files.
        """
        folder = events_folder(settings)
        if folder is None:
            return site
        watch.add_pattern(folder, f"*/{CONFIG_NAME}")
        rooms, groups = dict(site.rooms), list(site.site.groups)
        for name in list_events(settings):
            conference = self._load(name, settings, watch)
            if conference is None or find_name_problem(name, site.rooms):
                continue
            qualified = qualify_rooms(conference, name)
            rooms = qualified | rooms if qualified.keys() & rooms.keys() else rooms | qualified
            groups += [f"{room_prefix(name)}{group}" for group in conference.site.groups]
        return replace(site, rooms=rooms, site=replace(site.site, groups=tuple(groups)))

    def _load(
        self, name: str, settings: Mapping[str, Any], watch: FileWatch
    ) -> ConferenceConfig | None:
        try:
            derived = event_settings(settings, name)
        except ConfigError:
            # It has just been removed.
            return None
        schedule = Path(derived["schedule.file"])
        dates = load_dates(schedule)
        if dates and dates.is_archive(datetime.now(UTC)):
            # A new schedule may revive it.
            watch.add(schedule)
            return None
        watch.add(*configuration_files(derived))
        try:
            self._valid[name] = check_configuration(derived).require()
            self._problems.resolve(name)
        except ConfigError as error:
            self._problems.warn(
                name, f"{' '.join(str(error).split())}; the configuration before applies"
            )
        return self._valid.get(name)


class SiteSchedules:
    """The schedules of the site and of its conferences, by the ids of rooms in the tracker.

    :ivar path: the schedule file of the site itself.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any]) -> None:
        self.path = path
        self._settings = settings
        self._site = ScheduleStore(path)
        self._stores: dict[str, ScheduleStore] = {}
        self._scanned_at = float("-inf")
        self._lock = threading.Lock()
        self._merged: tuple[tuple[Schedule, ...], Schedule] = (), Schedule()

    def current(self) -> Schedule:
        """Return the latest schedules; the same object until one changes."""
        if events_folder(self._settings) is None:
            return self._site.current()
        with self._lock:
            self._scan()
            stores = {"": self._site, **self._stores}
            parts = tuple(store.current() for store in stores.values())
            known = self._merged[0]
            if len(parts) != len(known) or any(
                one is not other for one, other in zip(parts, known, strict=True)
            ):
                self._merged = parts, _merge(dict(zip(stores, parts, strict=True)))
            return self._merged[1]

    def _scan(self) -> None:
        if time.monotonic() - self._scanned_at < SCAN_INTERVAL:
            return
        self._scanned_at = time.monotonic()
        now = datetime.now(UTC)
        folder = events_folder(self._settings) or Path()
        paths = {name: folder / name / "var/schedule.json" for name in list_events(self._settings)}
        self._stores = {
            name: self._stores.get(name) or ScheduleStore(path)
            for name, path in paths.items()
            if (dates := load_dates(path)) and not dates.is_archive(now)
        }


def _merge(schedules: Mapping[str, Schedule]) -> Schedule:
    rooms: dict[str, RoomSchedule] = {
        f"{room_prefix(name)}{room}": schedule
        for name, each in reversed(list(schedules.items()))
        for room, schedule in each.rooms.items()
    }
    return Schedule(rooms=rooms, imported_at=schedules[""].imported_at)
