"""What a timer does with the database: make rows of what was reported, forget what is old."""

import fcntl
import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.db import check_tables, make_engine
from streaming_system.tracker.models import SampleMinute
from streaming_system.tracker.services.retention import BATCH, OLD, Retention
from streaming_system.tracker.services.rollup import RULES, Rollups
from streaming_system.tracker.settings import StartError, checked

__all__ = ["Busy", "Pruned", "StartError", "prune"]

# A key for PostgreSQL's locks that nobody else uses by accident.
_LOCK = int.from_bytes(hashlib.sha256(b"streaming-system prune").digest()[:8], "big", signed=True)


class Busy(Exception):  # noqa: N818 - It is no fault.
    """Another process is at it."""


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What was done.

    :param until: up to when minutes of samples have been made.
    :param made: how many rows, by table, and ``forgotten`` by what people call them.
    """

    until: datetime | None
    made: Counter[str] = field(default_factory=Counter)
    forgotten: Counter[str] = field(default_factory=Counter)


def prune(
    ini: Mapping[str, str],
    *,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    pause: Callable[[float], None] = time.sleep,
) -> Pruned:
    """Roll up what is complete, and forget what is old, in many short transactions.

    It may be killed at any moment: the next time goes on where it was.

    :param ini: what the ini says to ``[app:tracker]``.
    :param pause: waits, so that those who report get at least every other turn.
    :raises StartError: if the database cannot be used.
    :raises Busy: if another process does this already.
    """
    settings = checked(ini)
    engine = make_engine(settings)
    try:
        check_tables(engine)
        with _alone(engine):
            return _prune(_Turns(engine, pause), settings, clock())
    except sa.exc.OperationalError as error:
        raise StartError(f"the database: {str(error.orig).splitlines()[0]}") from None
    finally:
        engine.dispose()


class _Turns:
    """Transactions, with a pause after each that is as long as it was."""

    def __init__(self, engine: sa.Engine, pause: Callable[[float], None]) -> None:
        self._engine = engine
        self._pause = pause

    @contextmanager
    def next(self) -> Iterator[Session]:
        begun = time.monotonic()
        with Session(self._engine) as db, db.begin():
            yield db
        self._pause(time.monotonic() - begun)


def _prune(turns: _Turns, settings: Mapping[str, Any], now: datetime) -> Pruned:
    made: Counter[str] = Counter()
    forgotten: Counter[str] = Counter()
    for table in RULES:
        more = True
        while more:
            with turns.next() as db:
                step = Rollups(db).advance(table, now=now)
            made[table.__tablename__] += step.rows
            more = step.more
    with turns.next() as db:
        times = Retention(db, settings).times(now=now)
        until = Rollups(db).until(SampleMinute)
    for model, name, old in OLD:
        count = BATCH
        while count == BATCH:
            with turns.next() as db:
                count = Retention(db, settings).forget(model, old(times))
            forgotten[name] += count
    return Pruned(until=until, made=+made, forgotten=+forgotten)


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Hold a lock that ends with the process, however it ends."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK))):
                raise Busy
            yield
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))
        return
    # Not the database itself: to close it a second time would end SQLite's own locks.
    with Path(f"{engine.url.database}-prune").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield
