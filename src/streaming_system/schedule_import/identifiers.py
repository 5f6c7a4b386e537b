"""Assigns the identifiers of the talks and speakers of a schedule that several feeds make up.

A feed whose guids or numbers mostly mean other talks in an earlier feed gets derived ones for all
of its talks. A decision for each talk would change when a talk of the other feed disappears.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from streaming_system.schedule.identity import (
    assign_numbers,
    is_global,
    make_unique,
    parse_number,
    speaker_key,
)
from streaming_system.schedule.model import Talk


@dataclass(frozen=True, kw_only=True)
class PlacedTalk:
    """A talk in one of the rooms that show it.

    :param feed: the position of its feed in the configuration.
    :param rank: the position of the room in the talk's list.
    :param relayed_from: as in :class:`~streaming_system.schedule.model.Slot`.
    """

    talk: Talk
    room_id: str
    feed: int
    rank: int = 0
    relayed_from: str = ""


@dataclass(frozen=True, kw_only=True)
class TalkIds:
    """The identifiers of a slot; ``speaker_ids`` has the order of the talk's speakers."""

    guid: str
    number: int
    speaker_ids: tuple[int, ...]


def assign_ids(placed: Sequence[PlacedTalk], feeds: Sequence[Sequence[Talk]]) -> list[TalkIds]:
    """Return the identifiers of each placed talk. Guids and numbers are unique.

    :param feeds: the talks of each feed, also those that no room shows.
    """
    guids = _assign_guids(placed, _find_clashes(feeds, _local_guids))
    numbers = _assign_talk_numbers(placed, guids, _find_clashes(feeds, _numbers))
    speakers = _assign_speaker_ids(placed, feeds)
    return [
        TalkIds(guid=guid, number=numbers[guid], speaker_ids=speaker_ids)
        for guid, speaker_ids in zip(guids, speakers, strict=True)
    ]


def _local_guids(talks: Iterable[Talk]) -> dict[Hashable, str]:
    return {talk.guid: talk.title for talk in talks if not is_global(talk.guid)}


def _numbers(talks: Iterable[Talk]) -> dict[Hashable, str]:
    return {talk.number: talk.title for talk in talks if talk.number is not None}


def _find_clashes(
    feeds: Sequence[Sequence[Talk]],
    identifiers: Callable[[Iterable[Talk]], Mapping[Hashable, str]],
) -> frozenset[int]:
    """Return the feeds that use the identifiers of an earlier one for something else.

    Feeds of the same event can differ in a few talks, so most of the shared ones decide.

    :param identifiers: returns what the identifiers of a feed stand for.
    """
    clashes = set()
    known: dict[Hashable, str] = {}
    for feed, talks in enumerate(feeds):
        own = identifiers(talks)
        shared = own.keys() & known.keys()
        if 2 * sum(own[key] != known[key] for key in shared) > len(shared):
            clashes.add(feed)
        else:
            known = {**own, **known}
    return frozenset(clashes)


def _assign_guids(placed: Sequence[PlacedTalk], clashes: frozenset[int]) -> list[str]:
    guids = [""] * len(placed)
    used: set[str] = set()
    for position in _main_rooms_first(placed):
        item = placed[position]
        guid = item.talk.guid
        if guid in used or (item.feed in clashes and not is_global(guid)):
            guid = make_unique(f"{guid}-{item.room_id}", used)
        used.add(guid)
        guids[position] = guid
    return guids


def _main_rooms_first(placed: Sequence[PlacedTalk]) -> list[int]:
    """Return the positions of talks, those in the first of their own rooms before the others.

    A talk has its own guid and number in its first room of the feed that is configured, never where
    it is relayed. The ids of rooms do not matter.
    """

    def sort_key(position: int) -> tuple[bool, int]:
        return bool(placed[position].relayed_from), placed[position].rank

    return sorted(range(len(placed)), key=sort_key)


def _assign_talk_numbers(
    placed: Sequence[PlacedTalk], guids: Sequence[str], clashes: frozenset[int]
) -> dict[str, int]:
    wanted: list[tuple[int, str, int | None]] = []
    numbered: set[tuple[int, str]] = set()
    for position in _main_rooms_first(placed):
        item = placed[position]
        own = (item.feed, item.talk.guid)
        number = None if item.feed in clashes or own in numbered else parse_number(item.talk.number)
        numbered.add(own)
        wanted.append((item.feed, guids[position], number))
    # In the order of guids, because a talk can move before another one.
    ordered = sorted(wanted, key=lambda talk: talk[:2])
    return assign_numbers((guid, number) for _, guid, number in ordered)


def _assign_speaker_ids(
    placed: Sequence[PlacedTalk], feeds: Sequence[Sequence[Talk]]
) -> list[tuple[int, ...]]:
    clashes = _find_clashes(feeds, _speaker_names)
    usable: list[Mapping[Hashable, str]] = [
        {} if feed in clashes else _speaker_names(talks) for feed, talks in enumerate(feeds)
    ]
    keys = [_speaker_keys(item.talk, usable[item.feed]) for item in placed]
    first_feeds: dict[str, int] = {}
    for item, talk_keys in zip(placed, keys, strict=True):
        for key in talk_keys:
            first_feeds[key] = min(item.feed, first_feeds.get(key, item.feed))
    ordered = sorted(first_feeds, key=lambda key: (first_feeds[key], key))
    numbers = assign_numbers((key, _number_of_key(key)) for key in ordered)
    return [tuple(numbers[key] for key in talk_keys) for talk_keys in keys]


def _speaker_names(talks: Iterable[Talk]) -> dict[Hashable, str]:
    """Return the speakers' names by the feed's identifiers.

    The identifiers of a feed that numbers the speakers of each talk from 1 are ignored. One that
    rarely has several names stands for one person with several spellings.
    """
    names: dict[Hashable, list[str]] = {}
    for talk in talks:
        for identifier, name in zip(talk.speaker_ids, talk.speakers, strict=False):
            if identifier:
                names.setdefault(identifier, []).append(name.casefold())
    repeated = [spellings for spellings in names.values() if len(spellings) > 1]
    if 2 * sum(len(set(spellings)) > 1 for spellings in repeated) > len(repeated):
        return {}
    return {identifier: spellings[0] for identifier, spellings in names.items()}


def _speaker_keys(talk: Talk, usable: Mapping[Hashable, str]) -> tuple[str, ...]:
    identifiers = talk.speaker_ids or ("",) * len(talk.speakers)
    return tuple(
        f"id:{identifier}" if identifier in usable else speaker_key(name)
        for identifier, name in zip(identifiers, talk.speakers, strict=True)
    )


def _number_of_key(key: str) -> int | None:
    kind, _, identifier = key.partition(":")
    return parse_number(identifier) if kind == "id" else None
