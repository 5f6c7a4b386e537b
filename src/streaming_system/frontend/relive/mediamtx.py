"""The playback server of MediaMTX (``/list`` and ``/get``)."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from streaming_system.frontend.relive.talk_recording import Span, merge_spans
from streaming_system.util.foreign_json import (
    DocumentError,
    describe_json_value,
    parse_number,
    parse_timestamp,
)
from streaming_system.util.json_object import FieldProblems

MAX_SPAN_SECONDS = 31 * 86400.0
MAX_SPANS = 20_000


def list_url(base_url: str, path: str) -> str:
    """Return the URL of the list of recordings of a stream."""
    return f"{base_url.rstrip('/')}/list?{urlencode({'path': path})}"


def get_url(base_url: str, path: str, span: Span) -> str:
    """Return the URL of a recording of some time."""
    query = {
        "path": path,
        "start": datetime.fromtimestamp(span.start, UTC).isoformat().replace("+00:00", "Z"),
        "duration": f"{span.end - span.start:.3f}",
        "format": "mp4",
    }
    return f"{base_url.rstrip('/')}/get?{urlencode(query)}"


def parse_spans(document: Any, problems: FieldProblems) -> list[Span]:
    """Return the recorded time spans.

    They are not joined: MediaMTX lists two where it cannot concatenate the recordings.

    :raises DocumentError: if it is no list.
    """
    if not isinstance(document, list):
        raise DocumentError("is no list of recordings, so it is not MediaMTX's playback server")
    if len(document) > MAX_SPANS:
        raise DocumentError(f"has more than {MAX_SPANS:,} recordings")
    spans = []
    for index, item in enumerate(document):
        entry = item if isinstance(item, dict) else {}
        start, duration = parse_timestamp(entry.get("start")), parse_number(entry.get("duration"))
        if start is None or duration is None or not 0 < duration <= MAX_SPAN_SECONDS:
            value = describe_json_value(item if entry == {} else entry.get("start"))
            problems.add(f"[{index}]", f"has no valid start and duration (start is {value})")
            continue
        spans.append(Span(start.timestamp(), start.timestamp() + duration))
    # Overlapping spans would play twice.
    return merge_spans(spans, tolerance=0.0)
