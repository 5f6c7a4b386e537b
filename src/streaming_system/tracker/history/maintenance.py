"""What a timer does with the database: make rows of what was reported, forget what is old."""

import fcntl
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import methodcaller
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import is_unavailable_error, make_engine, require_tables
from streaming_system.tracker.history.partitions import (
    Partitions,
    PartitionScheme,
    is_lock_timeout,
    partition_schemes,
)
from streaming_system.tracker.history.retention import (
    EXPIRY_RULES,
    MAX_BATCH_ROWS,
    PARTITIONED_TABLES,
    Retention,
)
from streaming_system.tracker.history.rollup import ROLLUP_RULES, RollupRunner
from streaming_system.tracker.logs.ingest import AccessLogError, AccessLogs
from streaming_system.tracker.models import Sample1Min
from streaming_system.tracker.settings import StartupError, load_settings

__all__ = ["AlreadyRunningError", "MaintenanceResult", "StartupError", "run_maintenance"]

# A key for PostgreSQL's locks that nobody else uses by accident.
_LOCK_KEY = int.from_bytes(
    hashlib.sha256(b"streaming-system prune").digest()[:8], "big", signed=True
)


class AlreadyRunningError(Exception):
    """Another process is at it."""


@dataclass(frozen=True, kw_only=True)
class MaintenanceResult:
    """What was done.

    :param until: up to when minutes of samples have been made.
    :param made: how many rows, by table, and ``forgotten`` by what people call them.
    :param partitions: how many were ``made``, ``dropped``, and put off (``later``) since others
        held a lock.
    """

    until: datetime | None
    made: Counter[str] = field(default_factory=Counter)
    forgotten: Counter[str] = field(default_factory=Counter)
    partitions: Counter[str] = field(default_factory=Counter)


def run_maintenance(
    ini: Mapping[str, str],
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], None] = time.sleep,
) -> MaintenanceResult:
    """Roll up what is complete, and forget what is old, in many short transactions.

    It may be killed at any moment: the next time goes on where it was.

    :param ini: what the ini says to ``[app:tracker]``.
    :param pause: waits, so that those who report get at least every other turn.
    :raises StartError: if the database, or the folder of log files, cannot be used.
    :raises Busy: if another process does this already.
    """
    settings = load_settings(ini)
    engine = make_engine(settings)
    try:
        require_tables(engine)
        turns, now = _ThrottledTransactions(engine, pause), clock()
        # Log files are this machine's own, whoever looks after the database.
        with turns.next() as db:
            files = AccessLogs(db, settings).prune(now=now)
        with _advisory_lock(engine):
            done = _maintain_tables(turns, settings, now)
        done.forgotten.update(+Counter({"log files": files}))
        return done
    except sa.exc.DBAPIError as error:
        if not is_unavailable_error(error):
            raise
        raise StartupError(f"the database: {str(error.orig).splitlines()[0]}") from None
    except AccessLogError as error:
        raise StartupError(str(error)) from None
    finally:
        engine.dispose()


class _ThrottledTransactions:
    """Transactions, with a pause after each that is as long as it was."""

    def __init__(self, engine: sa.Engine, pause: Callable[[float], None]) -> None:
        self._engine = engine
        self._pause = pause
        self.on_postgresql = engine.dialect.name == "postgresql"

    @contextmanager
    def next(self) -> Iterator[Session]:
        begun = time.monotonic()
        with Session(self._engine) as db, db.begin():
            yield db
        self._pause(time.monotonic() - begun)


class _PartitionMaintenance:
    """Makes the partitions of a table, and drops them.

    :param done: counts what was done.
    """

    def __init__(
        self, turns: _ThrottledTransactions, plan: PartitionScheme, done: Counter[str]
    ) -> None:
        self._turns = turns
        self._plan = plan
        self._done = done

    def prune(self, *, limit: datetime, now: datetime) -> int:
        """Forget what is older than a limit; return how many rows that were."""
        # Some may be there from a prune that was killed.
        forgotten = self._drop_detached()
        with self._turns.next() as db:
            missing = Partitions(db, self._plan).missing(now=now)
        for part in missing:
            if not self._exclusively("made", methodcaller("make", part)):
                break
        forgotten += self._forget_strays(limit)
        self._move_strays(limit, now)
        with self._turns.next() as db:
            old = Partitions(db, self._plan).old(limit)
        for name in old:
            if not self._exclusively("dropped", methodcaller("detach", name)):
                break
        return forgotten + self._drop_detached()

    def _drop_detached(self) -> int:
        forgotten = 0
        with self._turns.next() as db:
            detached = Partitions(db, self._plan).detached()
        for name in detached:
            with self._turns.next() as db:
                forgotten += Partitions(db, self._plan).drop(name)
        return forgotten

    def _forget_strays(self, limit: datetime) -> int:
        forgotten, count = 0, MAX_BATCH_ROWS
        while count == MAX_BATCH_ROWS:
            with self._turns.next() as db:
                count = Partitions(db, self._plan).forget_strays(limit)
            forgotten += count
        return forgotten

    def _move_strays(self, limit: datetime, now: datetime) -> None:
        moved = True
        while moved:
            with self._turns.next() as db:
                stray = Partitions(db, self._plan).stray(since=limit, now=now)
            moved = stray is not None and self._exclusively("made", methodcaller("make", stray))

    def _exclusively(self, what: str, do: Callable[[Partitions], None]) -> bool:
        """Do what needs a lock, or leave it to the next prune; tell whether it was done."""
        try:
            with self._turns.next() as db:
                do(Partitions(db, self._plan))
        except sa.exc.OperationalError as error:
            if not is_lock_timeout(error):
                raise
            self._done["later"] += 1
            return False
        self._done[what] += 1
        return True


def _maintain_tables(
    turns: _ThrottledTransactions, settings: Mapping[str, Any], now: datetime
) -> MaintenanceResult:
    made: Counter[str] = Counter()
    forgotten: Counter[str] = Counter()
    for table in ROLLUP_RULES:
        more = True
        while more:
            with turns.next() as db:
                step = RollupRunner(db).advance(table, now=now)
            made[table.__tablename__] += step.rows
            more = step.more
    with turns.next() as db:
        times = Retention(db, settings).times(now=now)
        until = RollupRunner(db).until(Sample1Min)
    parted = partition_schemes(settings) if turns.on_postgresql else {}
    partitions: Counter[str] = Counter()
    for model, name, old in EXPIRY_RULES:
        if model in parted:
            parts = _PartitionMaintenance(turns, parted[model], partitions)
            forgotten[name] += parts.prune(limit=PARTITIONED_TABLES[model](times), now=now)
            continue
        count = MAX_BATCH_ROWS
        while count == MAX_BATCH_ROWS:
            with turns.next() as db:
                count = Retention(db, settings).forget(model, old(times))
            forgotten[name] += count
    return MaintenanceResult(until=until, made=+made, forgotten=+forgotten, partitions=partitions)


@contextmanager
def _advisory_lock(engine: sa.Engine) -> Iterator[None]:
    """Hold a lock that ends with the process, however it ends."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK_KEY))):
                raise AlreadyRunningError
            yield
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK_KEY)))
        return
    # Not the database itself: to close it a second time would end SQLite's own locks.
    with Path(f"{engine.url.database}-prune").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError from None
        yield
