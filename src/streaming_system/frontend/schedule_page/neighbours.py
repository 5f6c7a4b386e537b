"""The talks before, after and beside a talk, for its page."""

from dataclasses import dataclass

from streaming_system.frontend.schedule_page.schedule_view import ScheduleEntry, ScheduleView

MAX_CONCURRENT_TALKS = 12


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """The talks around a talk.

    :param previous: the talk before it in its room, on the same day.
    :param next: the talk after it in its room, on the same day.
    :param concurrent: talks in other rooms at its time, those with the nearest start first, at most
        :data:`MAX_CONCURRENT_TALKS`, in order of time.
    """

    previous: ScheduleEntry | None
    next: ScheduleEntry | None
    concurrent: list[ScheduleEntry]


def find_neighbours(view: ScheduleView, entry: ScheduleEntry) -> Neighbours:
    """Return the neighbours of a talk of a view."""
    talk = entry.talk
    in_room = [other for other in view.entries if other.room.id == entry.room.id]
    number = in_room.index(entry)
    before, after = in_room[:number], in_room[number + 1 :]
    concurrent = [
        other
        for other in view.deduplicated
        if other.room.id != entry.room.id
        and other.talk.start < talk.end
        and other.talk.end > talk.start
        # The same talk, shown from another room.
        and (other.talk.start, other.talk.title) != (talk.start, talk.title)
    ]
    nearest = sorted(concurrent, key=lambda other: abs(other.talk.start - talk.start))
    return Neighbours(
        previous=before[-1] if before and before[-1].day == entry.day else None,
        next=after[0] if after and after[0].day == entry.day else None,
        concurrent=sorted(nearest[:MAX_CONCURRENT_TALKS], key=lambda other: other.talk.start),
    )
