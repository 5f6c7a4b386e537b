"""Fetches the lists of recordings, and stores what they have beside the schedule."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from streaming_system.config import ConferenceConfig
from streaming_system.plugin.feed import FeedError
from streaming_system.schedule.model import Link, Schedule, Slot
from streaming_system.schedule.recordings import (
    Recordings,
    RecordingsFileError,
    load_recordings,
    recordings_file,
    save_recordings,
)
from streaming_system.schedule.storage import load_schedule
from streaming_system.schedule_import.recording_list import parse_recording_list
from streaming_system.schedule_import.recording_matching import match_recordings


class FetchedRecordings(NamedTuple):
    """The result of each list, and whether the stored recordings have changed."""

    results: "list[ListResult]"
    has_changed: bool


@dataclass(frozen=True, kw_only=True)
class ListResult:
    """The result of one list.

    :param error: why it cannot be used, in one line; its last recordings stay.
    :param matched: talks with a recording.
    :param unmatched: the entries without a talk, one line each.
    """

    source: str
    format: str = ""
    matched: int = 0
    unmatched: tuple[str, ...] = ()
    error: str = ""

    def describe(self) -> str:
        """Return the result in one line."""
        if self.error:
            return f"{self.source}: {self.error}; its last recordings stay"
        return (
            f"{self.source}: {self.format}, recordings of {self.matched} talks, "
            f"{len(self.unmatched)} entries without a talk"
        )


def fetch_recordings(
    config: ConferenceConfig,
    schedule_file: Path,
    fetch: Callable[[str], bytes],
    *,
    now: datetime,
) -> FetchedRecordings:
    """Fetch the lists of all rooms, and store the recordings of the talks in the schedule.

    Talks of a list that fails keep their last recordings, and so do talks that a list no longer
    has: an archive needs no other server.

    :param fetch: returns the bytes of a URL or path; it raises :class:`FeedError`.
    :param now: the time (UTC).
    :raises ScheduleFileError: if there is no schedule.
    :raises RecordingsFileError: if the recordings cannot be stored.
    """
    schedule = load_schedule(schedule_file)
    target = recordings_file(schedule_file)
    results: list[ListResult] = []
    talks: dict[str, tuple[Link, ...]] = {}
    for source, slots in _talks_by_list(config, schedule).items():
        try:
            entries = parse_recording_list(fetch(source))
        except FeedError as error:
            results.append(ListResult(source=source, error=" ".join(str(error).split())))
            continue
        matches = match_recordings(entries.entries, slots)
        for guid, links in matches.talks.items():
            talks[guid] = (*talks.get(guid, ()), *links)
        results.append(
            ListResult(
                source=source,
                format=entries.format,
                matched=len(matches.talks),
                unmatched=(*entries.problems, *matches.unmatched),
            )
        )
    stored = _load_previous(target)
    merged = {**stored.talks, **talks}
    has_changed = merged != stored.talks
    if has_changed:
        save_recordings(Recordings(talks=merged, fetched_at=now), target)
    return FetchedRecordings(results, has_changed)


def _load_previous(path: Path) -> Recordings:
    try:
        return load_recordings(path)
    except RecordingsFileError:
        # The file is written again from the lists.
        return Recordings()


def _talks_by_list(config: ConferenceConfig, schedule: Schedule) -> dict[str, list[Slot]]:
    """Return the talks of the rooms that use each list."""
    talks: dict[str, dict[str, Slot]] = {}
    for room in config.rooms.values():
        room_schedule = schedule.rooms.get(room.id)
        if room.recordings_list and room_schedule:
            of_list = talks.setdefault(room.recordings_list, {})
            of_list.update(
                (slot.guid, slot)
                for slot in room_schedule.slots
                if not slot.is_filler and not slot.relayed_from
            )
    return {source: list(slots.values()) for source, slots in talks.items()}
