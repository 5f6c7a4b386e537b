"""Who of the crew did what, and when."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import AuditEntry as Entry


class Audit:
    """The audit trail. It only grows."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def note(self, *, account: str, action: str, subject: str, now: datetime) -> None:
        """Write down that an account did something.

        :param account: its name; ``cli:NAME`` for somebody at the command line.
        :param action: what was done, such as ``token.issue``.
        :param subject: what it was done to, for people.
        """
        ensure_write_transaction(self.db)
        self.db.add(
            Entry(
                at=now, account=account[:64], action=action[:32], subject=_sanitize(subject)[:200]
            )
        )

    def latest(self, limit: int = 200, account: str | None = None) -> Sequence[Entry]:
        """Return the newest entries, newest first.

        :param account: only those of this account.
        """
        query = sa.select(Entry)
        if account is not None:
            query = query.where(Entry.account == account)
        return self.db.scalars(query.order_by(Entry.at.desc(), Entry.id.desc()).limit(limit)).all()

    def accounts(self) -> Sequence[str]:
        """Return the names of all who have ever done something, also of those who are gone."""
        return self.db.scalars(sa.select(Entry.account).distinct().order_by(Entry.account)).all()


def _sanitize(text: str) -> str:
    """Return a text that cannot pretend to be another line, nor break a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
