"""A JSON list of talks with their recordings: ``index.json`` of C3VOC's relive system.

Each entry has ``id`` (the number of the talk in the feed) or ``guid``, a ``status``
(``not_running``, ``live``, ``recorded`` or ``released``), ``playlist`` or ``mp4`` (URLs relative to
the list), and perhaps ``release_url``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

from streaming_system.config.relive_types import MEDIA_TYPES
from streaming_system.frontend.relive.talk_playlist import MEDIA_TYPE
from streaming_system.schedule.model import Slot
from streaming_system.util.foreign_json import DocumentError
from streaming_system.util.json_object import FieldProblems, JsonObject
from streaming_system.util.sanitize import sanitise_url

MAX_TALKS = 20_000
_WITH_RECORDING = ("live", "recorded", "released")


@dataclass(frozen=True, kw_only=True)
class IndexedTalk:
    """The recording of a talk; its URL is "" if browsers cannot play it."""

    url: str
    mime_type: str
    release_url: str


@dataclass(frozen=True, kw_only=True)
class TalkIndex:
    """The talks of a list. Keys of several talks are left out."""

    by_guid: Mapping[str, IndexedTalk] = field(default_factory=dict)
    by_number: Mapping[int, IndexedTalk] = field(default_factory=dict)

    def find(self, talk: Slot) -> IndexedTalk | None:
        """Return the entry of a talk."""
        return self.by_guid.get(talk.guid.lower()) or self.by_number.get(talk.number)


def parse_index(base_url: str, document: Any, problems: FieldProblems) -> TalkIndex:
    """Return the talks.

    :raises DocumentError: if it is no list of talks.
    """
    if not isinstance(document, list):
        raise DocumentError("is no list of talks")
    if len(document) > MAX_TALKS:
        raise DocumentError(f"has more than {MAX_TALKS:,} talks")
    by_guid: dict[str, IndexedTalk | None] = {}
    by_number: dict[int, IndexedTalk | None] = {}
    for index, item in enumerate(document):
        entry = JsonObject(item, f"[{index}]", problems)
        if entry.get("status") not in _WITH_RECORDING:
            continue
        talk = _parse_talk(base_url, entry)
        number = entry.get("id")
        number = int(number) if isinstance(number, str) and _is_number(number) else number
        # Of two entries with one key, none is right for certain.
        if guid := entry.text("guid").lower():
            by_guid[guid] = None if guid in by_guid else talk
        if isinstance(number, int) and not isinstance(number, bool) and number > 0:
            by_number[number] = None if number in by_number else talk
    return TalkIndex(
        by_guid={key: talk for key, talk in by_guid.items() if talk},
        by_number={key: talk for key, talk in by_number.items() if talk},
    )


def _parse_talk(base_url: str, entry: JsonObject) -> IndexedTalk:
    candidates = (
        (_resolve(base_url, entry.text(key)), key == "playlist") for key in ("playlist", "mp4")
    )
    url, mime_type = next(
        (
            (url, kind)
            for url, is_playlist in candidates
            if url and (kind := MEDIA_TYPE if is_playlist else _media_type(url))
        ),
        ("", ""),
    )
    release_url = entry.text("release_url") if entry.get("status") == "released" else ""
    return IndexedTalk(url=url, mime_type=mime_type, release_url=_resolve(base_url, release_url))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 10


def _media_type(url: str) -> str:
    return MEDIA_TYPES.get(PurePosixPath(urlsplit(url).path).suffix.lower(), "")


def _resolve(base_url: str, reference: str) -> str:
    """Return an absolute URL; "" if it is unsafe or empty."""
    try:
        return sanitise_url(urljoin(base_url, reference)) if reference else ""
    except ValueError:
        return ""
