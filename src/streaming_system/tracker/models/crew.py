"""Accounts, tokens, audit log and incidents."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from streaming_system.tracker.models.base import BIG_ID, Base, UtcDateTime, stored, stored_rows


class Account(Base):
    """A crew member who may log in: an ``admin``, or a ``viewer`` with read-only access.

    ``session_generation`` is stored in each session; a new number revokes all older ones.
    ``totp_secret`` is the key of the app that creates the second factor, ``None`` without one;
    ``totp_step`` is the number of the 30 seconds that the last accepted code was for.
    """

    __tablename__ = "account"
    __table_args__ = stored_rows(about="the crew", retention="until it is deleted")

    id: Mapped[int] = mapped_column(primary_key=True, info=stored("row number"))
    name: Mapped[str] = mapped_column(sa.String(64), unique=True, info=stored("name for log-ins"))
    password_hash: Mapped[str] = mapped_column(
        sa.String(255), info=stored("argon2 hash of the password")
    )
    role: Mapped[str] = mapped_column(sa.String(16), info=stored("admin or viewer"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("when it was created"))
    session_generation: Mapped[int] = mapped_column(
        "epoch", default=0, server_default="0", info=stored("number that ends older sessions")
    )
    totp_secret: Mapped[str | None] = mapped_column(
        sa.String(64), info=stored("key of the second factor, as the app has it")
    )
    totp_step: Mapped[int] = mapped_column(
        sa.BigInteger, default=0, server_default="0", info=stored("time of the last accepted code")
    )


class RecoveryCode(Base):
    """An unused code that replaces the second factor once. Its SHA-256 is stored."""

    __tablename__ = "recovery_code"
    __table_args__ = stored_rows(
        about="the crew", retention="until it is used or replaced, or the account is deleted"
    )

    id: Mapped[int] = mapped_column(primary_key=True, info=stored("row number"))
    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("account.id", ondelete="CASCADE"), index=True, info=stored("the account")
    )
    hash: Mapped[str] = mapped_column(sa.String(64), info=stored("SHA-256 of the code"))


class RevokedSession(Base):
    """A session that was logged out; copies of its cookie may still exist."""

    __tablename__ = "ended_session"
    __table_args__ = stored_rows(about="the crew", retention="3 days, until the next log-out")

    id: Mapped[str] = mapped_column(
        sa.String(43), primary_key=True, info=stored("random number of the session")
    )
    at: Mapped[datetime] = mapped_column(
        UtcDateTime, index=True, info=stored("time of the log-out")
    )


class LoginFailure(Base):
    """Failed logins, by a keyed hash of an account name and an address or a device.

    ``name_key`` is the keyed hash of the account name alone.
    """

    __tablename__ = "login_failure"
    __table_args__ = stored_rows(
        about="the crew and others who try to log in", retention="a day after the last failure"
    )

    key: Mapped[str] = mapped_column(
        sa.String(64),
        primary_key=True,
        info=stored("keyed hash of a name, and of an address or browser"),
    )
    name_key: Mapped[str] = mapped_column(
        sa.String(64), index=True, server_default="", info=stored("keyed hash of the name")
    )
    count: Mapped[int] = mapped_column(info=stored("number of failures"))
    last_at: Mapped[datetime] = mapped_column(
        UtcDateTime, index=True, info=stored("time of the last one")
    )


class Token(Base):
    """A bearer token of a program. Its SHA-256 is stored, which suffices for a random text.

    ``scope`` is ``room`` (any endpoint of ``room``), ``endpoint`` (that one), ``crew`` (the
    permissions of an admin), ``publish`` (the hooks of streaming servers), or ``captions`` (those
    of ``room``). ``hint`` is the beginning of the token, shown in lists.
    """

    __tablename__ = "token"
    __table_args__ = stored_rows(
        about="programs", retention="unlimited; a revoked one stays in the list"
    )

    id: Mapped[int] = mapped_column(primary_key=True, info=stored("row number"))
    label: Mapped[str] = mapped_column(sa.String(100), info=stored("its purpose"))
    scope: Mapped[str] = mapped_column(sa.String(16), info=stored("what it is valid for"))
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room"))
    endpoint: Mapped[str] = mapped_column(sa.String(64), info=stored("name of the server"))
    hash: Mapped[str] = mapped_column(
        sa.String(64), unique=True, info=stored("SHA-256 of the token")
    )
    hint: Mapped[str] = mapped_column(sa.String(16), info=stored("its first characters"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, info=stored("when it was issued"))
    created_by: Mapped[str] = mapped_column(sa.String(64), info=stored("account that issued it"))
    used_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=stored("minute of its last use")
    )
    revoked_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info=stored("when it was revoked")
    )


class Annotation(Base):
    """A label for a point in time, shown in graphs. ``room`` is "" for all rooms."""

    __tablename__ = "annotation"
    __table_args__ = stored_rows(about="the crew", retention="until it is deleted")

    id: Mapped[int] = mapped_column(primary_key=True, info=stored("row number"))
    at: Mapped[datetime] = mapped_column(
        UtcDateTime, index=True, info=stored("time that it labels")
    )
    label: Mapped[str] = mapped_column(sa.String(200), info=stored("the label"))
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room"))
    created_by: Mapped[str] = mapped_column(sa.String(64), info=stored("account that added it"))


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
        stored_rows(about="servers", retention="`retention.ten_minutes_days` after its end"),
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, info=stored("row number"))
    kind: Mapped[str] = mapped_column(sa.String(32), info=stored("kind of problem"))
    room: Mapped[str] = mapped_column(sa.String(64), info=stored("room"))
    subject: Mapped[str] = mapped_column(sa.String(128), info=stored("server or program"))
    summary: Mapped[str] = mapped_column(sa.String(300), info=stored("description"))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True, info=stored("begin"))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info=stored("end"))
    # Whether plugins have been notified of its begin and of its end.
    notified_open: Mapped[bool] = mapped_column(
        "told_open",
        key="notified_open",
        default=False,
        info=stored("plugins have been notified of the begin"),
    )
    notified_closed: Mapped[bool] = mapped_column(
        "told_closed",
        key="notified_closed",
        default=False,
        info=stored("plugins have been notified of the end"),
    )


class AuditEntry(Base):
    """An action of a crew member."""

    __tablename__ = "audit"
    __table_args__ = stored_rows(
        about="the crew",
        retention="`retention.ten_minutes_days`; of failed log-ins, the latest 10,000",
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True, info=stored("row number"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True, info=stored("time"))
    account: Mapped[str] = mapped_column(
        sa.String(64), info=stored("account, user of the command line, or number of a token")
    )
    action: Mapped[str] = mapped_column(sa.String(32), info=stored("what was done"))
    subject: Mapped[str] = mapped_column(sa.String(200), info=stored("changed object"))


class ServerKey(Base):
    """A random key that all workers share, created at its first use."""

    __tablename__ = "server_key"
    __table_args__ = stored_rows(about="no person", retention="unlimited")

    name: Mapped[str] = mapped_column(
        sa.String(32), primary_key=True, info=stored("purpose of the key")
    )
    value: Mapped[bytes] = mapped_column(sa.LargeBinary(32), info=stored("random key"))


class Salt(Base):
    """The salt for hashes of one day's client addresses; it is deleted after that day."""

    __tablename__ = "salt"
    __table_args__ = stored_rows(about="no person", retention="until the end of the next day")

    day: Mapped[date] = mapped_column(primary_key=True, info=stored("the day"))
    value: Mapped[bytes] = mapped_column(sa.LargeBinary(32), info=stored("random salt"))
