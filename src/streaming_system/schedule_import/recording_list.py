"""Parses lists of recordings: media.ccc.de's API, playlists of YouTube, JSON and CSV files.

A list is untrusted: an entry without a safe link is left out and named.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from lxml import etree

from streaming_system.plugin.feed import FeedError
from streaming_system.util.foreign_json import (
    DocumentError,
    describe_foreign_content,
    parse_foreign_json,
)
from streaming_system.util.sanitize import sanitise_text, sanitise_url

MAX_ENTRIES = 20_000
MAX_KEY_CHARS = 300
_ATOM = "{http://www.w3.org/2005/Atom}"
_YOUTUBE = "{http://www.youtube.com/xml/schemas/2015}"
# The names of a column or key in other programs, by ours.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "url": ("url", "link", "recording", "video"),
    "guid": ("guid",),
    "talk_id": ("id", "talk", "talk_id", "talk-id"),
    "title": ("title", "name"),
}
_COLUMNS = "url, and guid, id or title"


@dataclass(frozen=True, kw_only=True)
class RecordingEntry:
    """An entry of a list; texts that it lacks are "".

    :param talk_id: the id of the talk on the site, or its number in the feed.
    :param talk_url: the page of the talk at the organiser's.
    :param slug: media.ccc.de's name of the recording.
    :param acronym: media.ccc.de's name of the event, with which slugs begin.
    :param title: of the recording.
    :param location: in the list, for messages.
    """

    url: str
    location: str
    guid: str = ""
    talk_id: str = ""
    talk_url: str = ""
    slug: str = ""
    acronym: str = ""
    title: str = ""

    def describe(self) -> str:
        """Return its place and what it calls its talk, for messages."""
        name = self.title or self.guid or self.talk_id or self.url
        return f"{self.location}: {name!r:.120}"


@dataclass(frozen=True, kw_only=True)
class RecordingList:
    """The entries of a list, and one line for each that has no safe link."""

    format: str
    entries: tuple[RecordingEntry, ...]
    problems: tuple[str, ...] = field(default=())


def parse_recording_list(data: bytes) -> RecordingList:
    """Return the entries of a list, whose format is detected.

    :raises FeedError: if it is none; the message is a predicate in one line.
    """
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"<":
        name, entries = "YouTube", _parse_atom(data)
    elif start in (b"{", b"["):
        name, entries = _parse_json(data)
    else:
        name, entries = "CSV", _parse_csv(data)
    entries = list(entries)
    if len(entries) > MAX_ENTRIES:
        raise FeedError(f"has more than {MAX_ENTRIES:,} recordings")
    # A link that needs a browser's account, or a script, is none.
    problems = [
        f"{entry.describe()}: its link is no http:// or https:// address: {entry.url!a:.80}"
        for entry in entries
        if not sanitise_url(entry.url)
    ]
    valid = tuple(entry for entry in entries if sanitise_url(entry.url))
    return RecordingList(format=name, entries=valid, problems=tuple(problems))


def _parse_atom(data: bytes) -> list[RecordingEntry]:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise FeedError(f"is no XML: {error!s:.100}") from None
    if root.tag != f"{_ATOM}feed":
        raise FeedError(f"is no list of recordings{describe_foreign_content(data)}")
    entries = []
    for number, element in enumerate(root.iterfind(f"{_ATOM}entry"), 1):
        video = (element.findtext(f"{_YOUTUBE}videoId") or "").strip()
        links = (
            link.get("href", "")
            for link in element.iterfind(f"{_ATOM}link")
            if link.get("rel", "alternate") == "alternate"
        )
        url = next(links, "")
        if not url and video:
            url = f"https://www.youtube.com/watch?v={quote(video, safe='')}"
        title = element.findtext(f"{_ATOM}title") or ""
        entries.append(
            RecordingEntry(url=url.strip(), title=_text(title), location=f"entry {number}")
        )
    return entries


def _parse_json(data: bytes) -> tuple[str, list[RecordingEntry]]:
    try:
        document = parse_foreign_json(data)
    except DocumentError as error:
        raise FeedError(str(error)) from None
    if isinstance(document, dict) and isinstance(document.get("events"), list):
        acronym = _text(document.get("acronym"))
        events = enumerate(document["events"], 1)
        return "media.ccc.de", [_media_event(event, number, acronym) for number, event in events]
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        return "YouTube", [_youtube_item(item, n) for n, item in enumerate(document["items"], 1)]
    if isinstance(document, list):
        items = enumerate(document, 1)
        return "JSON", [_plain_entry(item, f"entry {number}") for number, item in items]
    raise FeedError(
        "is no list of recordings; allowed: the JSON of a conference at media.ccc.de, of a YouTube "
        f"playlist, or a list of objects with {_COLUMNS}"
    )


def _media_event(item: Any, number: int, acronym: str) -> RecordingEntry:
    event = item if isinstance(item, dict) else {}
    return RecordingEntry(
        url=_text(event.get("frontend_link")),
        guid=_text(event.get("guid")),
        talk_url=_text(event.get("link")),
        slug=_text(event.get("slug")),
        acronym=acronym,
        title=_text(event.get("title")),
        location=f"event {number}",
    )


def _youtube_item(item: Any, number: int) -> RecordingEntry:
    """Return a video of the API's ``playlistItems``."""
    snippet = item.get("snippet") if isinstance(item, dict) else None
    snippet = snippet if isinstance(snippet, dict) else {}
    resource = snippet.get("resourceId")
    video = _text(resource.get("videoId")) if isinstance(resource, dict) else ""
    return RecordingEntry(
        url=f"https://www.youtube.com/watch?v={quote(video, safe='')}" if video else "",
        title=_text(snippet.get("title")),
        location=f"item {number}",
    )


def _plain_entry(item: Any, location: str) -> RecordingEntry:
    values = item if isinstance(item, dict) else {}
    values = {str(key).strip().casefold(): value for key, value in values.items()}
    texts = {
        name: next((text for alias in aliases if (text := _text(values.get(alias)))), "")
        for name, aliases in _ALIASES.items()
    }
    return RecordingEntry(location=location, **texts)


def _parse_csv(data: bytes) -> list[RecordingEntry]:
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        rows = list(_csv_rows(reader))
    except csv.Error as error:
        raise FeedError(f"is no CSV: {error!s:.100}") from None
    columns = {name.strip().casefold() for name in rows[0][1]} if rows else set()
    known = [name for name, aliases in _ALIASES.items() if columns & set(aliases)]
    if "url" not in known or len(known) < 2:
        raise FeedError(f"is no list of recordings: its first line needs the columns {_COLUMNS}")
    names = rows[0][1]
    return [
        _plain_entry(dict(zip(names, values, strict=False)), f"line {line}")
        for line, values in rows[1:]
    ]


def _csv_rows(reader: Any) -> Iterator[tuple[int, list[str]]]:
    for row in reader:
        if any(cell.strip() for cell in row):
            yield reader.line_num, row


def _text(value: Any) -> str:
    """Return a text or a whole number as one line; "" for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return str(value)
    if not isinstance(value, str):
        return ""
    # A link may be longer than a title; one that is cut would lead elsewhere.
    return sanitise_text(value, MAX_KEY_CHARS) if "://" not in value else value.strip()
