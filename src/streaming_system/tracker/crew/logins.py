"""Logging in, and keeping those out who guess."""

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
from streaming_system.tracker.crew.audit import Audit
from streaming_system.tracker.db.session import ensure_write_transaction, write_transaction
from streaming_system.tracker.models import Account, LoginFailure

# So often may a name be wrong from one address, and from all addresses together, before a wait.
FREE_ATTEMPTS = 5
FREE_ATTEMPTS_PER_NAME = 50
MAX_LOCKOUT = timedelta(minutes=15)
FAILURE_TTL = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class LoginResult:
    """What came of a name and a password: an account, or ``None`` and how many seconds to wait.

    ``epoch`` is the account's; see :class:`Account`. The password matches ``password_hash``.
    """

    account: int | None = None
    name: str = ""
    epoch: int = 0
    password_hash: str = ""
    wait: int = 0


class Logins:
    """The log-ins. Checking a password takes long, so that no transaction is open meanwhile."""

    def __init__(self, sessions: sessionmaker[Session], key: bytes) -> None:
        self._sessions = sessions
        self._key = key

    def log_in(self, name: str, password: str, *, address: str, now: datetime) -> LoginResult:
        """Let somebody in whose name and password are right, as :meth:`prove` tells."""
        login = self.prove(name, password, address=address, now=now)
        if login.account is None:
            return login
        outdated = passwords.needs_rehash(login.password_hash)
        renewed = passwords.hash_password(password) if outdated else ""
        with write_transaction(self._sessions) as db:
            if renewed:
                # Not over a password that was changed in the meantime.
                db.execute(
                    sa.update(Account)
                    .where(Account.id == login.account)
                    .where(Account.password_hash == login.password_hash)
                    .values(password_hash=renewed)
                )
            Audit(db).note(account=login.name, action="login", subject="", now=now)
        return login

    def prove(self, name: str, password: str, *, address: str, now: datetime) -> LoginResult:
        """Tell whose account it is, if name and password are right and nobody has to wait.

        :param address: where the caller comes from; only a keyed hash of it is kept.
        """
        keys = {
            self._hash(f"{name}|{_address_prefix(address)}"): FREE_ATTEMPTS,
            self._hash(name): FREE_ATTEMPTS_PER_NAME,
        }
        # It counts as failed until it has succeeded, or many could guess at the same moment.
        with write_transaction(self._sessions) as db:
            wait = _count_attempt(db, keys, now)
        if wait:
            return LoginResult(wait=wait)
        with self._sessions() as db:
            account = Accounts(db).find(name)
        right = passwords.verify(account.password_hash if account else None, password)
        if account is None or not right:
            self._note(account.name if account else "", "login.failed", now)
            return LoginResult()
        with write_transaction(self._sessions) as db:
            db.execute(sa.delete(LoginFailure).where(LoginFailure.key.in_(keys)))
        return LoginResult(
            account=account.id,
            name=account.name,
            epoch=account.epoch,
            password_hash=account.password_hash,
        )

    def _note(self, name: str, action: str, now: datetime) -> None:
        # What was typed as a name and is none may be a password.
        subject = "" if name else "a name that no account has"
        with write_transaction(self._sessions) as db:
            Audit(db).note(account=name, action=action, subject=subject, now=now)

    def _hash(self, text: str) -> str:
        return hmac.digest(self._key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def _count_attempt(db: Session, keys: dict[str, int], now: datetime) -> int:
    """Count an attempt for each key, or return for how many seconds it must wait."""
    connection = ensure_write_transaction(db)
    db.execute(sa.delete(LoginFailure).where(LoginFailure.last_at <= now - FAILURE_TTL))
    # In the same order for all, so that nobody waits for each other.
    failures = db.scalars(
        sa.select(LoginFailure)
        .where(LoginFailure.key.in_(keys))
        .order_by(LoginFailure.key)
        .with_for_update()
    )
    wait = max(
        (f.last_at + _lockout(f.count, keys[f.key]) - now for f in failures), default=timedelta()
    )
    if wait > timedelta():
        return math.ceil(wait.total_seconds())
    insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
    for key in sorted(keys):
        db.execute(
            insert(LoginFailure)
            .values(key=key, count=1, last_at=now)
            .on_conflict_do_update(
                index_elements=["key"], set_={"count": LoginFailure.count + 1, "last_at": now}
            )
        )
    return 0


def _lockout(count: int, free: int) -> timedelta:
    """Return how long to wait after so many failures: 1 s, 2 s, 4 s …"""
    if count < free:
        return timedelta()
    # The exponent has a limit, or the number has none.
    return min(timedelta(seconds=2 ** min(count - free, 20)), MAX_LOCKOUT)


def _address_prefix(address: str) -> str:
    """Return what of an address somebody cannot change at will: of IPv6 the first half."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return address
    if number.version == 4:
        return str(number)
    if number.ipv4_mapped:
        return str(number.ipv4_mapped)
    return str(ipaddress.ip_network(f"{number.exploded}/64", strict=False))
