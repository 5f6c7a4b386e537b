"""What is wrong, and what was: findings with a beginning and an end."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.config import ConferenceConfig
from streaming_system.schedule.model import Schedule
from streaming_system.schedule.store import ScheduleStore
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.incidents.detector import (
    IncidentDetector,
    IncidentFinding,
    to_single_line,
)
from streaming_system.tracker.models import IncidentRecord

CHECK_INTERVAL = timedelta(seconds=10)
# What has been over for so long is no news to anybody.
NOTIFICATION_TTL = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class IncidentNotification:
    """That an incident has begun, or is over, and plugins have not been told yet.

    :param title: what people call the room.
    :param closed_at: ``None`` for the news of its beginning.
    """

    id: int
    kind: str
    room: str
    title: str
    subject: str
    summary: str
    opened_at: datetime
    closed_at: datetime | None


class CheckThrottle:
    """Lets one thread in every ten seconds through, so that questions cost the same as one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: datetime | None = None

    def is_time(self, now: datetime) -> bool:
        """Tell whether the caller is the one."""
        with self._lock:
            if self._last is not None and abs(now - self._last) < CHECK_INTERVAL:
                return False
            self._last = now
            return True


class Incidents:
    """The table of what is and was wrong.

    :param schedule: the programme; ``None`` on a machine that has none, where no room is missed.
    """

    def __init__(
        self,
        db: Session,
        conference: ConferenceConfig,
        schedule: ScheduleStore | None,
        settings: Mapping[str, Any],
    ) -> None:
        self.db = db
        self.conference = conference
        self.schedule = schedule
        self.settings = settings

    def check(self, *, now: datetime) -> Sequence[IncidentRecord]:
        """Bring the table up to date, and return what is wrong, newest first.

        Several processes may check at once: of one incident there is only ever one open row.
        """
        # Who writes waits for other writers from the start of the transaction on.
        connection = ensure_write_transaction(self.db)
        planned = self.schedule.current() if self.schedule else Schedule()
        wrong = IncidentDetector(self.db, self.conference, planned, self.settings)
        findings = {(f.kind, f.room, f.subject): f for f in wrong.found(now=now)}
        known = {(i.kind, i.room, i.subject): i for i in self.open()}
        new = [f for key, f in findings.items() if f.opens and key not in known]
        self._begin(connection.dialect.name, new, now)
        self._end([incident.id for key, incident in known.items() if key not in findings], now)
        return self.open()

    def current(self, pace: CheckThrottle, *, now: datetime) -> Sequence[IncidentRecord]:
        """Return what is wrong, after a check if it is time for one.

        So it is true even where no watcher runs.
        """
        # A transaction that only reads cannot become one that writes in SQLite.
        if not self.db.in_transaction() and pace.is_time(now):
            return self.check(now=now)
        return self.open()

    def open(self) -> Sequence[IncidentRecord]:
        """Return what is wrong according to the table, newest first."""
        return self.db.scalars(
            sa.select(IncidentRecord)
            .where(IncidentRecord.closed_at.is_(None))
            .order_by(IncidentRecord.opened_at.desc(), IncidentRecord.id.desc())
        ).all()

    def latest(self, *, now: datetime, days: int = 7) -> Sequence[IncidentRecord]:
        """Return what is wrong or began within some days, newest first."""
        return self.db.scalars(
            sa.select(IncidentRecord)
            .where(
                sa.or_(
                    IncidentRecord.closed_at.is_(None),
                    IncidentRecord.opened_at > now - timedelta(days),
                )
            )
            .order_by(IncidentRecord.opened_at.desc(), IncidentRecord.id.desc())
        ).all()

    def news(self, *, now: datetime) -> Sequence[IncidentNotification]:
        """Return what plugins have not been told: the end of an incident only after its beginning.

        What has been over for an hour is told to nobody any more.
        """
        ensure_write_transaction(self.db)
        over = IncidentRecord.closed_at.is_not(None)
        untold = sa.or_(~IncidentRecord.told_open, sa.and_(over, ~IncidentRecord.told_closed))
        self.db.execute(
            sa.update(IncidentRecord)
            .where(untold, over, IncidentRecord.closed_at <= now - NOTIFICATION_TTL)
            .values(told_open=True, told_closed=True)
            .execution_options(synchronize_session=False)
        )
        rows = self.db.scalars(sa.select(IncidentRecord).where(untold).order_by(IncidentRecord.id))
        return [self._news(incident) for incident in rows]

    def _news(self, incident: IncidentRecord) -> IncidentNotification:
        room = self.conference.rooms.get(incident.room)
        return IncidentNotification(
            id=incident.id,
            kind=incident.kind,
            room=incident.room,
            title=room.title if room else incident.room,
            subject=incident.subject,
            summary=incident.summary,
            opened_at=incident.opened_at,
            closed_at=incident.closed_at if incident.told_open else None,
        )

    def told(self, news: IncidentNotification) -> None:
        """Remember that plugins have been told."""
        flag = IncidentRecord.told_open if news.closed_at is None else IncidentRecord.told_closed
        ensure_write_transaction(self.db)
        self.db.execute(
            sa.update(IncidentRecord)
            .where(IncidentRecord.id == news.id)
            .values({flag: True})
            .execution_options(synchronize_session=False)
        )

    def _begin(self, dialect: str, findings: Sequence[IncidentFinding], now: datetime) -> None:
        if not findings:
            return
        insert = (postgresql if dialect == "postgresql" else sqlite).insert
        rows = [
            {
                "kind": finding.kind,
                "room": finding.room,
                "subject": finding.subject,
                "summary": to_single_line(finding.summary),
                "opened_at": now,
                "told_open": False,
                "told_closed": False,
            }
            for finding in findings
        ]
        # Another process may have found the same at the same moment.
        self.db.execute(insert(IncidentRecord).values(rows).on_conflict_do_nothing())

    def _end(self, ids: Sequence[int], now: datetime) -> None:
        if ids:
            self.db.execute(
                sa.update(IncidentRecord)
                .where(IncidentRecord.id.in_(ids), IncidentRecord.closed_at.is_(None))
                .values(closed_at=now)
                .execution_options(synchronize_session=False)
            )
