"""Accounts of crew members."""

import re
from collections.abc import Collection, Sequence
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
# A viewer sees the same pages as an admin, and can only change the own password.
ROLES = ("admin", "viewer")


class AccountError(CrewError):
    """A rejected operation on an account; the message is one line."""


class Accounts:
    """The accounts. Passwords are stored as argon2 hashes.

    :param context: names that passwords must not consist of, such as that of the event.
    """

    def __init__(self, db: Session, context: Collection[str] = ()) -> None:
        self.db = db
        self._context = context

    def create(self, name: str, password: str, *, now: datetime, role: str = "admin") -> Account:
        """Create an account.

        :raises AccountError: for an invalid name, password or role, or an existing name.
        """
        if not ACCOUNT_NAME_PATTERN.fullmatch(name):
            raise AccountError(
                f"the name {name!r:.80} is not allowed; use 1 to 64 of A-Z a-z 0-9 . _ -"
            )
        _validate_role(role)
        password_hash = self._hash_password(name, password)
        account = Account(name=name, password_hash=password_hash, role=role, created_at=now)
        ensure_write_transaction(self.db)
        try:
            with self.db.begin_nested():
                self.db.add(account)
        except sa.exc.IntegrityError:
            raise AccountError(f"there is an account called {name} already") from None
        return account

    def verify(self, name: str, password: str) -> Account | None:
        """Return the account if name and password are right. Both results take the same time."""
        account = self.find(name)
        if not passwords.verify(account.password_hash if account else None, password):
            return None
        return account

    def find(self, name: str) -> Account | None:
        """Return the account with a name."""
        if not ACCOUNT_NAME_PATTERN.fullmatch(name):
            return None
        return self.db.scalar(sa.select(Account).where(Account.name == name))

    def get(self, account_id: int) -> Account | None:
        """Return an account by id."""
        return self.db.get(Account, account_id)

    def all(self) -> Sequence[Account]:
        """Return all accounts by name."""
        return self.db.scalars(sa.select(Account).order_by(Account.name)).all()

    def has_any(self) -> bool:
        """Return whether an account exists."""
        return self.db.scalar(sa.select(Account.id).limit(1)) is not None

    def change_password(self, name: str, verified_hash: str, new: str) -> Account:
        """Change the password of an account after its owner entered the old one.

        :param verified_hash: the hash that the old password was verified with.
        :raises AccountError: if the hash has changed since, or the new password is not allowed.
        """
        password_hash = self._hash_password(name, new)
        account = self.require(name)
        if account.password_hash != verified_hash:
            raise AccountError("the old password has been changed in the meantime")
        return self._set_password_hash(account, password_hash)

    def reset_password(self, name: str, new: str) -> Account:
        """Set a new password.

        :raises AccountError: if the account does not exist, or the password is not allowed.
        """
        password_hash = self._hash_password(name, new)
        return self._set_password_hash(self.require(name), password_hash)

    def end_sessions(self, name: str) -> Account:
        """End all sessions of an account.

        :raises AccountError: if the account does not exist.
        """
        account = self.require(name)
        account.session_generation += 1
        return account

    def set_role(self, name: str, role: str) -> Account:
        """Change the role of an account.

        :raises AccountError: if account or role does not exist, or if it is the last admin.
        """
        _validate_role(role)
        account = self.require(name)
        if role != "admin":
            self._require_another_admin(account)
        account.role = role
        return account

    def delete(self, name: str) -> None:
        """Delete an account, which ends its sessions.

        :raises AccountError: if the account does not exist, or if it is the last admin.
        """
        account = self.require(name)
        self._require_another_admin(account)
        self.db.delete(account)
        self.db.flush()

    def _hash_password(self, name: str, password: str) -> str:
        if not MIN_PASSWORD_CHARS <= len(password) <= MAX_PASSWORD_CHARS:
            raise AccountError(
                f"a password has at least {MIN_PASSWORD_CHARS} characters and at most "
                f"{MAX_PASSWORD_CHARS}"
            )
        if passwords.is_guessable(password, (name, *self._context)):
            raise AccountError(
                "the password is easy to guess; use a longer one, such as four unrelated words"
            )
        return passwords.hash_password(password)

    def require(self, name: str) -> Account:
        """Return the account with a name, in a write transaction.

        :raises AccountError: if it does not exist.
        """
        ensure_write_transaction(self.db)
        account = self.find(name)
        if account is None:
            raise AccountError(f"there is no account called {name!r:.80}")
        return account

    def _set_password_hash(self, account: Account, password_hash: str) -> Account:
        account.password_hash = password_hash
        account.session_generation += 1
        return account

    def _require_another_admin(self, account: Account) -> None:
        # The lock serialises two admins who demote each other at once.
        admins = self.db.scalars(
            sa.select(Account.id).where(Account.role == "admin").with_for_update()
        ).all()
        if admins == [account.id]:
            raise AccountError(f"{account.name} is the last admin; make another one first")


def _validate_role(role: str) -> None:
    if role not in ROLES:
        raise AccountError(f"the role is {role!r:.40}; allowed: {', '.join(ROLES)}")
