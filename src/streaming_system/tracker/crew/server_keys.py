"""Secrets of the server's own: keys that stay, and a salt for every day that does not."""

import hashlib
import hmac
import secrets
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.models import Salt, ServerKey

KEY_BYTES = 32


class ServerKeys:
    """Random keys that all workers share, each made when it is needed first."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def get(self, name: str) -> bytes:
        """Return the key of this name: 32 random bytes, for good."""
        return _get_or_create(self.db, ServerKey, {"name": name})


class DailySalts:
    """What the addresses of a day are hashed with: once it is forgotten, nobody can guess back."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def of_day(self, day: date) -> bytes:
        """Return the salt of a day in UTC: 32 random bytes, until they are forgotten."""
        return _get_or_create(self.db, Salt, {"day": day})

    def forget(self, before: date) -> int:
        """Forget the salts of all days before this one; return how many there were."""
        forgotten = self.db.execute(sa.delete(Salt).where(Salt.day < before))
        return int(getattr(forgotten, "rowcount", 0))


def hash_visitor(address: str, user_agent: str, salt: bytes) -> bytes:
    """Return 16 bytes that stand for a viewer as long as the salt is the same."""
    # The length keeps apart what would read the same when put together.
    text = f"{len(address)} {address}{user_agent}".encode("utf-8", "surrogatepass")
    return hmac.digest(salt, text, hashlib.sha256)[:16]


def _get_or_create(db: Session, model: type[ServerKey] | type[Salt], key: dict[str, Any]) -> bytes:
    """Return the value of a row, which is made if it is not there.

    A session whose transaction has not begun stays so: its first statement decides whether it
    reads or writes, and that is not ours to decide.
    """
    if db.in_transaction():
        return _select_value(db, model, key) or _create(db, model, key)
    engine = db.get_bind().engine
    with engine.begin() as connection:
        value = _select_value(connection, model, key)
    if value is None:
        with engine.execution_options(sqlite_immediate=True).begin() as connection:
            value = _create(connection, model, key)
    return value


def _create(
    db: Session | sa.Connection, model: type[ServerKey] | type[Salt], key: dict[str, Any]
) -> bytes:
    # Two workers may need it first at once; the database decides whose it is.
    dialect = db.get_bind().dialect.name if isinstance(db, Session) else db.dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    db.execute(
        insert(model).values(**key, value=secrets.token_bytes(KEY_BYTES)).on_conflict_do_nothing()
    )
    value = _select_value(db, model, key)
    if value is None:
        raise LookupError(f"{model.__tablename__} does not keep what it is given")
    return value


def _select_value(
    db: Session | sa.Connection, model: type[ServerKey] | type[Salt], key: dict[str, Any]
) -> bytes | None:
    value: bytes | None = db.scalar(sa.select(model.value).filter_by(**key))
    return value
