"""Open and resolved incidents."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.config import ConferenceConfig
from streaming_system.schedule.model import Schedule
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.event_rooms import SiteSchedules, event_mount
from streaming_system.tracker.incidents.bounds import OVERFLOW_TYPE, bound_findings
from streaming_system.tracker.incidents.detector import IncidentDetector, to_single_line
from streaming_system.tracker.incidents.finding import IncidentFinding
from streaming_system.tracker.models import IncidentRecord

CHECK_INTERVAL = timedelta(seconds=10)
# Plugins are not notified of incidents that were resolved longer ago.
NOTIFICATION_TTL = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class IncidentNotification:
    """An opened or resolved incident that plugins are not yet notified of.

    :param title: the title of the room.
    :param preview: the URL of the room's preview; "" without a room.
    :param closed_at: ``None`` for the notification that the incident opened.
    """

    id: int
    kind: str
    room: str
    title: str
    subject: str
    summary: str
    opened_at: datetime
    closed_at: datetime | None
    preview: str


class CheckThrottle:
    """Limits checks to one per :data:`CHECK_INTERVAL` in each process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_check: datetime | None = None

    def should_check(self, now: datetime) -> bool:
        """Return whether the caller should check now."""
        with self._lock:
            # abs: the clock may have been set back.
            if self._last_check is not None and abs(now - self._last_check) < CHECK_INTERVAL:
                return False
            self._last_check = now
            return True


class Incidents:
    """The incident table.

    :param schedule: the schedule; ``None`` disables the rule for rooms without stream.
    :param on_bound: called with ``incidents_per_room`` whenever that bound is reached.
    """

    def __init__(
        self,
        db: Session,
        conference: ConferenceConfig,
        schedule: SiteSchedules | None,
        settings: Mapping[str, Any],
        on_bound: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.db = db
        self._on_bound = on_bound
        self.conference = conference
        self.schedule = schedule
        self.settings = settings

    def check(self, *, now: datetime) -> Sequence[IncidentRecord]:
        """Open new incidents and resolve finished ones; return the open ones, newest first.

        Several processes may check at once: an index allows one open row per incident.
        """
        # A lock from the start of the transaction: a later upgrade could deadlock.
        connection = ensure_write_transaction(self.db)
        schedule = self.schedule.current() if self.schedule else Schedule()
        detector = IncidentDetector(self.db, self.conference, schedule, self.settings)
        open_incidents = {(i.kind, i.room, i.subject): i for i in self.open()}
        findings = bound_findings(
            detector.detect(now=now),
            open_incidents.keys(),
            self.conference.rooms,
            self.settings["bound.incidents_per_room"],
        )
        if any(finding.kind == OVERFLOW_TYPE for finding in findings.values()):
            self._on_bound("incidents_per_room")
        new = [f for key, f in findings.items() if f.should_open and key not in open_incidents]
        self._insert(connection.dialect.name, new, now)
        self._resolve([i.id for key, i in open_incidents.items() if key not in findings], now)
        for key, incident in open_incidents.items():
            if incident.kind == OVERFLOW_TYPE and key in findings:
                incident.summary = to_single_line(findings[key].summary)
        return self.open()

    def current(self, throttle: CheckThrottle, *, now: datetime) -> Sequence[IncidentRecord]:
        """Return the open incidents, after a check if one is due.

        Thus the result is up to date even if no monitor runs.
        """
        # On SQLite, a transaction that has only read cannot start to write.
        if not self.db.in_transaction() and throttle.should_check(now):
            return self.check(now=now)
        return self.open()

    def open(self) -> Sequence[IncidentRecord]:
        """Return the open incidents, newest first, without a check."""
        return self._newest_first(IncidentRecord.closed_at.is_(None))

    def latest(self, *, now: datetime, days: int = 7) -> Sequence[IncidentRecord]:
        """Return the open incidents and those that opened within some days, newest first."""
        return self._newest_first(
            sa.or_(
                IncidentRecord.closed_at.is_(None), IncidentRecord.opened_at > now - timedelta(days)
            )
        )

    def _newest_first(self, condition: sa.ColumnElement[bool]) -> Sequence[IncidentRecord]:
        return self.db.scalars(
            sa.select(IncidentRecord)
            .where(condition)
            .order_by(IncidentRecord.opened_at.desc(), IncidentRecord.id.desc())
        ).all()

    def pending_notifications(self, *, now: datetime) -> Sequence[IncidentNotification]:
        """Return what plugins must be notified of; of each incident, its opening first.

        Incidents that were resolved :data:`NOTIFICATION_TTL` ago are marked as notified.
        """
        ensure_write_transaction(self.db)
        is_resolved = IncidentRecord.closed_at.is_not(None)
        is_pending = sa.or_(
            ~IncidentRecord.notified_open, sa.and_(is_resolved, ~IncidentRecord.notified_closed)
        )
        self.db.execute(
            sa.update(IncidentRecord)
            .where(is_pending, is_resolved, IncidentRecord.closed_at <= now - NOTIFICATION_TTL)
            .values(notified_open=True, notified_closed=True)
            .execution_options(synchronize_session=False)
        )
        rows = self.db.scalars(
            sa.select(IncidentRecord).where(is_pending).order_by(IncidentRecord.id)
        )
        return [self._notification(incident) for incident in rows]

    def _notification(self, incident: IncidentRecord) -> IncidentNotification:
        room = self.conference.rooms.get(incident.room)
        return IncidentNotification(
            id=incident.id,
            kind=incident.kind,
            room=incident.room,
            title=room.title if room else incident.room,
            subject=incident.subject,
            summary=incident.summary,
            opened_at=incident.opened_at,
            closed_at=incident.closed_at if incident.notified_open else None,
            preview=self.preview_url(incident.room),
        )

    def preview_url(self, room: str) -> str:
        """Return the URL of a room's preview, below ``frontend.url``; "" for an unknown room."""
        if room not in self.conference.rooms:
            return ""
        own_preview = self.conference.rooms[room].preview
        site = self.settings["frontend.url"].rstrip("/")
        mount = event_mount(self.settings, room)
        return own_preview or f"{site}{mount.path}/preview/{mount.room}-large.jpg"

    def mark_notified(self, notification: IncidentNotification) -> None:
        """Store that plugins were notified."""
        is_opening = notification.closed_at is None
        flag = IncidentRecord.notified_open if is_opening else IncidentRecord.notified_closed
        ensure_write_transaction(self.db)
        self.db.execute(
            sa.update(IncidentRecord)
            .where(IncidentRecord.id == notification.id)
            .values({flag: True})
            .execution_options(synchronize_session=False)
        )

    def _insert(self, dialect: str, findings: Sequence[IncidentFinding], now: datetime) -> None:
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
                "notified_open": False,
                "notified_closed": False,
            }
            for finding in findings
        ]
        # Another process may have inserted the same incident at the same time.
        self.db.execute(insert(IncidentRecord).values(rows).on_conflict_do_nothing())

    def _resolve(self, ids: Sequence[int], now: datetime) -> None:
        if ids:
            self.db.execute(
                sa.update(IncidentRecord)
                .where(IncidentRecord.id.in_(ids), IncidentRecord.closed_at.is_(None))
                .values(closed_at=now)
                .execution_options(synchronize_session=False)
            )
