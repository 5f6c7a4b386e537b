"""Validates the values in HLS playlists of other servers."""

import re
from datetime import UTC, datetime
from math import isfinite
from urllib.parse import urljoin, urlsplit

from streaming_system.util.foreign_json import MAX_YEAR, MIN_YEAR

MAX_TAG_CHARS = 2000
MAX_SEGMENT_SECONDS = 600.0
MAX_SEQUENCE = 2**53


def resolve_url(base_url: str, reference: str) -> str:
    """Return an absolute http or https URL; "" if it is none, or has unsafe characters."""
    try:
        url = urljoin(base_url, reference)
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        return ""
    return url if is_valid and len(url) <= MAX_TAG_CHARS and _is_clean_url(url) else ""


def _is_clean_url(url: str) -> bool:
    return url.isprintable() and not re.search(r'[\s"<>\\{}]', url)


def is_clean_tag(line: str) -> bool:
    """Return whether a tag can be repeated in a playlist."""
    return line.isprintable() and len(line) <= MAX_TAG_CHARS and not set(line) & set("{}<>")


def parse_duration(value: str) -> float | None:
    """Return the seconds of EXTINF; ``None`` if they are implausible."""
    try:
        seconds = float(value.partition(",")[0])
    except ValueError:
        return None
    return seconds if isfinite(seconds) and 0 < seconds <= MAX_SEGMENT_SECONDS else None


def parse_count(value: str) -> int:
    """Return a sequence number or a version; 0 if it is none."""
    is_number = value.isascii() and value.isdigit() and len(value) < len(str(MAX_SEQUENCE))
    return int(value) if is_number else 0


def parse_date_time(value: str) -> float | None:
    """Return a time in seconds since 1970; one without offset is in UTC."""
    try:
        time = datetime.fromisoformat(value.strip())
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return time.timestamp() if MIN_YEAR <= time.year <= MAX_YEAR else None
    except (ValueError, OverflowError):
        return None
