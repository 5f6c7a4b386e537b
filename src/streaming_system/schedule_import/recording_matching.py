"""Finds the talk of each recording. A recording that may belong to two talks gets none.

The rules, in this order; the first one that names a talk decides:

1. the guid of the talk,
2. its id on the site, or its number in the feed,
3. the address of its page at the organiser's,
4. media.ccc.de's slug: the name of the event, perhaps the number of the talk, and its title,
5. the title: equal apart from case, accents and punctuation,
6. a part of the title of the recording: between dashes, bars or colons.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from streaming_system.schedule.model import Link, Slot
from streaming_system.schedule.recordings import MAX_TITLE_CHARS
from streaming_system.schedule.site_links import talk_id
from streaming_system.schedule_import.recording_list import RecordingEntry
from streaming_system.util.sanitize import sanitise_text, sanitise_url

# Dashes count with spaces around them: "Open-source" is one word.
_SEPARATOR = re.compile(r"\s+[-\u2013\u2014\u2022]\s+|[\u2013\u2014]|\s*[|:\u2022]\s*")
MAX_PARTS = 12

Rule = Callable[[RecordingEntry], Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Matches:
    """The recordings of talks by guid, and one line for each entry without a talk."""

    talks: Mapping[str, tuple[Link, ...]]
    unmatched: tuple[str, ...]


def match_recordings(entries: Iterable[RecordingEntry], talks: Iterable[Slot]) -> Matches:
    """Return the recordings of talks.

    :param talks: those of the rooms that use the list, each guid once.
    """
    index = _TalkIndex(talks)
    by_talk: dict[str, list[tuple[RecordingEntry, bool]]] = defaultdict(list)
    unmatched: list[str] = []
    for entry in entries:
        matching, is_exact = index.find(entry)
        if len(matching) != 1:
            unmatched.append(f"{entry.describe()}: {_describe_candidates(matching)}")
        elif matching[0].do_not_record:
            unmatched.append(f"{entry.describe()}: its talk must not be recorded")
        else:
            by_talk[matching[0].guid].append((entry, is_exact))
    result: dict[str, tuple[Link, ...]] = {}
    for guid, candidates in by_talk.items():
        exact = [entry for entry, is_exact in candidates if is_exact]
        titled = [entry for entry, is_exact in candidates if not is_exact]
        # A list that names the talk is right about it; two equal titles are a coincidence.
        if exact:
            unmatched += [f"{entry.describe()}: its talk has another recording" for entry in titled]
        elif len({entry.url for entry in titled}) > 1:
            unmatched += [
                f"{entry.describe()}: {len(titled)} recordings have the title of one talk"
                for entry in titled
            ]
            continue
        result[guid] = _make_links(exact or titled)
    return Matches(talks=result, unmatched=tuple(unmatched))


def _make_links(entries: Iterable[RecordingEntry]) -> tuple[Link, ...]:
    entries = list({entry.url: entry for entry in entries}.values())
    # The title of a single one is that of the talk.
    has_titles = len(entries) > 1
    return tuple(
        Link(
            url=sanitise_url(entry.url),
            title=sanitise_text(entry.title, MAX_TITLE_CHARS) if has_titles else "",
        )
        for entry in entries
    )


def _describe_candidates(talks: Sequence[Slot]) -> str:
    if not talks:
        return "no talk matches"
    listed = ", ".join(f"{talk.title!r:.60} ({talk.guid:.60})" for talk in talks[:3])
    more = f" and {len(talks) - 3} more" if len(talks) > 3 else ""
    return f"may be one of {len(talks)} talks: {listed}{more}"


class _TalkIndex:
    """Talks by what recordings call them."""

    def __init__(self, talks: Iterable[Slot]) -> None:
        self._by_key: dict[tuple[str, str], list[Slot]] = defaultdict(list)
        for talk in talks:
            for key in set(_talk_keys(talk)):
                self._by_key[key].append(talk)

    def find(self, entry: RecordingEntry) -> tuple[list[Slot], bool]:
        """Return the talks of the first rule that finds any, and whether it is not the title."""
        for keys, is_exact in _entry_keys(entry):
            found = {talk.guid: talk for key in keys for talk in self._by_key.get(key, ())}
            if found:
                return list(found.values()), is_exact
        return [], False


def _talk_keys(talk: Slot) -> Iterator[tuple[str, str]]:
    yield "guid", talk.guid.lower()
    yield "id", talk_id(talk).lower()
    if talk.number:
        yield "id", str(talk.number)
    if talk.url:
        yield "url", normalise_url(talk.url)
    title = normalise_title(talk.title)
    if title:
        yield "title", title
        yield "slug", title
        if talk.number:
            yield "slug", f"{talk.number} {title}"


def _entry_keys(entry: RecordingEntry) -> Iterator[tuple[list[tuple[str, str]], bool]]:
    """Yield the keys of each rule, and whether it is exact."""
    if entry.guid:
        yield [("guid", entry.guid.lower())], True
    if entry.talk_id:
        yield [("id", entry.talk_id.lower())], True
    if entry.talk_url:
        yield [("url", normalise_url(entry.talk_url))], True
    if entry.slug:
        slug = normalise_title(entry.slug)
        acronym = normalise_title(entry.acronym)
        yield [("slug", slug.removeprefix(f"{acronym} ") if acronym else slug)], True
    title = normalise_title(entry.title)
    if title:
        yield [("title", title)], False
        yield [("title", part) for part in _title_parts(entry.title)], False


def _title_parts(title: str) -> Iterator[str]:
    """Yield each run of neighbouring parts of a title."""
    parts = [normalise_title(part) for part in _SEPARATOR.split(title)][:MAX_PARTS]
    for start in range(len(parts)):
        for end in range(start + 1, len(parts) + 1):
            if run := " ".join(filter(None, parts[start:end])):
                yield run


def normalise_title(title: str) -> str:
    """Return the words of a title in lower case, without accents and punctuation."""
    decomposed = unicodedata.normalize("NFKD", title.casefold())
    letters = "".join(each for each in decomposed if not unicodedata.combining(each))
    return " ".join(re.findall(r"\w+", letters.replace("_", " ")))


def normalise_url(url: str) -> str:
    """Return the host, path and query of a URL, without what differs between equal ones."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return url
    return f"{host}{parts.path.rstrip('/').removesuffix('.html')}?{parts.query}"
