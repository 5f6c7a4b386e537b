"""Feedback of viewers on talks."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime, stored, stored_rows

MAX_COMMENT_CHARS = 1000
MAX_TITLE_CHARS = 200


class TalkFeedback(Base):
    """The latest feedback of one browser on one talk.

    ``conference`` is the id of the talk's conference, "" for the only one of a site. ``title`` is
    that of the talk at the time of the feedback: the schedule may lose the talk. ``browser`` is a
    keyed hash of a random number, of the conference and of the talk, so that the feedback of one
    browser on several talks cannot be linked.
    """

    __tablename__ = "talk_feedback"
    __table_args__ = (
        sa.UniqueConstraint("conference", "talk", "browser"),
        stored_rows(
            about="viewers who send feedback",
            retention="until the crew deletes it; `retention.ten_minutes_days` at most",
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, info=stored("row number"))
    conference: Mapped[str] = mapped_column(sa.String(64), info=stored("id of the conference"))
    talk: Mapped[str] = mapped_column(sa.String(200), info=stored("id of the talk"))
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room of the talk"))
    title: Mapped[str] = mapped_column(sa.String(MAX_TITLE_CHARS), info=stored("title of the talk"))
    browser: Mapped[str] = mapped_column(
        sa.String(64), info=stored("keyed hash of the browser's random number and of the talk")
    )
    stars: Mapped[int] = mapped_column(sa.Integer, info=stored("1 to 5 stars"))
    comment: Mapped[str] = mapped_column(
        sa.String(MAX_COMMENT_CHARS), info=stored("what the viewer wrote")
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True, info=stored("time"))
