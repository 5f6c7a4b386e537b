"""The schedule of a large event."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule


def write_talks(path: Path, rooms: Iterable[str], *, length: timedelta, numbers: range) -> None:
    """Write consecutive talks in each room; number 0 starts with the current hour."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    schedules = {
        room: RoomSchedule(
            timezone=ZoneInfo("Europe/Berlin"),
            slots=tuple(
                Slot(
                    start=now + length * number,
                    end=now + length * (number + 1),
                    title=f"Talk {number} about a subject that takes a line",
                    abstract="<p>" + "words " * 80 + "</p>",
                    guid=f"{room}-{number}",
                    speakers=("Ada Lovelace", "Grace Hopper"),
                )
                for number in numbers
            ),
        )
        for room in rooms
    }
    save_schedule(Schedule(rooms=schedules, imported_at=now), path)
