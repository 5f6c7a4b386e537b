"""Failed logins: they are counted per name, address and device, and cause lockouts."""

import hmac
import ipaddress
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import LoginFailure
from streaming_system.util.backoff import exponential_delay

# Failed attempts before a lockout: for a name from one address or device, and from all addresses
# together.
FREE_ATTEMPTS = 5
FREE_ATTEMPTS_PER_NAME = 50
MAX_LOCKOUT = timedelta(minutes=15)
FAILURE_TTL = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class LoginClient:
    """The client that sends a name and a password.

    :param address: only a keyed hash of it is stored.
    :param device: the id of a browser in which this account has logged in before; "" for others.
    """

    address: str
    device: str = ""


class LoginFailureKeys:
    """Keyed hashes of names, addresses and devices, by which failures are counted."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def name(self, name: str) -> str:
        """Return the key of an account name, whether or not there is such an account."""
        return self._hash("name", name)

    def free_attempts(self, name: str, client: LoginClient) -> dict[str, int]:
        """Return the number of attempts without lockout, by the keys that an attempt counts for.

        A device has a count of its own, so that failures of other clients do not slow it down.
        """
        if client.device:
            return {self._hash("device", name, client.device): FREE_ATTEMPTS}
        return {
            self._hash("address", name, _address_prefix(client.address)): FREE_ATTEMPTS,
            self.name(name): FREE_ATTEMPTS_PER_NAME,
        }

    def _hash(self, *texts: str) -> str:
        # JSON separates the texts, so that no name equals a name with an address.
        return hmac.digest(self._key, json.dumps(texts).encode(), "sha256").hex()


class LoginFailures:
    """The counts of failed logins."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def count_attempt(self, name_key: str, free_attempts: Mapping[str, int], now: datetime) -> int:
        """Count an attempt for each key; during a lockout, return its remaining seconds instead.

        :param name_key: the key of the account name.
        :param free_attempts: the number of attempts without lockout, by key.
        """
        connection = ensure_write_transaction(self.db)
        self.db.execute(sa.delete(LoginFailure).where(LoginFailure.last_at <= now - FAILURE_TTL))
        # Rows are always locked in primary-key order to avoid deadlocks.
        failures = self.db.scalars(
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
            self.db.execute(
                insert(LoginFailure)
                .values(key=key, name_key=name_key, count=1, last_at=now)
                .on_conflict_do_update(
                    index_elements=["key"],
                    set_={
                        "count": LoginFailure.count + 1,
                        "last_at": now,
                        "name_key": name_key,
                    },
                )
            )
        return 0

    def delete(self, keys: Collection[str]) -> None:
        """Delete the counts of some keys."""
        ensure_write_transaction(self.db)
        self.db.execute(sa.delete(LoginFailure).where(LoginFailure.key.in_(keys)))

    def unlock(self, name_key: str) -> None:
        """Delete all counts of an account name, which ends its lockouts."""
        ensure_write_transaction(self.db)
        self.db.execute(sa.delete(LoginFailure).where(LoginFailure.name_key == name_key))


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
