"""The transcripts of talks, which the tracker has."""

from datetime import UTC
from typing import Any
from urllib.parse import urlencode

from streaming_system.frontend.schedule_page.schedule_view import ScheduleEntry


def transcript_address(request: Any, entry: ScheduleEntry) -> str:
    """Return the address of a talk's transcript; "" if the talk must not have one."""
    talk = entry.talk
    if talk.is_filler or talk.do_not_record:
        return ""
    span = {
        name: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, moment in (("start", talk.start), ("end", talk.end))
    }
    tracker = request.registry.settings["tracker.url"]
    room = f"{request.tracker_prefix}{entry.room.id}"
    return f"{tracker}/captions/{room}/transcript.json?{urlencode(span)}"
