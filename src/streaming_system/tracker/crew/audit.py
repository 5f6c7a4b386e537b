"""The audit log of the crew's actions."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import AuditEntry

FAILED_LOGIN = "login.failed"
# What people read for an action; the subject of an entry follows.
ACTION_LABELS: Mapping[str, str] = {
    "account.create": "created the account",
    "account.delete": "deleted the account",
    "account.erase": "erased the name of the account",
    "account.password": "set the password of",
    "account.role": "changed a role:",
    "account.unlock": "unlocked the account",
    "annotation.add": "added the annotation",
    "annotation.remove": "deleted the annotation",
    "endpoint.drain": "drained the endpoint",
    "endpoint.undrain": "stopped draining the endpoint",
    "feedback.delete": "deleted feedback:",
    "feedback.export": "exported the feedback on",
    FAILED_LOGIN: "failed to log in",
    "login": "logged in",
    "logout": "logged out",
    "logout.everywhere": "ended all sessions",
    "player.erase": "erased the reports of a player",
    "schedule.import": "imported the schedule",
    "second_factor.codes": "made new recovery codes for",
    "second_factor.disable": "turned off the second factor of",
    "second_factor.enable": "turned on the second factor of",
    "second_factor.reset": "removed the second factor of",
    "site.change": "changed the site:",
    "site.undo": "undid a change of the site:",
    "stream_key.create": "created the stream key",
    "stream_key.revoke": "revoked the stream key",
    "token.issue": "issued the token",
    "token.revoke": "revoked the token",
}


class AuditLog:
    """The audit log. Entries are never changed."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def record(self, *, account: str, action: str, subject: str, now: datetime) -> None:
        """Add an entry.

        :param account: the name of the account; ``cli:USER`` for the command line.
        :param action: the kind of action, such as ``token.issue``.
        :param subject: a description of the changed object.
        """
        ensure_write_transaction(self.db)
        self.db.add(
            AuditEntry(
                at=now, account=account[:64], action=action[:32], subject=_sanitize(subject)[:200]
            )
        )

    def latest(
        self, limit: int = 200, account: str | None = None, *, failed_logins: bool = False
    ) -> Sequence[AuditEntry]:
        """Return the newest entries, newest first.

        :param account: only entries of this account.
        :param failed_logins: only failed logins. The default is all others, because any stranger
            can cause thousands of failed ones.
        """
        is_failed_login = AuditEntry.action == FAILED_LOGIN
        query = sa.select(AuditEntry).where(is_failed_login if failed_logins else ~is_failed_login)
        if account is not None:
            query = query.where(AuditEntry.account == account)
        return self.db.scalars(
            query.order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)
        ).all()

    def accounts(self) -> Sequence[str]:
        """Return the names of all accounts with entries, including deleted accounts."""
        return self.db.scalars(
            sa.select(AuditEntry.account).distinct().order_by(AuditEntry.account)
        ).all()


def action_label(action: str) -> str:
    """Return an action in words; an action of a later version is its own label."""
    return ACTION_LABELS.get(action, action)


def _sanitize(text: str) -> str:
    """Replace control characters, so that a text stays in its line and is safe in a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
