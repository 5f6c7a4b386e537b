"""The published recordings of talks: a JSON file beside the schedule file.

``{"version": 1, "fetched": TIME, "talks": {GUID: [{"url": URL, "title": TEXT}]}}``. It stays when a
source disappears, so that an archive needs no other server.
"""

import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streaming_system.schedule.model import Link, Slot
from streaming_system.util.atomic_write import atomic_write
from streaming_system.util.file_watch import FileStat, stat_file
from streaming_system.util.private_files import FILE_MODE, make_private_folder
from streaming_system.util.sanitize import sanitise_text, sanitise_url

log = logging.getLogger(__name__)

FORMAT_VERSION = 1
MAX_TITLE_CHARS = 200

# Words in the titles of a feed's links to recordings, and in those to something else.
_RECORDING_WORD = re.compile(
    r"\b(?:recordings?|aufzeichnung(?:en)?|mitschnitte?|grabaci(?:ó|o)n(?:es)?|enregistrements?)\b"
    # With other words, a video is often about the subject.
    r"|^\s*(?:videos?|vidéos?)\s*(?:\([^()]*\)\s*)?$",
    re.IGNORECASE,
)
_OTHER_WORD = re.compile(r"\b(?:live|livestream|stream|trailer|teaser)\b", re.IGNORECASE)


class RecordingsFileError(Exception):
    """The file cannot be loaded or saved; the message is one line."""


@dataclass(frozen=True, kw_only=True)
class Recordings:
    """The recordings of talks by guid, and the time of the last change (UTC)."""

    talks: Mapping[str, tuple[Link, ...]] = field(default_factory=dict)
    fetched_at: datetime | None = None


def recordings_file(schedule_file: Path) -> Path:
    """Return the file of the recordings of a schedule."""
    return schedule_file.with_name(f"{schedule_file.stem}-recordings.json")


def load_recordings(path: Path) -> Recordings:
    """Load a file; no recordings if there is none.

    :raises RecordingsFileError: if it is invalid.
    """
    try:
        return _deserialize(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Recordings()
    except OSError as error:
        raise RecordingsFileError(f"{path}: cannot be read: {error.strerror}") from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError):
        raise RecordingsFileError(
            f"{path}: is no list of recordings; fetch it again: "
            "streaming-system schedule recordings"
        ) from None


def _deserialize(document: Any) -> Recordings:
    if document["version"] != FORMAT_VERSION:
        raise ValueError("another version")
    fetched = document["fetched"]
    talks = {
        guid: tuple(links)
        for guid, items in document["talks"].items()
        if (links := list(_deserialize_links(items)))
    }
    return Recordings(
        talks=talks, fetched_at=datetime.fromisoformat(fetched).astimezone(UTC) if fetched else None
    )


def _deserialize_links(items: Any) -> Iterator[Link]:
    for item in items:
        # An administrator may have edited the file.
        if url := sanitise_url(item["url"]):
            yield Link(url=url, title=sanitise_text(item["title"], MAX_TITLE_CHARS))


def save_recordings(recordings: Recordings, path: Path) -> None:
    """Replace a file atomically.

    :raises RecordingsFileError: if it cannot be written; the old file is unchanged.
    """
    fetched = recordings.fetched_at
    document = {
        "version": FORMAT_VERSION,
        "fetched": fetched.astimezone(UTC).isoformat().replace("+00:00", "Z") if fetched else None,
        "talks": {
            guid: [{"url": link.url, "title": link.title} for link in links]
            for guid, links in recordings.talks.items()
        },
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    try:
        make_private_folder(path.parent)
        with atomic_write(path, mode=FILE_MODE) as file:
            file.write(text.encode())
    except OSError as error:
        raise RecordingsFileError(f"{path}: cannot be written: {error.strerror}") from None


class RecordingsStore:
    """The cached file. While a new one is invalid, the previous recordings stay. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stat: FileStat | str = "never loaded"
        self._recordings = Recordings()

    def current(self) -> Recordings:
        """Return the latest recordings."""
        stat = stat_file(self._path)
        with self._lock:
            if stat != self._stat:
                self._stat = stat
                try:
                    self._recordings = load_recordings(self._path)
                except RecordingsFileError as error:
                    log.warning("%s; the previous recordings stay in service", error)
            return self._recordings


def feed_recordings(talk: Slot) -> tuple[Link, ...]:
    """Return the links of a feed that lead to the recording of a talk.

    Those are links with a title such as "Video recording", and pages of recordings on
    media.ccc.de.
    """
    return tuple(link for link in (*talk.links, *talk.attachments) if _is_recording(link))


def _is_recording(link: Link) -> bool:
    parts = urlsplit(link.url)
    if parts.hostname == "media.ccc.de" and parts.path.startswith("/v/"):
        return True
    return bool(_RECORDING_WORD.search(link.title)) and not _OTHER_WORD.search(link.title)
