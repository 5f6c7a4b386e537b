"""Accounts, tokens, audit log and incidents."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime


class Account(Base):
    """A crew member who may log in: an ``admin``, or a ``viewer`` with read-only access.

    ``epoch`` is the generation of the account's sessions; a new number revokes all of them.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    role: Mapped[str] = mapped_column(sa.String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    epoch: Mapped[int] = mapped_column(default=0, server_default="0")


class RevokedSession(Base):
    """A session that was logged out; copies of its cookie may still exist."""

    __tablename__ = "ended_session"

    id: Mapped[str] = mapped_column(sa.String(43), primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class LoginFailure(Base):
    """Failed logins, by a keyed hash of an account name and an address or a device.

    ``name_key`` is the keyed hash of the account name alone.
    """

    __tablename__ = "login_failure"

    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name_key: Mapped[str] = mapped_column(sa.String(64), index=True, server_default="")
    count: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Token(Base):
    """A bearer token of a program. Its SHA-256 is stored, which suffices for a random text.

    ``scope`` is ``room`` (any endpoint of ``room``), ``endpoint`` (that one), or ``crew`` (the
    permissions of an admin). ``hint`` is the beginning of the token, shown in lists.
    """

    __tablename__ = "token"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(sa.String(100))
    scope: Mapped[str] = mapped_column(sa.String(16))
    room: Mapped[str] = mapped_column(sa.String(64))
    endpoint: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    hint: Mapped[str] = mapped_column(sa.String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(sa.String(64))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Annotation(Base):
    """A label for a point in time, shown in graphs. ``room`` is "" for all rooms."""

    __tablename__ = "annotation"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    label: Mapped[str] = mapped_column(sa.String(200))
    room: Mapped[str] = mapped_column(sa.String(64))
    created_by: Mapped[str] = mapped_column(sa.String(64))


class IncidentRecord(Base):
    """An open or resolved problem of one kind, in one room, with one subject."""

    __tablename__ = "incident"
    __table_args__ = (
        sa.Index(
            "uq_incident_open",
            "kind",
            "room",
            "subject",
            unique=True,
            sqlite_where=sa.text("closed_at IS NULL"),
            postgresql_where=sa.text("closed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(32))
    room: Mapped[str] = mapped_column(sa.String(64))
    subject: Mapped[str] = mapped_column(sa.String(128))
    summary: Mapped[str] = mapped_column(sa.String(300))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # Whether plugins have been notified of its begin and of its end.
    told_open: Mapped[bool] = mapped_column(default=False)
    told_closed: Mapped[bool] = mapped_column(default=False)


class AuditEntry(Base):
    """An action of a crew member."""

    __tablename__ = "audit"

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    account: Mapped[str] = mapped_column(sa.String(64))
    action: Mapped[str] = mapped_column(sa.String(32))
    subject: Mapped[str] = mapped_column(sa.String(200))


class ServerKey(Base):
    """A random key that all workers share, created at its first use."""

    __tablename__ = "server_key"

    name: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    value: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


class Salt(Base):
    """The salt for hashes of one day's client addresses; it is deleted after that day."""

    __tablename__ = "salt"

    day: Mapped[date] = mapped_column(primary_key=True)
    value: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
