"""When viewers can send feedback on a talk with the site's own form."""

from datetime import datetime, timedelta

from streaming_system.schedule.model import Slot

# How long after its end a talk can be rated.
FEEDBACK_GRACE = timedelta(days=30)


def is_open_for_feedback(talk: Slot, now: datetime) -> bool:
    """Return whether viewers can rate a talk: it has begun, and ended a short time ago at most."""
    return not talk.is_filler and talk.start <= now < talk.end + FEEDBACK_GRACE
