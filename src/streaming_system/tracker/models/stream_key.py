"""Stream keys, with which encoders publish."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import Base, UtcDateTime, stored, stored_rows


class StreamKey(Base):
    """A key with which an encoder may publish a room.

    Its SHA-256 is stored, which suffices for a random text. ``hint`` is the beginning of the key,
    shown in lists.
    """

    __tablename__ = "stream_key"
    __table_args__ = stored_rows(
        about="encoders", retention="unlimited; a revoked one stays in the list"
    )

    id: Mapped[int] = mapped_column(primary_key=True, info=stored("row number"))
    room: Mapped[str] = mapped_column(sa.String(64), index=True, info=stored("room"))
    label: Mapped[str] = mapped_column(sa.String(100), info=stored("its purpose"))
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True, info=stored("SHA-256 of the key"))
    hint: Mapped[str] = mapped_column(sa.String(16), info=stored("its first characters"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("when it was created"))
    created_by: Mapped[str] = mapped_column(sa.String(64), info=stored("account that created it"))
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info=stored("when it expires"))
    used_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=stored("minute of its last use")
    )
    revoked_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=stored("when it was revoked")
    )

    def is_valid(self, now: datetime) -> bool:
        """Return whether encoders may use it."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)
