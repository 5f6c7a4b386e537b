"""Reminders that viewers have asked for, and the browsers that get them."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime, stored, stored_rows

MAX_PUSH_URL_CHARS = 1000


class PushSubscription(Base):
    """A browser that gets notifications: what its push service and the encryption need.

    ``url_hash`` is the SHA-256 of ``url``, which is too long for an index.
    """

    __tablename__ = "push_subscription"
    __table_args__ = stored_rows(
        about="viewers who want reminders", retention="until its last reminder is deleted"
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, info=stored("row number"))
    url_hash: Mapped[str] = mapped_column(
        sa.String(64), unique=True, info=stored("SHA-256 of the address")
    )
    url: Mapped[str] = mapped_column(
        sa.String(MAX_PUSH_URL_CHARS),
        info=stored("random address of the browser at its push service"),
    )
    p256dh: Mapped[str] = mapped_column(
        sa.String(100), info=stored("public key of the browser for the encryption")
    )
    auth: Mapped[str] = mapped_column(
        sa.String(40), info=stored("secret of the browser for the encryption")
    )


class Reminder(Base):
    """A talk or a room that a browser wants a notification of.

    ``subject`` is the id of the talk or the room in the tracker. ``sent_for`` is the start of the
    talk that the notification was sent for; of a room, the last time that it was seen live.
    ``next_attempt_at`` is also the end of the lease of the process that sends it.
    """

    __tablename__ = "reminder"
    __table_args__ = (
        sa.UniqueConstraint("subscription_id", "kind", "subject"),
        sa.Index("ix_reminder_kind_subject", "kind", "subject", "sent_for"),
        stored_rows(
            about="viewers who want reminders",
            retention="until the end of the talk; of a room, until its last talk, or 30 days",
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, info=stored("row number"))
    subscription_id: Mapped[int] = mapped_column(
        sa.ForeignKey("push_subscription.id", ondelete="CASCADE"), info=stored("the browser")
    )
    kind: Mapped[str] = mapped_column(sa.String(8), info=stored("talk or room"))
    subject: Mapped[str] = mapped_column(sa.String(270), info=stored("id of the talk or room"))
    until: Mapped[datetime] = mapped_column(UtcDateTime, index=True, info=stored("its expiry"))
    attempts: Mapped[int] = mapped_column(
        default=0, server_default="0", info=stored("number of attempts to send it")
    )
    next_attempt_at: Mapped[datetime] = mapped_column(
        UtcDateTime, info=stored("time of the next attempt")
    )
    sent_for: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=stored("start that it was sent for")
    )


class ReminderTotal(Base):
    """How many notifications had a result, since the table exists."""

    __tablename__ = "reminder_total"
    __table_args__ = stored_rows(about="no person", retention="unlimited")

    result: Mapped[str] = mapped_column(sa.String(8), primary_key=True, info=stored("the result"))
    count: Mapped[int] = mapped_column(sa.BigInteger, info=stored("number of notifications"))
