"""Deletes what the tracker stores about one person."""

import re
from collections.abc import Collection, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.crew.accounts import Accounts
from streaming_system.tracker.crew.audit import AuditLog
from streaming_system.tracker.crew.errors import CrewError
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import (
    Account,
    Annotation,
    AuditEntry,
    Base,
    LoginFailure,
    Player,
    StreamKey,
    Token,
)

# Replaces the name of an account. What the account did stays.
ERASED = "(erased)"
# Columns of this name, in any table, have the name or the id of an account.
NAME_COLUMNS = frozenset({"account", "account_name", "created_by"})
ID_COLUMNS = frozenset({"account_id"})


class Erasure:
    """Deletes what is stored about an account or a player.

    :param account: who does it, for the audit log.
    """

    def __init__(self, db: Session, *, account: str) -> None:
        self.db = db
        self._account = account

    def erase_account(self, name: str, *, now: datetime) -> Sequence[str]:
        """Delete an account, or what is left of a deleted one, and its name wherever it occurs.

        Failed log-ins of all accounts are deleted, too: they are keyed hashes, and those of a name
        and an address cannot be found by the name alone.

        :return: labels of tokens, stream keys and annotations that contain the name.
        :raises CrewError: if nothing is stored under this name, or if it is that of the last admin.
        """
        ensure_write_transaction(self.db)
        account = Accounts(self.db).find(name)
        if account is not None:
            self._delete_rows_of(account.id)
            Accounts(self.db).delete(name)
        count = self._replace_name(name) + self._replace_in_audit_subjects(name)
        if account is None and not count:
            raise CrewError(f"nothing is stored about an account called {name!r:.80}")
        self.db.execute(sa.delete(LoginFailure))
        AuditLog(self.db).record(
            account=self._account if self._account != name else ERASED,
            action="account.erase",
            subject="",
            now=now,
        )
        return self._labels_with(name)

    def erase_players(self, sids: Collection[str], *, now: datetime) -> int:
        """Delete the rows of players; return their number.

        What they reported has no identifier, and stays until its retention ends.
        """
        ensure_write_transaction(self.db)
        found = self.db.scalars(sa.delete(Player).where(Player.sid.in_(sids)).returning(Player.sid))
        count = len(found.all())
        AuditLog(self.db).record(account=self._account, action="player.erase", subject="", now=now)
        return count

    def _delete_rows_of(self, account_id: int) -> None:
        """Delete the rows of other tables that belong to an account."""
        for table in reversed(Base.metadata.sorted_tables):
            for column in table.columns:
                references = {key.column.table.name for key in column.foreign_keys}
                if Account.__tablename__ in references or column.name in ID_COLUMNS:
                    self.db.execute(sa.delete(table).where(column == account_id))

    def _replace_name(self, name: str) -> int:
        count = 0
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if column.name in NAME_COLUMNS:
                    update = sa.update(table).where(column == name).values({column: ERASED})
                    count += self.db.execute(update).rowcount  # type: ignore[attr-defined]
        return count

    def _replace_in_audit_subjects(self, name: str) -> int:
        """Replace the name in the descriptions of what was done to the account."""
        word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w-]|\.\w)")
        entries = self.db.scalars(
            sa.select(AuditEntry).where(AuditEntry.subject.contains(name, autoescape=True))
        )
        count = 0
        for entry in entries:
            # The length of the column.
            subject = word.sub(ERASED, entry.subject)[:200]
            count += subject != entry.subject
            entry.subject = subject
        self.db.flush()
        return count

    def _labels_with(self, name: str) -> Sequence[str]:
        labels = sa.union(
            *(
                sa.select(model.label).where(model.label.contains(name, autoescape=True))
                for model in (Token, StreamKey, Annotation)
            )
        )
        return sorted(self.db.scalars(labels))
