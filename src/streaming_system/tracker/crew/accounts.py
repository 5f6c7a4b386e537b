"""The people of the crew who may log in."""

import re
from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.crew import passwords
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import Account

ACCOUNT_NAME_PATTERN = re.compile(r"[A-Za-z0-9_.-]{1,64}", re.ASCII)
MIN_PASSWORD_CHARS = 8
MAX_PASSWORD_CHARS = 1024
# A viewer sees what an admin sees, and changes nothing but the own password.
ROLES = ("admin", "viewer")


class AccountError(CrewError):
    """Something that cannot be done with an account, with one line that says why."""


class Accounts:
    """The accounts; passwords are kept as argon2 hashes only."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def create(self, name: str, password: str, *, now: datetime, role: str = "admin") -> Account:
        """Make an account.

        :raises AccountError: for a name, password or role that is not allowed, or a name that is
            taken.
        """
        if not ACCOUNT_NAME_PATTERN.fullmatch(name):
            raise AccountError(
                f"the name {name!r:.80} is not allowed; use 1 to 64 of A-Z a-z 0-9 . _ -"
            )
        _validate_role(role)
        account = Account(
            name=name, password_hash=_hash_password(password), role=role, created_at=now
        )
        ensure_write_transaction(self.db)
        try:
            with self.db.begin_nested():
                self.db.add(account)
        except sa.exc.IntegrityError:
            raise AccountError(f"there is an account called {name} already") from None
        return account

    def verify(self, name: str, password: str) -> Account | None:
        """Return the account if name and password are right. Both answers take the same time."""
        account = self.find(name)
        if not passwords.verify(account.password_hash if account else None, password):
            return None
        return account

    def find(self, name: str) -> Account | None:
        """Return the account of that name."""
        if not ACCOUNT_NAME_PATTERN.fullmatch(name):
            return None
        return self.db.scalar(sa.select(Account).where(Account.name == name))

    def get(self, id: int) -> Account | None:  # noqa: A002 - It is the column's name.
        """Return an account by its number."""
        return self.db.get(Account, id)

    def all(self) -> Sequence[Account]:
        """Return all accounts, by name."""
        return self.db.scalars(sa.select(Account).order_by(Account.name)).all()

    def any(self) -> bool:
        """Tell whether there is an account at all."""
        return self.db.scalar(sa.select(Account.id).limit(1)) is not None

    def change_password(self, name: str, proven: str, new: str) -> Account:
        """Give the account another password, for somebody who has shown that they know the old one.

        :param proven: the hash that the old one was compared with.
        :raises AccountError: if it is another one by now, or the new password is not allowed.
        """
        kept = _hash_password(new)
        account = self._found(name)
        if account.password_hash != proven:
            raise AccountError("the old password has been changed in the meantime")
        return self._set_password(account, kept)

    def reset_password(self, name: str, new: str) -> Account:
        """Give the account another password.

        :raises AccountError: if there is no such account, or the password is not allowed.
        """
        kept = _hash_password(new)
        return self._set_password(self._found(name), kept)

    def end_sessions(self, name: str) -> Account:
        """Log the account out everywhere.

        :raises AccountError: if there is none of that name.
        """
        account = self._found(name)
        account.epoch += 1
        return account

    def set_role(self, name: str, role: str) -> Account:
        """Let the account be something else.

        :raises AccountError: if there is none of that name, no such role, or if no admin is left.
        """
        _validate_role(role)
        account = self._found(name)
        if role != "admin":
            self._keep_an_admin(account)
        account.role = role
        return account

    def delete(self, name: str) -> None:
        """Delete the account, and end its sessions.

        :raises AccountError: if there is none of that name, or if no admin is left.
        """
        account = self._found(name)
        self._keep_an_admin(account)
        self.db.delete(account)
        self.db.flush()

    def _found(self, name: str) -> Account:
        ensure_write_transaction(self.db)
        account = self.find(name)
        if account is None:
            raise AccountError(f"there is no account called {name!r:.80}")
        return account

    def _set_password(self, account: Account, kept: str) -> Account:
        account.password_hash = kept
        account.epoch += 1
        return account

    def _keep_an_admin(self, account: Account) -> None:
        # Two admins who demote each other at once wait for each other here.
        admins = self.db.scalars(
            sa.select(Account.id).where(Account.role == "admin").with_for_update()
        ).all()
        if admins == [account.id]:
            raise AccountError(f"{account.name} is the last admin; make another one first")


def _validate_role(role: str) -> None:
    if role not in ROLES:
        raise AccountError(f"the role is {role!r:.40}; allowed: {', '.join(ROLES)}")


def _hash_password(password: str) -> str:
    if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
        raise AccountError(
            f"a password has at least {MIN_PASSWORD_CHARS} characters and at most {MAX_PASSWORD_CHARS}"
        )
    return passwords.hash_password(password)
