"""The reminders that browsers have asked for."""

import base64
import binascii
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db.bounds import Bounds, serialize_new
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import PushSubscription, Reminder
from streaming_system.tracker.reminders.scheduled_talks import ReminderSubjects

# Reminders of rooms without a schedule expire after this time.
ROOM_RETENTION = timedelta(days=30)
MAX_TALKS, MAX_ROOMS = 300, 100
AUTH_BYTES = 16


@dataclass(frozen=True, kw_only=True)
class BrowserKeys:
    """What a browser has got from its push service.

    :param url: where messages to it are sent; only the browser and this site know it.
    :param p256dh: its public key, and ``auth``: its secret; both base64url.
    """

    url: str
    p256dh: str
    auth: str


def decode_key(text: str) -> bytes:
    """Return the bytes of base64url with or without padding.

    :raises ValueError: if it is none.
    """
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def parse_public_key(text: str) -> str:
    """Return a browser's public key.

    :raises ValueError: if it is no point of the curve P-256.
    """
    # A tracker without reminders starts faster without this import.
    from cryptography.hazmat.primitives.asymmetric import ec

    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode_key(text))
    return text


def parse_auth_secret(text: str) -> str:
    """Return a browser's secret.

    :raises ValueError: if it has not 16 bytes.
    """
    if len(decode_key(text)) != AUTH_BYTES:
        raise ValueError(text)
    return text


class ReminderStore:
    """The tables of browsers and their reminders.

    :param bounds: the bounds of the ini file.
    """

    def __init__(self, db: Session, bounds: Bounds) -> None:
        self.db = db
        self._bounds = bounds

    def replace(
        self,
        browser: BrowserKeys,
        index: ReminderSubjects,
        *,
        talks: Collection[str],
        rooms: Collection[str],
        now: datetime,
    ) -> dict[str, list[str]]:
        """Store all reminders of a browser; without any, delete the browser.

        Talks that are over and talks and rooms that do not exist are left out.

        :return: the ids of the ``talks`` and ``rooms`` that it will be reminded of.
        :raises BoundReachedError: for a new browser, if there are as many as there may be.
        """
        wanted = {
            ("talk", talk): index.talks[talk].end
            for talk in talks
            if talk in index.talks and index.talks[talk].end > now
        }
        for room in rooms:
            if room in index.rooms:
                end = index.rooms[room].until
                wanted["room", room] = end if end and end > now else now + ROOM_RETENTION
        connection = ensure_write_transaction(self.db)
        # Of two requests of one browser, the second one finds the row of the first one.
        serialize_new(connection)
        url_hash = hashlib.sha256(browser.url.encode()).hexdigest()
        row = self.db.scalar(
            sa.select(PushSubscription).where(PushSubscription.url_hash == url_hash)
        )
        if not wanted:
            if row is not None:
                self.db.delete(row)
        else:
            if row is None:
                self._require_space(connection, now)
                row = PushSubscription(url_hash=url_hash, url=browser.url)
                self.db.add(row)
            row.p256dh, row.auth = browser.p256dh, browser.auth
            self.db.flush()
            self._store(row.id, wanted, now)
        self.db.flush()
        return {
            f"{kind}s": sorted(subject for of, subject in wanted if of == kind)
            for kind in ("talk", "room")
        }

    def _store(
        self, subscription: int, wanted: dict[tuple[str, str], datetime], now: datetime
    ) -> None:
        """Add and delete reminders; those that stay are not sent a second time."""
        present = {
            (row.kind, row.subject): row
            for row in self.db.scalars(
                sa.select(Reminder).where(Reminder.subscription_id == subscription)
            )
        }
        for key, row in present.items():
            if key not in wanted:
                self.db.delete(row)
        for (kind, subject), until in wanted.items():
            if (kind, subject) not in present:
                self.db.add(
                    Reminder(
                        subscription_id=subscription,
                        kind=kind,
                        subject=subject,
                        until=until,
                        next_attempt_at=now,
                    )
                )

    def _require_space(self, connection: sa.Connection, now: datetime) -> None:
        self._bounds.require_space(connection, Reminder.__tablename__, now=now)
        maximum = self._bounds.get("reminder_browsers")
        count = self.db.scalar(sa.select(sa.func.count()).select_from(PushSubscription)) or 0
        if maximum is not None and count >= maximum:
            raise self._bounds.error(
                "reminder_browsers", "as many browsers have reminders as there may be"
            )
