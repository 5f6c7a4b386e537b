"""The streams of a room apart from its own endpoints, and their times; used by both apps."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from streaming_system.config.model import Fallback, Room, TimedSource


class SourceTimeError(ValueError):
    """Invalid times of sources; the message follows the key.

    :ivar path: the index of the source, and perhaps the key of the time.
    """

    def __init__(self, number: int, key: str, message: str) -> None:
        location = f"source {number}" + (f", {key!r}" if key else "")
        super().__init__(f"{location}: {message}")
        self.path: tuple[str | int, ...] = (number - 1, *([key] if key else ()))


def resolve_source_times(
    sources: Sequence[TimedSource], zone: ZoneInfo | None
) -> tuple[TimedSource, ...]:
    """Return sources with times in UTC; times without offset are in ``zone``.

    :raises SourceTimeError: if times are not in order, overlap, or lack a time zone.
    """
    aware = tuple(
        replace(
            source,
            start=_to_utc(source.start, zone, number, "from"),
            until=_to_utc(source.until, zone, number, "until"),
        )
        for number, source in enumerate(sources, 1)
    )
    for number, source in enumerate(aware, 1):
        if source.start and source.until and source.until <= source.start:
            raise SourceTimeError(number, "until", "must be later than its 'from'")
    for number, (before, source) in enumerate(pairwise(aware), 2):
        if source.start is None:
            raise SourceTimeError(number, "", "lacks 'from'; only the first may omit it")
        if before.start and source.start <= before.start:
            raise SourceTimeError(
                number,
                "from",
                f"must be later than that of source {number - 1}; put them in chronological order",
            )
        if before.until and source.start < before.until:
            raise SourceTimeError(
                number,
                "from",
                f"overlaps source {number - 1}, which is on until {before.until:%Y-%m-%dT%H:%MZ}",
            )
    return aware


def _to_utc(time: datetime | None, zone: ZoneInfo | None, number: int, key: str) -> datetime | None:
    if time is None:
        return None
    if time.tzinfo is None:
        if zone is None:
            raise SourceTimeError(
                number,
                key,
                f"{time:%Y-%m-%dT%H:%M} has no offset, and the room no 'schedule-timezone'; "
                "add one of them",
            )
        time = time.replace(tzinfo=zone)
    return time.astimezone(UTC)


def active_source(room: Room, now: datetime) -> TimedSource | None:
    """Return the active source: until its end, or else until the next source starts.

    A closed room has none.
    """
    if room.closed:
        return None
    started = [source for source in room.sources if source.start is None or source.start <= now]
    if not started:
        return None
    last = started[-1]
    return last if last.until is None or now < last.until else None


def next_source_change(room: Room, now: datetime) -> datetime | None:
    """Return when the next source of the room starts, or the active one ends."""
    times = [time for source in room.sources for time in (source.start, source.until)]
    return min((time for time in times if time and time > now), default=None)


def active_fallbacks(room: Room, now: datetime) -> tuple[Fallback, ...]:
    """Return the fallbacks of the room's endpoints in order of preference.

    An active source is the only fallback while it lasts. A closed room has none.
    """
    if room.closed:
        return ()
    source = active_source(room, now)
    if source is not None:
        return (Fallback(kind=source.kind, value=source.value),)
    youtube = (Fallback(kind="youtube", value=room.youtube),) if room.youtube else ()
    return (*room.fallbacks, *youtube)


def is_served_by_endpoints(room: Room, now: datetime) -> bool:
    """Return whether viewers of the room are assigned to endpoints now."""
    return not room.closed and active_source(room, now) is None


def active_external_fallbacks(room: Room, now: datetime) -> tuple[Fallback, ...]:
    """Return the fallbacks that need no endpoint, in order of preference."""
    return tuple(fallback for fallback in active_fallbacks(room, now) if fallback.kind != "group")


def has_external_stream(room: Room, now: datetime) -> bool:
    """Return whether the room has a stream even if no endpoint serves it."""
    return bool(active_external_fallbacks(room, now))


def active_youtube_id(room: Room, now: datetime) -> str:
    """Return the id of the room's current YouTube video, even if endpoints serve the room."""
    if room.closed:
        return ""
    source = active_source(room, now)
    if source is not None:
        return source.value if source.kind == "youtube" else ""
    return room.youtube
