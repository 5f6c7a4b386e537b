"""The people of the crew who may log in."""

import re
from datetime import datetime

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from streaming_system.tracker.models import Account

NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 1024


class AccountError(Exception):
    """An account that cannot be made, with one line that says why."""


class Accounts:
    """The accounts; passwords are kept as argon2 hashes only."""

    def __init__(self, db: Session) -> None:
        self.db = db
        self._hasher = PasswordHasher()

    def create(self, name: str, password: str, *, now: datetime, role: str = "admin") -> Account:
        """Make an account.

        :raises AccountError: for a name or password that is not allowed, or a name that is taken.
        """
        if not NAME.fullmatch(name):
            raise AccountError(
                f"the name {name!r:.80} is not allowed; use 1 to 64 of A-Z a-z 0-9 . _ -"
            )
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise AccountError(
                f"a password has at least {SHORTEST_PASSWORD} characters "
                f"and at most {LONGEST_PASSWORD}"
            )
        account = Account(
            name=name, password_hash=self._hasher.hash(_bytes(password)), role=role, created_at=now
        )
        self.db.add(account)
        try:
            self.db.flush()
        except sa.exc.IntegrityError:
            raise AccountError(f"there is an account called {name} already") from None
        return account

    def verify(self, name: str, password: str) -> Account | None:
        """Return the account if name and password are right."""
        account = self.db.scalar(sa.select(Account).where(Account.name == name))
        if account is None:
            return None
        try:
            self._hasher.verify(account.password_hash, _bytes(password))
        except (VerificationError, InvalidHashError):
            return None
        return account

    def any(self) -> bool:
        """Tell whether there is an account at all."""
        return self.db.scalar(sa.select(Account.id).limit(1)) is not None


def _bytes(password: str) -> bytes:
    # What a terminal sends in another encoding arrives as halves of surrogate pairs.
    return password.encode("utf-8", "surrogatepass")
