"""The graphs for the crew. The browser draws them from what the tracker tells."""

from datetime import datetime, timedelta
from typing import Any

from pyramid.httpexceptions import HTTPBadRequest
from pyramid.view import view_config

from streaming_system.frontend.formatting import noted
from streaming_system.schedule.model import Schedule

MAX_AGE_SECONDS = 1  # seconds
DEFAULT_RANGE = "120"
# What ?range= may be, and what people call it. "event" begins with the programme.
RANGES = {
    "10": noted("10 min"),
    "60": noted("1 hour"),
    "120": noted("2 hours"),
    "1440": noted("1 day"),
    "10080": noted("7 days"),
    "event": noted("Whole event"),
}
# How long the whole event is where no programme says so, and at least.
DEFAULT_EVENT_LENGTH = timedelta(days=14)
# Streams begin before the first talk.
STREAM_LEAD_TIME = timedelta(hours=2)


@view_config(route_name="graphs", renderer="graphs.jinja2", http_cache=MAX_AGE_SECONDS)
def graphs(request: Any) -> dict[str, Any]:
    """Show figures over time: of all rooms, or of the servers of one."""
    chosen = request.GET.get("range", DEFAULT_RANGE)
    if chosen not in RANGES:
        raise HTTPBadRequest(request.not_allowed("range", chosen, ", ".join(RANGES)))
    since = _event_start(request.schedule, request.now)
    length = (request.now - since) // timedelta(minutes=1)
    return {
        "chosen": chosen,
        "ranges": {key: request.translate(words) for key, words in RANGES.items()},
        "since": since,
        "minutes": length if chosen == "event" else int(chosen),
        "room": request.conference.rooms.get(request.GET.get("room", "")),
    }


def _event_start(schedule: Schedule, now: datetime) -> datetime:
    """Return when the event began, as far as the programme tells."""
    talks = (event for room in schedule.rooms.values() for event in room.events)
    begun = (
        talk.start - STREAM_LEAD_TIME for talk in talks if not talk.generated and talk.start < now
    )
    # To the minute, so that the page stays the same in between.
    now = now.replace(second=0, microsecond=0)
    return max(min(begun, default=now - DEFAULT_EVENT_LENGTH), now - timedelta(days=365))
