"""Periodic database maintenance: rollups, partitions and retention."""

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

from streaming_system.tracker.db.session import (
    is_unavailable_error,
    make_engine,
    require_tables,
)
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
from streaming_system.util.private_files import make_private_file

__all__ = ["AlreadyRunningError", "MaintenanceResult", "StartupError", "run_maintenance"]

# The key of the advisory lock; a hash avoids clashes with other programs.
_LOCK_KEY = int.from_bytes(
    hashlib.sha256(b"streaming-system prune").digest()[:8], "big", signed=True
)


class AlreadyRunningError(Exception):
    """Another process runs the maintenance."""


@dataclass(frozen=True, kw_only=True)
class MaintenanceResult:
    """What one run changed.

    :param rolled_up_until: the time up to which minutes of samples are complete.
    :param rolled_up: the number of rows written, by rollup table.
    :param deleted: the number of rows deleted, by their name in :data:`EXPIRY_RULES`.
    :param partitions: the number of partitions ``created``, ``dropped``, and ``postponed`` because
        other transactions held a lock.
    """

    rolled_up_until: datetime | None
    rolled_up: Counter[str] = field(default_factory=Counter)
    deleted: Counter[str] = field(default_factory=Counter)
    partitions: Counter[str] = field(default_factory=Counter)


def run_maintenance(
    ini: Mapping[str, str],
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], None] = time.sleep,
) -> MaintenanceResult:
    """Roll up complete minutes and delete expired rows, in many short transactions.

    After a crash, the next run continues where this one stopped.

    :param ini: the settings of ``[app:tracker]``.
    :param sleep: waits between transactions, so that reports get half of the database's time.
    :raises StartupError: if the database or the folder of log files is unusable.
    :raises AlreadyRunningError: if another process runs the maintenance.
    """
    settings = load_settings(ini)
    engine = make_engine(settings)
    try:
        require_tables(engine)
        transactions, now = _ThrottledTransactions(engine, sleep), clock()
        # Log files are local: each machine deletes its own, even while another one has the lock.
        with transactions.begin() as db:
            deleted_files = AccessLogs(db, settings).delete_expired_files(now=now)
        with _advisory_lock(engine):
            result = _maintain_tables(transactions, settings, now)
        result.deleted.update(+Counter({"log files": deleted_files}))
        return result
    except sa.exc.DBAPIError as error:
        if not is_unavailable_error(error):
            raise
        raise StartupError(f"the database: {str(error.orig).splitlines()[0]}") from None
    except AccessLogError as error:
        raise StartupError(str(error)) from None
    finally:
        engine.dispose()


class _ThrottledTransactions:
    """Transactions, each followed by a pause of the same length."""

    def __init__(self, engine: sa.Engine, sleep: Callable[[float], None]) -> None:
        self._engine = engine
        self._sleep = sleep
        self.on_postgresql = engine.dialect.name == "postgresql"

    @contextmanager
    def begin(self) -> Iterator[Session]:
        start = time.monotonic()
        with Session(self._engine) as db, db.begin():
            yield db
        self._sleep(time.monotonic() - start)


class _PartitionMaintenance:
    """Creates and drops the partitions of a table.

    :param counts: counts the partitions ``created``, ``dropped`` and ``postponed``.
    """

    def __init__(
        self, transactions: _ThrottledTransactions, scheme: PartitionScheme, counts: Counter[str]
    ) -> None:
        self._transactions = transactions
        self._scheme = scheme
        self._counts = counts

    def run(self, *, cutoff: datetime, now: datetime) -> int:
        """Create missing partitions, and delete rows before a time; return their number."""
        # A killed run leaves detached partitions.
        deleted = self._drop_detached()
        with self._transactions.begin() as db:
            missing = Partitions(db, self._scheme).missing(now=now)
        for partition in missing:
            if not self._run_locked("created", methodcaller("create", partition)):
                break
        deleted += self._delete_default_rows(cutoff)
        self._move_default_rows(cutoff, now)
        with self._transactions.begin() as db:
            expired = Partitions(db, self._scheme).expired(cutoff)
        for name in expired:
            if not self._run_locked("dropped", methodcaller("detach", name)):
                break
        return deleted + self._drop_detached()

    def _drop_detached(self) -> int:
        deleted = 0
        with self._transactions.begin() as db:
            detached = Partitions(db, self._scheme).detached()
        for name in detached:
            with self._transactions.begin() as db:
                deleted += Partitions(db, self._scheme).drop(name)
        return deleted

    def _delete_default_rows(self, cutoff: datetime) -> int:
        deleted, count = 0, MAX_BATCH_ROWS
        while count == MAX_BATCH_ROWS:
            with self._transactions.begin() as db:
                count = Partitions(db, self._scheme).delete_default_rows(cutoff)
            deleted += count
        return deleted

    def _move_default_rows(self, cutoff: datetime, now: datetime) -> None:
        moved = True
        while moved:
            with self._transactions.begin() as db:
                partition = Partitions(db, self._scheme).first_missing_for_default_rows(
                    since=cutoff, now=now
                )
            moved = partition is not None and self._run_locked(
                "created", methodcaller("create", partition)
            )

    def _run_locked(self, outcome: str, operation: Callable[[Partitions], None]) -> bool:
        """Run an operation that needs a lock, or postpone it; return whether it was run."""
        try:
            with self._transactions.begin() as db:
                operation(Partitions(db, self._scheme))
        except sa.exc.OperationalError as error:
            if not is_lock_timeout(error):
                raise
            self._counts["postponed"] += 1
            return False
        self._counts[outcome] += 1
        return True


def _maintain_tables(
    transactions: _ThrottledTransactions, settings: Mapping[str, Any], now: datetime
) -> MaintenanceResult:
    rolled_up: Counter[str] = Counter()
    deleted: Counter[str] = Counter()
    for table in ROLLUP_RULES:
        has_more = True
        while has_more:
            with transactions.begin() as db:
                progress = RollupRunner(db).advance(table, now=now)
            rolled_up[table.__tablename__] += progress.rows
            has_more = progress.has_more
    with transactions.begin() as db:
        cutoffs = Retention(db, settings).cutoffs(now=now)
        rolled_up_until = RollupRunner(db).rolled_up_until(Sample1Min)
    schemes = partition_schemes(settings) if transactions.on_postgresql else {}
    partitions: Counter[str] = Counter()
    for model, name, is_expired in EXPIRY_RULES:
        if model in schemes:
            maintenance = _PartitionMaintenance(transactions, schemes[model], partitions)
            deleted[name] += maintenance.run(cutoff=PARTITIONED_TABLES[model](cutoffs), now=now)
            continue
        count = MAX_BATCH_ROWS
        while count == MAX_BATCH_ROWS:
            with transactions.begin() as db:
                count = Retention(db, settings).delete_expired(model, is_expired(cutoffs))
            deleted[name] += count
    return MaintenanceResult(
        rolled_up_until=rolled_up_until,
        rolled_up=+rolled_up,
        deleted=+deleted,
        partitions=partitions,
    )


@contextmanager
def _advisory_lock(engine: sa.Engine) -> Iterator[None]:
    """Hold a lock that ends with the process, even after a crash.

    :raises AlreadyRunningError: if another process holds it.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK_KEY))):
                raise AlreadyRunningError
            yield
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK_KEY)))
        return
    # A file beside the database: closing the database file would release SQLite's own locks.
    path = Path(f"{engine.url.database}-prune")
    make_private_file(path)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError from None
        yield
