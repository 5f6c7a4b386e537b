"""Secrets of the server: permanent keys, and salts that are deleted after their day."""

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
# The key that names and addresses of failed logins are hashed with.
LOGIN_KEY_NAME = "login"


class ServerKeys:
    """Random keys that all workers share, created on first use."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def get(self, name: str) -> bytes:
        """Return the permanent key with a name: 32 random bytes."""
        return _get_or_create(self.db, ServerKey, {"name": name})


class DailySalts:
    """The salts of address hashes. After a salt is deleted, its hashes cannot be reversed."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def get(self, day: date) -> bytes:
        """Return the salt of a day in UTC: 32 random bytes."""
        return _get_or_create(self.db, Salt, {"day": day})

    def delete_before(self, day: date) -> int:
        """Delete the salts of all earlier days; return the number deleted."""
        result = self.db.execute(sa.delete(Salt).where(Salt.day < day))
        return int(getattr(result, "rowcount", 0))


def hash_visitor(address: str, user_agent: str, salt: bytes) -> bytes:
    """Return 16 bytes that identify a visitor as long as the salt is the same."""
    # The length separates address and user agent unambiguously.
    text = f"{len(address)} {address}{user_agent}".encode("utf-8", "surrogatepass")
    return hmac.digest(salt, text, hashlib.sha256)[:16]


def _get_or_create(db: Session, model: type[ServerKey] | type[Salt], key: dict[str, Any]) -> bytes:
    """Return the value of a row, which is created if it does not exist.

    If the session has no transaction yet, this function uses its own: the caller's first
    statement decides whether the transaction of the session reads or writes.
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
    # Two workers may create the row at once; the first one wins.
    dialect = db.get_bind().dialect.name if isinstance(db, Session) else db.dialect.name
    insert = (postgresql if dialect == "postgresql" else sqlite).insert
    db.execute(
        insert(model).values(**key, value=secrets.token_bytes(KEY_BYTES)).on_conflict_do_nothing()
    )
    value = _select_value(db, model, key)
    if value is None:
        raise LookupError(f"{model.__tablename__} lacks a row that was just inserted")
    return value


def _select_value(
    db: Session | sa.Connection, model: type[ServerKey] | type[Salt], key: dict[str, Any]
) -> bytes | None:
    value: bytes | None = db.scalar(sa.select(model.value).filter_by(**key))
    return value
