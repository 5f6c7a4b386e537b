"""Where viewers say what they think of a talk."""

from datetime import datetime, timedelta

from streaming_system.config import Room
from streaming_system.config.social import expand_url_template
from streaming_system.frontend.room_view import RoomView
from streaming_system.frontend.schedule_page.schedule_view import talk_id
from streaming_system.schedule.model import Slot

# How long a talk that is over is still what people in its room think of.
FEEDBACK_WINDOW = timedelta(hours=1)


def feedback_url(room: Room, event: Slot, now: datetime) -> str:
    """Return where to say it; "" if there is no such place, or the talk has not begun."""
    if event.generated or event.start > now:
        return ""
    return expand_url_template(room.feedback, room=room.id, talk=talk_id(event))


def talk_for_feedback(state: RoomView) -> Slot | None:
    """Return the talk that is on, or else the one that has just ended."""
    if state.talk:
        return state.talk
    lately = [
        event
        for event in state.planned
        if not event.generated and state.now - FEEDBACK_WINDOW < event.end <= state.now
    ]
    return max(lately, key=lambda event: event.end, default=None)
