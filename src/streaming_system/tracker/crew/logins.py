"""Logins with name and password, and lockout after failed attempts."""

import hmac
import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

from streaming_system.tracker.crew import passwords
from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.db.session import ensure_write_transaction, write_transaction
from streaming_system.tracker.models import Account, LoginFailure
from streaming_system.util.backoff import exponential_delay

# Failed attempts before a lockout: for a name from one address, and from all addresses together.
FREE_ATTEMPTS = 5
FREE_ATTEMPTS_PER_NAME = 50
MAX_LOCKOUT = timedelta(minutes=15)
FAILURE_TTL = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class LoginResult:
    """The result of an attempt: an account, or ``None`` and the seconds of the lockout.

    ``session_generation`` is the account's ``epoch``. ``password_hash`` is the hash that the
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
        self._key = key

    def log_in(self, name: str, password: str, *, address: str, now: datetime) -> LoginResult:
        """Log in; see :meth:`verify_password`."""
        login = self.verify_password(name, password, address=address, now=now)
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

    def verify_password(
        self, name: str, password: str, *, address: str, now: datetime
    ) -> LoginResult:
        """Return the account if name and password are right and no lockout applies.

        :param address: the client's address; only a keyed hash of it is stored.
        """
        free_attempts = {
            self._hash(f"{name}|{_address_prefix(address)}"): FREE_ATTEMPTS,
            self._hash(name): FREE_ATTEMPTS_PER_NAME,
        }
        # An attempt counts as failed until it succeeds, so that parallel attempts count, too.
        with write_transaction(self._sessions) as db:
            retry_after = _count_attempt(db, free_attempts, now)
        if retry_after:
            return LoginResult(retry_after=retry_after)
        with self._sessions() as db:
            account = Accounts(db).find(name)
        is_right = passwords.verify(account.password_hash if account else None, password)
        if account is None or not is_right:
            self._record_failure(account.name if account else "", now)
            return LoginResult()
        with write_transaction(self._sessions) as db:
            db.execute(sa.delete(LoginFailure).where(LoginFailure.key.in_(free_attempts)))
        return LoginResult(
            account=account.id,
            name=account.name,
            session_generation=account.epoch,
            password_hash=account.password_hash,
        )

    def _record_failure(self, name: str, now: datetime) -> None:
        # An unknown name is not recorded: it may be a password in the wrong field.
        subject = "" if name else "a name that no account has"
        with write_transaction(self._sessions) as db:
            AuditLog(db).record(account=name, action="login.failed", subject=subject, now=now)

    def _hash(self, text: str) -> str:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def _count_attempt(db: Session, free_attempts: dict[str, int], now: datetime) -> int:
    """Count an attempt for each key; during a lockout, return its remaining seconds instead.

    :param free_attempts: the number of attempts without lockout, by key.
    """
    connection = ensure_write_transaction(db)
    db.execute(sa.delete(LoginFailure).where(LoginFailure.last_at <= now - FAILURE_TTL))
    # Rows are always locked in primary-key order to avoid deadlocks.
    failures = db.scalars(
        sa.select(LoginFailure)
        .where(LoginFailure.key.in_(free_attempts))
        .order_by(LoginFailure.key)
        .with_for_update()
    )
    remaining = max(
        (f.last_at + _lockout(f.count, free_attempts[f.key]) - now for f in failures),
        default=timedelta(),
    )
    if remaining > timedelta():
        return math.ceil(remaining.total_seconds())
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    for key in sorted(free_attempts):
        db.execute(
            insert(LoginFailure)
            .values(key=key, count=1, last_at=now)
            .on_conflict_do_update(
                index_elements=["key"], set_={"count": LoginFailure.count + 1, "last_at": now}
            )
        )
    return 0


def _lockout(failures: int, free_attempts: int) -> timedelta:
    """Return the lockout after a number of failures: 1 s, 2 s, 4 s …"""
    seconds = exponential_delay(
        failures - free_attempts + 1, initial=1, maximum=MAX_LOCKOUT.total_seconds()
    )
    return timedelta(seconds=seconds)


def _address_prefix(address: str) -> str:
    """Return the part of an address that its owner cannot change: /64 for IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network(f"{parsed.exploded}/64", strict=False))
