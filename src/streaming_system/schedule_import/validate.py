"""Validates and normalises the talks of a feed, independently of its format."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from streaming_system.plugin.context import ParseContext
from streaming_system.plugin.feed import FeedError
from streaming_system.plugin.feed_times import normalise_time
from streaming_system.plugin.skipped_entry import SkipEntryError, SkippedEntry
from streaming_system.schedule.identity import derive_guid, make_unique, parse_number
from streaming_system.schedule.model import Link, Talk
from streaming_system.util.sanitize import (
    sanitise_html,
    sanitise_identifier,
    sanitise_text,
    sanitise_url,
)

MAX_TALKS = 5000
MAX_ROOMS = 300
MAX_TALK_DURATION = timedelta(days=7)
# Exports of real events contain entries from other years.
MAX_DISTANCE_FROM_MEDIAN = timedelta(days=60)
UNTITLED = "Untitled"
MAX_NAME_CHARS = 200
MAX_LANGUAGE_CHARS = 35
MAX_TYPE_CHARS = 100
MAX_SPEAKERS = 100
MAX_LINKS = 100


@dataclass(frozen=True, kw_only=True)
class ValidatedTalks:
    """The valid talks of a feed: sanitised, in UTC, sorted by time.

    :param entries: number of entries in the feed.
    :param skipped: the entries that are left out, with reasons.
    :param warnings: problems that an organiser should know of.
    :param room_guids: the UUIDs that the feed has for its rooms, by name.
    """

    talks: tuple[Talk, ...]
    entries: int
    skipped: tuple[SkippedEntry, ...]
    warnings: tuple[str, ...]
    room_guids: Mapping[str, str] = field(default_factory=dict)


def validate_talks(
    talks: Iterable[Talk], context: ParseContext, default_rooms: Sequence[str] = ()
) -> ValidatedTalks:
    """Validate, normalise and deduplicate talks, and assign missing guids.

    :param context: the context of the parser; its reports are part of the result.
    :param default_rooms: possible names of the room of talks without one: the first that the feed
        names, else the first one; without any, such talks are skipped.
    :raises FeedError: if no talk is valid, or if there are too many talks or rooms.
    """
    valid: list[Talk] = []
    for count, talk in enumerate(talks, 1):
        if count > MAX_TALKS:
            raise FeedError(f"the feed lists more than {MAX_TALKS:,} talks")
        try:
            valid.append(_normalise_talk(talk, is_room_required=not default_rooms))
        except SkipEntryError as error:
            title = sanitise_text(talk.title)
            context.skip(error.reason, talk.feed_location, title, str(error))
    entries = len(valid) + len(context.skipped)
    valid = _place_in_default_room(valid, default_rooms)
    valid = _deduplicate(_drop_date_outliers(valid, context), context)
    if not valid:
        raise FeedError(_describe_no_usable_talks(entries, context))
    rooms = {room for talk in valid for room in talk.rooms}
    if len(rooms) > MAX_ROOMS:
        raise FeedError(f"the feed names {len(rooms):,} rooms; at most {MAX_ROOMS} are taken")
    valid = sorted(_assign_guids(valid, context), key=lambda talk: (talk.start, talk.end))
    _warn_about_overlaps(valid, context)
    _warn_about_similar_rooms(rooms, context)
    return ValidatedTalks(
        talks=tuple(valid),
        entries=entries,
        skipped=tuple(context.skipped),
        warnings=tuple(context.warnings),
        room_guids={
            sanitise_text(name, MAX_NAME_CHARS): guid for name, guid in context.room_guids.items()
        },
    )


def _place_in_default_room(talks: list[Talk], default_rooms: Sequence[str]) -> list[Talk]:
    rooms = {room for talk in talks for room in talk.rooms}
    name = next((name for name in default_rooms if name in rooms), "".join(default_rooms[:1]))
    return [talk if talk.rooms else replace(talk, rooms=(name,)) for talk in talks]


def _normalise_talk(talk: Talk, *, is_room_required: bool) -> Talk:
    if talk.start.tzinfo is None or talk.end.tzinfo is None:
        raise SkipEntryError("no-time", "a time without UTC offset")
    start, end = normalise_time(talk.start), normalise_time(talk.end)
    if end < start:
        raise SkipEntryError("ends-before-start")
    if end == start:
        raise SkipEntryError("zero-length")
    if end - start > MAX_TALK_DURATION:
        raise SkipEntryError("bad-value", f"lasts more than {MAX_TALK_DURATION.days} days")
    rooms = tuple(dict.fromkeys(_sanitise_names(talk.rooms)))
    if not rooms and is_room_required:
        raise SkipEntryError("no-room", "set schedule-room-default to the room of such talks")
    speakers, speaker_ids = _sanitise_speakers(talk)
    return replace(
        talk,
        rooms=rooms,
        start=start,
        end=end,
        title=sanitise_text(talk.title) or UNTITLED,
        subtitle=sanitise_text(talk.subtitle),
        abstract=sanitise_html(talk.abstract),
        url=sanitise_url(talk.url),
        guid=sanitise_identifier(talk.guid),
        number=parse_number(talk.number),
        speakers=speakers,
        speaker_ids=speaker_ids,
        track=sanitise_text(talk.track, MAX_NAME_CHARS),
        language=sanitise_text(talk.language, MAX_LANGUAGE_CHARS),
        talk_type=sanitise_text(talk.talk_type, MAX_TYPE_CHARS),
        recording_license=sanitise_text(talk.recording_license, MAX_NAME_CHARS),
        feedback_url=sanitise_url(talk.feedback_url),
        links=_sanitise_links(talk.links),
        attachments=_sanitise_links(talk.attachments),
    )


def _sanitise_names(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(filter(None, (sanitise_text(name, MAX_NAME_CHARS) for name in names)))


def _sanitise_speakers(talk: Talk) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names and identifiers of the speakers with a name.

    A plugin that changes the number of names invalidates the identifiers.
    """
    names = [sanitise_text(name, MAX_NAME_CHARS) for name in talk.speakers[:MAX_SPEAKERS]]
    if len(talk.speaker_ids) != len(talk.speakers):
        return tuple(filter(None, names)), ()
    people = [
        (name, sanitise_identifier(identifier))
        for name, identifier in zip(names, talk.speaker_ids, strict=False)
        if name
    ]
    return tuple(name for name, _ in people), tuple(identifier for _, identifier in people)


def _sanitise_links(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Return the links with a valid URL, each URL once; a title that repeats it is dropped."""
    valid: dict[str, Link] = {}
    for link in links[:MAX_LINKS]:
        if url := sanitise_url(link.url):
            title = sanitise_text(link.title, MAX_NAME_CHARS)
            valid.setdefault(url, Link(url=url, title="" if title == url else title))
    return tuple(valid.values())


def _drop_date_outliers(talks: list[Talk], context: ParseContext) -> list[Talk]:
    if len(talks) < 2:
        return talks
    # With two talks, the earlier one is more likely a remnant of the year before.
    median = statistics.median_high(talk.start for talk in talks)
    near = []
    for talk in talks:
        if abs(talk.start - median) > MAX_DISTANCE_FROM_MEDIAN:
            context.skip(
                "out-of-range",
                talk.feed_location,
                talk.title,
                f"{talk.start:%Y-%m-%d} is more than {MAX_DISTANCE_FROM_MEDIAN.days} days "
                f"from the middle of the event",
            )
        else:
            near.append(talk)
    return near


def _deduplicate(talks: list[Talk], context: ParseContext) -> list[Talk]:
    unique: dict[Talk, Talk] = {}
    for talk in talks:
        if unique.setdefault(replace(talk, feed_location=""), talk) is not talk:
            context.skip("duplicate", talk.feed_location, talk.title)
    return list(unique.values())


def _assign_guids(talks: list[Talk], context: ParseContext) -> list[Talk]:
    """Give each talk a unique guid that stays the same over imports.

    The first talk with a guid keeps it, and the start is appended for the others. The order of the
    talks in the feed does not matter.
    """
    groups: dict[str, list[Talk]] = {}
    for talk in talks:
        groups.setdefault(talk.guid or derive_guid(talk.title), []).append(talk)
    repeated = sum(len(group) > 1 for group in groups.values() if group[0].guid)
    if repeated:
        context.warn(f"{repeated} guids are used by more than one talk: made unique by start")
    used = set(groups)
    result = []
    for guid, group in groups.items():
        first, *others = sorted(group, key=lambda talk: (talk.start, talk.end, talk.rooms))
        result.append(replace(first, guid=guid))
        starts: Counter[str] = Counter()
        for talk in others:
            name = f"{guid}-{talk.start:%Y%m%dT%H%M}"
            starts[name] += 1
            unique = make_unique(name if starts[name] == 1 else f"{name}-{starts[name]}", used)
            used.add(unique)
            result.append(replace(talk, guid=unique))
    return result


def _warn_about_overlaps(talks: list[Talk], context: ParseContext) -> None:
    last: dict[str, Talk] = {}
    overlaps: Counter[str] = Counter()
    for talk in talks:
        for room in talk.rooms:
            before = last.get(room)
            if before is not None and before.end > talk.start:
                overlaps[room] += 1
            if before is None or talk.end > before.end:
                last[room] = talk
    for room, count in sorted(overlaps.items()):
        context.warn(f"{room}: {count} talks start before the one before them has ended")


def _warn_about_similar_rooms(rooms: set[str], context: ParseContext) -> None:
    alike: dict[str, list[str]] = {}
    for room in sorted(rooms):
        alike.setdefault(room.casefold(), []).append(room)
    for names in alike.values():
        if len(names) > 1:
            context.warn(f"rooms that differ in capitals only: {', '.join(names)}")


def _describe_no_usable_talks(entries: int, context: ParseContext) -> str:
    if not entries:
        return "the feed lists no talk at all"
    first = context.skipped[0]
    detail = f", {first.detail}" if first.detail and first.detail != first.reason else ""
    return (
        f"none of the {entries} entries can be used; the first, {first.location or 'somewhere'}: "
        f"{first.reason}{detail}"
    )
