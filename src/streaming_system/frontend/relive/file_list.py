"""A list of files as nginx writes it (``autoindex_format json``), with times in their names."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote, urljoin

from streaming_system.config import ReliveSource
from streaming_system.config.relive_types import MEDIA_TYPES
from streaming_system.frontend.relive.talk_recording import Span
from streaming_system.util.file_name_times import FileNamePattern
from streaming_system.util.foreign_json import DocumentError
from streaming_system.util.json_object import FieldProblems

MAX_FILES = 50_000
MAX_FILE_SECONDS = 2 * 86400.0


@dataclass(frozen=True, kw_only=True)
class MediaFile:
    """A recording; ``span`` is the time that it covers by its own clock."""

    url: str
    mime_type: str
    span: Span


def parse_file_list(
    config: ReliveSource, document: Any, problems: FieldProblems
) -> list[MediaFile]:
    """Return the files whose names match, in the order of their start.

    A file ends when it was last modified, or when the next one starts.

    :raises DocumentError: if it is no list of files.
    """
    if not isinstance(document, list):
        raise DocumentError("is no list of files; nginx writes one with autoindex_format json")
    if len(document) > MAX_FILES:
        raise DocumentError(f"has more than {MAX_FILES:,} files")
    pattern = FileNamePattern(config.names)
    files: list[MediaFile] = []
    for item in document:
        entry = item if isinstance(item, dict) else {}
        name, modified = entry.get("name"), _parse_http_date(entry.get("mtime"))
        if not isinstance(name, str) or entry.get("type", "file") != "file":
            continue
        start = pattern.parse_start(name, config.timezone, latest=modified)
        if start is None:
            continue
        if modified is None or not 0 < (modified - start).total_seconds() <= MAX_FILE_SECONDS:
            problems.add(
                f"{name!a:.100}", "was not modified after its start, so its end is unknown"
            )
            continue
        files.append(
            MediaFile(
                # A name with a colon is no scheme.
                url=urljoin(config.url, quote(name, safe="")),
                mime_type=MEDIA_TYPES[PurePosixPath(name).suffix.lower()],
                span=Span(start.timestamp(), modified.timestamp()),
            )
        )
    return sorted(files, key=lambda file: (file.span, file.url))


def _parse_http_date(value: Any) -> datetime | None:
    try:
        time = parsedate_to_datetime(value)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError, IndexError, AttributeError):
        return None
