"""Sends the reminders that are due; ``streaming-system tracker watch`` runs it."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session, sessionmaker

from streaming_system.net.ssrf import NetworkSettingError, parse_allowed_networks
from streaming_system.tracker.crew.server_keys import ServerKeys
from streaming_system.tracker.db.session import is_unavailable_error, make_engine, require_tables
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.slate import slate_since
from streaming_system.tracker.event_rooms import EventRooms, SiteSchedules
from streaming_system.tracker.models import Endpoint
from streaming_system.tracker.reminders.due import MAX_ATTEMPTS, DueReminder, ReminderQueue
from streaming_system.tracker.reminders.push_client import (
    Delivery,
    PushClient,
    PushMessage,
    Result,
)
from streaming_system.tracker.reminders.scheduled_talks import ReminderSubjects, ScheduledTalksCache
from streaming_system.tracker.reminders.vapid import VAPID_KEY_NAME, VapidSigner
from streaming_system.tracker.settings import StartupError, load_conference, load_settings
from streaming_system.util.backoff import exponential_delay
from streaming_system.util.log_once import LogOnce
from streaming_system.web.reloader import Reloader

log = logging.getLogger(__name__)

MAX_BATCH = 100
THREADS = 8
# A run ends after this time, so that the process checks for incidents in between.
MAX_RUN_SECONDS = 20.0
INITIAL_BACKOFF, MAX_BACKOFF = 15.0, 600.0  # seconds
MAX_RETRY_AFTER = 3600.0  # seconds
# How long a service may hold the message that a room is live.
ROOM_TTL = timedelta(minutes=30)


class ReminderSender:
    """Sends reminders. Several processes may run at the same time; each reminder is sent once.

    :param ini: the settings of ``[app:tracker]``.
    :raises StartupError: if the configuration is invalid or the database is unusable.
    """

    def __init__(
        self,
        ini: Mapping[str, str],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        settings = load_settings(ini)
        try:
            networks = parse_allowed_networks(ini)
        except NetworkSettingError as error:
            raise StartupError(str(error)) from None
        path = ini.get("schedule.file")
        self._schedule = ScheduledTalksCache(SiteSchedules(Path(path), ini) if path else None, ini)
        self._conferences = Reloader(
            partial(load_conference, ini, events=EventRooms()), "configuration"
        )
        self._engine = make_engine(ini)
        require_tables(self._engine)
        self._sessions = sessionmaker(self._engine)
        self._queue = ReminderQueue(
            self._sessions, timedelta(minutes=settings["reminders.minutes"])
        )
        self._clock = clock
        self._warnings = LogOnce(log)
        with self._sessions() as db:
            signer = VapidSigner(ServerKeys(db).get(VAPID_KEY_NAME), settings["reminders.contact"])
        self._client = PushClient(signer, settings["reminders.services"], networks)
        self._engine.dispose()

    def run_once(self) -> Counter[str]:
        """Send what is due; return the number of results by name.

        Without the database, it does nothing: the incident monitor logs that.
        """
        try:
            return self._run()
        except sa.exc.DBAPIError as error:
            if not is_unavailable_error(error):
                raise
            return Counter()
        finally:
            # Plugins run in forked processes, which must not inherit connections.
            self._client.close()
            self._engine.dispose()

    def _run(self) -> Counter[str]:
        deadline = time.monotonic() + MAX_RUN_SECONDS
        index = self._schedule.current(self._conferences.current())
        totals: Counter[str] = Counter()
        with self._sessions() as db:
            live_rooms = _live_rooms(db, self._clock())
        self._queue.follow_schedule(index, live_rooms, now=self._clock())
        while time.monotonic() < deadline:
            batch = self._queue.lease(index, live_rooms, now=self._clock(), limit=MAX_BATCH)
            if not batch:
                break
            totals += self._send(batch, index)
        return totals

    def _send(self, batch: Sequence[DueReminder], index: ReminderSubjects) -> Counter[str]:
        now = self._clock()
        with ThreadPoolExecutor(THREADS) as executor:
            deliveries = list(
                executor.map(
                    lambda due: self._client.send(_message(due, index, now), due.browser), batch
                )
            )
        done, retry, gone = {}, {}, set()
        totals: Counter[str] = Counter()
        for due, delivery in zip(batch, deliveries, strict=True):
            self._log(delivery)
            result = delivery.result
            if result is Result.RETRY and due.attempts < MAX_ATTEMPTS:
                retry[due.id] = now + _delay(due, delivery)
            elif result is Result.GONE:
                gone.add(due.subscription)
            else:
                talk = index.talks[due.subject] if due.kind == "talk" else None
                done[due.id] = talk.start if talk else now
                result = Result.REFUSED if result is Result.RETRY else result
            totals[result.value] += 1
        self._queue.record(done=done, retry=retry, gone=gone, totals=totals)
        return totals

    def _log(self, delivery: Delivery) -> None:
        if delivery.problem:
            self._warnings.warn(
                delivery.host, f"{delivery.problem}; reminders do not reach some viewers"
            )
        elif delivery.result is Result.SENT:
            self._warnings.resolve(delivery.host)


def _live_rooms(db: Session, now: datetime) -> frozenset[str]:
    """Return the rooms whose viewers get a stream, and not only a slate."""
    rooms: dict[str, list[Endpoint]] = {}
    for endpoint in Endpoints(db).alive(now=now):
        rooms.setdefault(endpoint.room, []).append(endpoint)
    return frozenset(room for room, endpoints in rooms.items() if slate_since(endpoints) is None)


def _message(due: DueReminder, index: ReminderSubjects, now: datetime) -> PushMessage:
    topic = f"{due.kind} {due.subject}"
    if due.kind == "talk":
        talk = index.talks[due.subject]
        content = {
            "kind": "talk",
            "title": talk.title,
            "room": talk.room,
            "path": talk.path,
            "start": talk.start.isoformat(),
        }
        return PushMessage(content=content, topic=topic, ttl=talk.end - now)
    room = index.rooms[due.subject]
    content = {"kind": "room", "title": room.title, "room": room.title, "path": room.path}
    return PushMessage(content=content, topic=topic, ttl=ROOM_TTL)


def _delay(due: DueReminder, delivery: Delivery) -> timedelta:
    delay = exponential_delay(due.attempts, initial=INITIAL_BACKOFF, maximum=MAX_BACKOFF)
    return timedelta(seconds=min(max(delay, delivery.retry_after), MAX_RETRY_AFTER))
