"""Live captions."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime, stored, stored_rows

MAX_CAPTION_CHARS = 1000
MAX_LANGUAGE_CHARS = 35


class Caption(Base):
    """A line of captions: what a speaker of a room says, in one language.

    ``seq`` is the captioner's number of the line. ``end`` is ``None`` if the captioner sent none.
    ``at`` is the time of the latest correction.
    """

    __tablename__ = "caption"
    __table_args__ = (
        sa.Index("ix_caption_room_start", "room", "start"),
        stored_rows(about="speakers", retention="`retention.captions_days`"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, info=stored("row number"))
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room"))
    language: Mapped[str] = mapped_column(
        sa.String(MAX_LANGUAGE_CHARS), info=stored("language tag")
    )
    seq: Mapped[int | None] = mapped_column(
        sa.BigInteger, info=stored("captioner's number of the line")
    )
    start: Mapped[datetime] = mapped_column(
        UtcDateTime, index=True, info=stored("when it was spoken")
    )
    end: Mapped[datetime | None] = mapped_column(UtcDateTime, info=stored("its end"))
    text: Mapped[str] = mapped_column(
        sa.String(MAX_CAPTION_CHARS), info=stored("words of a public talk")
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("when it arrived"))
