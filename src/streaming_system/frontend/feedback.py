"""Links to the feedback form of a talk, and the site's own form."""

from datetime import datetime, timedelta

from streaming_system.config import Room
from streaming_system.config.social import INTERNAL_FEEDBACK, expand_url_template
from streaming_system.frontend.room_view import RoomView
from streaming_system.schedule.feedback_window import is_open_for_feedback
from streaming_system.schedule.model import Slot
from streaming_system.schedule.site_links import talk_id

# How long after its end a talk can be rated on the page of its room.
FEEDBACK_WINDOW = timedelta(hours=1)
# What the tracker's redirect adds to the URL of a talk's page after a form.
FEEDBACK_RESULTS = ("sent", "invalid", "closed", "limited", "full")


def feedback_url(room: Room, event: Slot, now: datetime) -> str:
    """Return the URL of the form; "" without one, or before the talk."""
    if event.is_filler or event.start > now or room.feedback == INTERNAL_FEEDBACK:
        return ""
    return expand_url_template(room.feedback, room=room.id, talk=talk_id(event))


def has_feedback_form(room: Room, event: Slot, now: datetime) -> bool:
    """Return whether viewers can rate a talk with the site's own form."""
    return room.feedback == INTERNAL_FEEDBACK and is_open_for_feedback(event, now)


def talk_for_feedback(state: RoomView) -> Slot | None:
    """Return the current talk, else the last one of the past hour."""
    if state.talk:
        return state.talk
    recent = [
        event
        for event in state.all_slots
        if not event.is_filler and state.now - FEEDBACK_WINDOW < event.end <= state.now
    ]
    return max(recent, key=lambda event: event.end, default=None)
