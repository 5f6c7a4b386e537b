"""Logins with name, password and second factor, and lockout after failed attempts."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from streaming_system.tracker.crew import passwords
from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.audit import FAILED_LOGIN, AuditLog
from streaming_system.tracker.crew.login_failures import (
    LoginClient,
    LoginFailureKeys,
    LoginFailures,
)
from streaming_system.tracker.crew.second_factor import SecondFactors
from streaming_system.tracker.db.session import write_transaction
from streaming_system.tracker.models import Account


@dataclass(frozen=True, kw_only=True)
class LoginResult:
    """The result of an attempt: an account, or ``None`` and the seconds of the lockout.

    ``session_generation`` is the account's. ``password_hash`` is the hash that the
    password was verified with.
    """

    account: int | None = None
    name: str = ""
    session_generation: int = 0
    password_hash: str = ""
    retry_after: int = 0


class Logins:
    """Verifies logins. Verification is slow, so no transaction is open meanwhile."""

    def __init__(self, sessions: sessionmaker[Session], key: bytes) -> None:
        self._sessions = sessions
        self._keys = LoginFailureKeys(key)

    def name_key(self, name: str) -> str:
        """Return the keyed hash of an account name."""
        return self._keys.name(name)

    def log_in(
        self, name: str, password: str, *, client: LoginClient, now: datetime, code: str = ""
    ) -> LoginResult:
        """Log in; see :meth:`verify`."""
        login = self.verify(name, password, client=client, now=now, code=code)
        if login.account is None:
            return login
        new_hash = ""
        if passwords.needs_rehash(login.password_hash):
            new_hash = passwords.hash_password(password)
        with write_transaction(self._sessions) as db:
            if new_hash:
                # A password that was changed in the meantime stays.
                db.execute(
                    sa.update(Account)
                    .where(Account.id == login.account)
                    .where(Account.password_hash == login.password_hash)
                    .values(password_hash=new_hash)
                )
            AuditLog(db).record(account=login.name, action="login", subject="", now=now)
        return login

    def verify(
        self,
        name: str,
        password: str,
        *,
        client: LoginClient,
        now: datetime,
        code: str | None = None,
    ) -> LoginResult:
        """Return the account if name and password are right and no lockout applies.

        :param code: a code of the second factor, if the account has one; ``None`` if the password
            is enough.
        """
        free_attempts = self._keys.free_attempts(name, client)
        # An attempt counts as failed until it succeeds, so that parallel attempts count, too.
        with write_transaction(self._sessions) as db:
            retry_after = LoginFailures(db).count_attempt(self.name_key(name), free_attempts, now)
        if retry_after:
            return LoginResult(retry_after=retry_after)
        with self._sessions() as db:
            account = Accounts(db).find(name)
        is_right = passwords.verify(account.password_hash if account else None, password)
        if account is None or not is_right:
            # An unknown name is not recorded: it may be a password in the wrong field.
            known = account.name if account else ""
            self._record_failure(known, "" if known else "a name that no account has", now)
            return LoginResult()
        if code is not None and account.totp_secret and not self._use_code(account, code, now):
            self._record_failure(account.name, "the right password without a valid code", now)
            return LoginResult()
        with write_transaction(self._sessions) as db:
            LoginFailures(db).delete(free_attempts)
        return LoginResult(
            account=account.id,
            name=account.name,
            session_generation=account.session_generation,
            password_hash=account.password_hash,
        )

    def _use_code(self, account: Account, code: str, now: datetime) -> bool:
        with write_transaction(self._sessions) as db:
            return SecondFactors(db).use_code(account.id, code, now=now)

    def _record_failure(self, name: str, subject: str, now: datetime) -> None:
        with write_transaction(self._sessions) as db:
            AuditLog(db).record(account=name, action=FAILED_LOGIN, subject=subject, now=now)
