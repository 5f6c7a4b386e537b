"""The graphs for the crew, which the browser draws from the tracker's data."""

from datetime import datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest
from pyramid.view import view_config

from streaming_system.frontend.formatting import gettext_noop
from streaming_system.schedule.model import Schedule

MAX_AGE_SECONDS = 1  # seconds
DEFAULT_RANGE = "120"
# Values of ?range=, in minutes, and their labels. "event" starts with the schedule.
RANGES = {
    "10": gettext_noop("10 min"),
    "60": gettext_noop("1 hour"),
    "120": gettext_noop("2 hours"),
    "1440": gettext_noop("1 day"),
    "10080": gettext_noop("7 days"),
    "event": gettext_noop("Whole event"),
}
# The range "event" without a schedule.
DEFAULT_EVENT_LENGTH = timedelta(days=14)
# Streams start before the first talk.
STREAM_LEAD_TIME = timedelta(hours=2)


@view_config(route_name="graphs", renderer="graphs.jinja2", http_cache=MAX_AGE_SECONDS)
def graphs(request: Any) -> dict[str, Any]:
    """Show metrics over time: of all rooms, or of the endpoints of one."""
    chosen = request.GET.get("range", DEFAULT_RANGE)
    if chosen not in RANGES:
        raise HTTPBadRequest(request.invalid_value_message("range", chosen, ", ".join(RANGES)))
    since = _event_start(request.schedule, request.now)
    minutes = (request.now - since) // timedelta(minutes=1)
    return {
        "chosen": chosen,
        "ranges": {key: request.translate(label) for key, label in RANGES.items()},
        "since": since,
        "minutes": minutes if chosen == "event" else int(chosen),
        "room": request.conference.rooms.get(request.GET.get("room", "")),
    }


def _event_start(schedule: Schedule, now: datetime) -> datetime:
    """Return the start of the event; at most a year ago."""
    slots = (slot for room in schedule.rooms.values() for slot in room.slots)
    starts = (
        slot.start - STREAM_LEAD_TIME for slot in slots if not slot.is_filler and slot.start < now
    )
    # Rounded to a minute, so that the page can be cached in between.
    now = now.replace(second=0, microsecond=0)
    return max(min(starts, default=now - DEFAULT_EVENT_LENGTH), now - timedelta(days=365))
