"""Where a room can be watched besides its own endpoints, and when: the same for both apps."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from streaming_system.config.model import Fallback, Room, TimedSource


class SourceTimeError(ValueError):
    """Times of sources that cannot be: what is said after the key."""


def resolve_source_times(
    sources: Sequence[TimedSource], zone: ZoneInfo | None
) -> tuple[TimedSource, ...]:
    """Return sources with aware times; those without offset are of ``zone``.

    :raises SourceTimeError: if they are not in order, overlap, or lack a zone.
    """
    aware = tuple(
        replace(
            source,
            start=_to_utc(source.start, zone, f"source {number}, 'from'"),
            until=_to_utc(source.until, zone, f"source {number}, 'until'"),
        )
        for number, source in enumerate(sources, 1)
    )
    for number, source in enumerate(aware, 1):
        if source.start and source.until and source.until <= source.start:
            raise SourceTimeError(f"source {number}, 'until': must be later than its 'from'")
    for number, (before, source) in enumerate(pairwise(aware), 2):
        if source.start is None:
            raise SourceTimeError(f"source {number}: lacks 'from'; only the first may do without")
        if before.start and source.start <= before.start:
            raise SourceTimeError(
                f"source {number}, 'from': must be later than that of source {number - 1}; "
                "put them in order of time"
            )
        if before.until and source.start < before.until:
            raise SourceTimeError(
                f"source {number}, 'from': overlaps source {number - 1}, which is on until "
                f"{before.until:%Y-%m-%dT%H:%MZ}"
            )
    return aware


def _to_utc(moment: datetime | None, zone: ZoneInfo | None, place: str) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        if zone is None:
            raise SourceTimeError(
                f"{place}: {moment:%Y-%m-%dT%H:%M} has no offset, and the room no "
                "'schedule-timezone'; add one of them"
            )
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def active_source(room: Room, now: datetime) -> TimedSource | None:
    """Return the source with times that is on.

    It is on until it says, or else until the next one begins.
    """
    begun = [source for source in room.sources if source.start is None or source.start <= now]
    if not begun:
        return None
    last = begun[-1]
    return last if last.until is None or now < last.until else None


def next_source_change(room: Room, now: datetime) -> datetime | None:
    """Return when another source of the room begins, or the present one ends."""
    moments = [moment for source in room.sources for moment in (source.start, source.until)]
    return min((moment for moment in moments if moment and moment > now), default=None)


def active_fallbacks(room: Room, now: datetime) -> tuple[Fallback, ...]:
    """Return what stands in for the room's endpoints, in the order to be tried.

    A source with times that is on stands alone: nobody is sent anywhere else meanwhile.
    """
    on = active_source(room, now)
    if on is not None:
        return (Fallback(kind=on.kind, value=on.value),)
    own = (Fallback(kind="youtube", value=room.youtube),) if room.youtube else ()
    return (*room.fallbacks, *own)


def is_served_by_endpoints(room: Room, now: datetime) -> bool:
    """Tell whether viewers of a room are sent to endpoints at all."""
    return active_source(room, now) is None


def active_external_fallbacks(room: Room, now: datetime) -> tuple[Fallback, ...]:
    """Return where the room can be watched without any endpoint, in the order to be tried."""
    return tuple(place for place in active_fallbacks(room, now) if place.kind != "group")


def has_external_stream(room: Room, now: datetime) -> bool:
    """Tell whether a room can be watched though no endpoint serves it."""
    return bool(active_external_fallbacks(room, now))


def active_youtube_id(room: Room, now: datetime) -> str:
    """Return the id of the video that is what the room shows now, be there endpoints or not."""
    on = active_source(room, now)
    if on is not None:
        return on.value if on.kind == "youtube" else ""
    return room.youtube
