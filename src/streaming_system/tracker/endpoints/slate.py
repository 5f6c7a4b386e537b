"""Endpoints whose viewers get a slate, because the stream's input is lost."""

from collections.abc import Iterable
from datetime import datetime

from streaming_system.tracker.endpoints.formats import is_watchable
from streaming_system.tracker.models import Endpoint


def slate_since(endpoints: Iterable[Endpoint]) -> datetime | None:
    """Return since when viewers get only a slate; ``None`` if they get a stream, or nothing.

    :param endpoints: the live endpoints of a room.
    """
    starts = [endpoint.slate_since for endpoint in endpoints if is_watchable(endpoint)]
    known = [start for start in starts if start is not None]
    return max(known) if known and len(known) == len(starts) else None
