"""Selects the reminders that are due, and records what became of them."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, sessionmaker

from streaming_system.tracker.db.bounds import serialize_new
from streaming_system.tracker.db.session import write_transaction
from streaming_system.tracker.models import PushSubscription, Reminder, ReminderTotal
from streaming_system.tracker.reminders.scheduled_talks import ReminderSubjects
from streaming_system.tracker.reminders.subscriptions import BrowserKeys

# A process that ends while it sends has this time before another one sends again.
LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 8
# A talk that is moved by at least this much after its notification is announced again.
MOVED_THRESHOLD = timedelta(minutes=10)
# A room that was live within this time has not started again.
ROOM_BREAK = timedelta(hours=2)
# How often the time is stored at which a room was seen live.
SEEN_INTERVAL = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class DueReminder:
    """A reminder that this process has leased."""

    id: int
    kind: str
    subject: str
    attempts: int
    subscription: int
    browser: BrowserKeys


class ReminderQueue:
    """The reminders that wait.

    :param lead: how long before a talk its notification is sent.
    """

    def __init__(self, sessions: sessionmaker[Session], lead: timedelta) -> None:
        self._sessions, self._lead = sessions, lead

    def lease(
        self, index: ReminderSubjects, live_rooms: Collection[str], *, now: datetime, limit: int
    ) -> Sequence[DueReminder]:
        """Lease reminders that are due: no other process gets them before the lease ends."""
        conditions = [
            sa.and_(
                Reminder.kind == "talk",
                Reminder.subject == subject,
                sa.or_(
                    Reminder.sent_for.is_(None),
                    Reminder.sent_for <= talk.start - MOVED_THRESHOLD,
                ),
            )
            for subject, talk in index.talks.items()
            if talk.start - self._lead <= now < talk.end
        ]
        if rooms := [room for room in live_rooms if room in index.rooms]:
            has_started = sa.or_(Reminder.sent_for.is_(None), Reminder.sent_for <= now - ROOM_BREAK)
            conditions.append(
                sa.and_(Reminder.kind == "room", Reminder.subject.in_(rooms), has_started)
            )
        if not conditions:
            return ()
        ids = (
            sa.select(Reminder.id)
            .where(sa.or_(*conditions), Reminder.next_attempt_at <= now, Reminder.until > now)
            .order_by(Reminder.id)
            .limit(limit)
        )
        # Mostly, nothing is due: that needs no write transaction.
        with self._sessions() as db:
            if db.scalar(ids.limit(1)) is None:
                return ()
        with write_transaction(self._sessions) as db:
            leased = db.scalars(ids.with_for_update(skip_locked=True)).all()
            if not leased:
                return ()
            db.execute(
                sa.update(Reminder)
                .where(Reminder.id.in_(leased))
                .values(next_attempt_at=now + LEASE, attempts=Reminder.attempts + 1)
            )
            rows = db.execute(
                sa.select(Reminder, PushSubscription)
                .join(PushSubscription, PushSubscription.id == Reminder.subscription_id)
                .where(Reminder.id.in_(leased))
                .order_by(Reminder.id)
            )
            return [
                DueReminder(
                    id=reminder.id,
                    kind=reminder.kind,
                    subject=reminder.subject,
                    attempts=reminder.attempts,
                    subscription=browser.id,
                    browser=BrowserKeys(url=browser.url, p256dh=browser.p256dh, auth=browser.auth),
                )
                for reminder, browser in rows
            ]

    def record(
        self,
        *,
        done: Mapping[int, datetime],
        retry: Mapping[int, datetime],
        gone: Collection[int],
        totals: Counter[str],
    ) -> None:
        """Store the results of a batch.

        :param done: reminders that are not sent again, and the start that they were sent for.
        :param retry: reminders and the time of their next attempt.
        :param gone: the subscriptions that no longer exist.
        :param totals: the number of results by name.
        """
        with write_transaction(self._sessions) as db:
            for reminder, start in done.items():
                db.execute(
                    sa.update(Reminder)
                    .where(Reminder.id == reminder)
                    .values(sent_for=start, attempts=0)
                )
            for reminder, at in retry.items():
                db.execute(
                    sa.update(Reminder).where(Reminder.id == reminder).values(next_attempt_at=at)
                )
            if gone:
                db.execute(sa.delete(PushSubscription).where(PushSubscription.id.in_(gone)))
            for result, count in sorted(totals.items()):
                _add_to_total(db, result, count)

    def follow_schedule(
        self, index: ReminderSubjects, live_rooms: Collection[str], *, now: datetime
    ) -> None:
        """Move the expiry of reminders with their talks, and delete what has expired."""
        subject = sa.select(Reminder.kind, Reminder.subject, Reminder.until).distinct()
        seen = sa.and_(
            Reminder.kind == "room",
            Reminder.subject.in_(list(live_rooms)),
            Reminder.sent_for < now - SEEN_INTERVAL,
            # Otherwise it has started again.
            Reminder.sent_for > now - ROOM_BREAK,
        )
        has_none = ~sa.exists().where(Reminder.subscription_id == PushSubscription.id)
        with self._sessions() as db:
            moved = [
                (kind, name, until, end)
                for kind, name, until in db.execute(subject)
                if (end := index.expiry(kind, name)) and end != until and end > now
            ]
            has_expired = db.scalar(sa.select(sa.exists().where(Reminder.until <= now)))
            is_seen = db.scalar(sa.select(sa.exists().where(seen)))
            is_empty = db.scalar(
                sa.select(sa.exists(sa.select(PushSubscription.id).where(has_none)))
            )
        if not (moved or has_expired or is_seen or is_empty):
            return
        with write_transaction(self._sessions) as db:
            # A request may be adding reminders to a subscription that has none.
            serialize_new(db.connection())
            for kind, name, until, end in moved:
                db.execute(
                    sa.update(Reminder)
                    .where(Reminder.kind == kind, Reminder.subject == name, Reminder.until == until)
                    .values(until=end)
                )
            db.execute(sa.update(Reminder).where(seen).values(sent_for=now))
            db.execute(sa.delete(Reminder).where(Reminder.until <= now))
            db.execute(sa.delete(PushSubscription).where(has_none))


def _add_to_total(db: Session, result: str, count: int) -> None:
    insert = postgresql.insert if db.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(ReminderTotal).values(result=result, count=count)
    db.execute(
        statement.on_conflict_do_update(
            index_elements=[ReminderTotal.result],
            set_={"count": ReminderTotal.count + count},
        )
    )
