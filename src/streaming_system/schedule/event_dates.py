"""When a conference begins and ends, by its schedule file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.schedule.days import main_zone
from streaming_system.schedule.model import Schedule
from streaming_system.schedule.storage import ScheduleFileError, load_schedule
from streaming_system.schedule.store import ScheduleStore
from streaming_system.util.file_watch import FileStat, stat_file

# A conference becomes an archive this long after its last talk.
ARCHIVE_DELAY = timedelta(days=1)
MAX_CACHED_DATES = 1024


@dataclass(frozen=True, kw_only=True)
class EventDates:
    """The start of the first talk and the end of the last one, in UTC.

    :param zone: the time zone of most talks.
    """

    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo

    def is_archive(self, now: datetime) -> bool:
        """Return whether the conference ended :data:`ARCHIVE_DELAY` ago."""
        return now >= self.ends_at + ARCHIVE_DELAY


def find_dates(schedule: Schedule) -> EventDates | None:
    """Return the dates of a schedule; ``None`` if it has no talks."""
    talks = [
        (slot, room.timezone)
        for room in schedule.rooms.values()
        for slot in room.slots
        if not slot.is_filler
    ]
    if not talks:
        return None
    return EventDates(
        starts_at=min(slot.start for slot, _ in talks),
        ends_at=max(slot.end for slot, _ in talks),
        zone=main_zone(zone for _, zone in talks),
    )


class ArchiveCheck:
    """Tells whether a conference is over, by its current schedule.

    :param clock: returns the current time.
    """

    def __init__(self, schedules: ScheduleStore, clock: Callable[[], datetime]) -> None:
        self._schedules, self._clock = schedules, clock
        self._dates: tuple[Schedule | None, EventDates | None] = None, None

    def __call__(self) -> bool:
        """Return whether the conference is an archive now."""
        schedule = self._schedules.current()
        if self._dates[0] is not schedule:
            self._dates = schedule, find_dates(schedule)
        dates = self._dates[1]
        return dates is not None and dates.is_archive(self._clock())


def load_dates(path: Path) -> EventDates | None:
    """Return the dates of a schedule file; ``None`` if it is missing, invalid, or has no talks.

    A file is loaded once until it changes, and only its dates stay in memory.
    """
    return _load_dates(path, stat_file(path))


@lru_cache(MAX_CACHED_DATES)
def _load_dates(path: Path, stat: FileStat) -> EventDates | None:
    try:
        return find_dates(load_schedule(path)) if stat else None
    except ScheduleFileError:
        return None
