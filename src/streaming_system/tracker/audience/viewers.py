"""How many watch: one open player is one viewer."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.models import Base

player_table = sa.Table("player", Base.metadata)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class EpochMicroseconds(FunctionElement[int]):
    """The microseconds of a time since 1970, as a whole number in every database."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(EpochMicroseconds, "postgresql")
def _on_postgresql(element: EpochMicroseconds, compiler: Any, **kw: Any) -> str:
    return (
        f"CAST(EXTRACT(EPOCH FROM {compiler.process(element.clauses, **kw)}) * 1000000 AS BIGINT)"
    )


@compiles(EpochMicroseconds, "sqlite")
def _on_sqlite(element: EpochMicroseconds, compiler: Any, **kw: Any) -> str:
    # Times are texts there: 2026-11-25 12:00:00.000000.
    text = compiler.process(element.clauses, **kw)
    return f"(strftime('%s', {text}) * 1000000 + CAST(substr({text}, 21, 6) AS INTEGER))"


class Viewers:
    """The players that are open, as the database knows them: the same for every worker.

    A player counts from its first report until its next one is overdue, or until it has said
    goodbye.

    :param stand_ins: on whose endpoints players of a room may be, besides its own.
    """

    def __init__(self, db: Session, stand_ins: FallbackGroups | None = None) -> None:
        self.db = db
        self._stand_ins = stand_ins or FallbackGroups()

    def count(self, *, now: datetime, room: str | None = None) -> int:
        """Return how many watch.

        :param room: only those of this room.
        """
        where = [] if room is None else [player_table.c.room == room]
        return self._count(player_table.c.until > now, *where)

    def by_endpoint(self, *, now: datetime) -> Mapping[tuple[str, str], int]:
        """Return how many watch, by room and endpoint; "" is an endpoint that we do not know."""
        return self._by_endpoint(player_table.c.until > now)

    def joined_since(self, moment: datetime, *, now: datetime) -> Mapping[tuple[str, str], int]:
        """Return how many of those who watch came after a moment, by room and endpoint.

        An endpoint that reported at that moment does not know of them yet.
        """
        return self._by_endpoint(player_table.c.until > now, player_table.c.moved > moment)

    def others(self, *, now: datetime, room: str | None = None) -> Mapping[tuple[str, str], int]:
        """Return how many are seen by the endpoints only, by room and endpoint: VLC, TV sets.

        An endpoint counts all of its clients, so that the players on it are taken off, whichever
        room they watch. What it said is up to half a minute old: the numbers are near the truth,
        no more.

        :param room: only those on the endpoints that count for this room.
        """
        clients = {(e.room, e.name): e.clients for e in Endpoints(self.db).alive(now=now)}
        for (watched, name), count in self.by_endpoint(now=now).items():
            where = self._stand_ins.owner(watched, name, clients), name
            if where in clients:
                clients[where] -= count
        return {
            where: max(0, count)
            for where, count in clients.items()
            if room is None or self._stand_ins.home(where[0]) == room
        }

    def over_time(
        self, *, begin: datetime, end: datetime, step: timedelta, room: str | None = None
    ) -> Sequence[tuple[datetime, int]]:
        """Return how many watched at moments from ``begin`` to ``end``, a step apart.

        A player that has fallen silent is counted until its next report was overdue.
        """
        where = [] if room is None else [player_table.c.room == room]
        # Whoever began later is open later, too. Asked like this, an index answers each of the two
        # counts; for "begun before, open after" a database may read the whole past.
        count = self._count(player_table.c.until > begin, *where)
        count -= self._count(player_table.c.begun > begin, *where)
        came = self._by_step(player_table.c.begun, begin, end, step, where)
        went = self._by_step(player_table.c.until, begin, end, step, where)
        moments = []
        for number in range((end - begin) // step + 1):
            count += came.get(number, 0) - went.get(number, 0)
            moments.append((begin + number * step, count))
        return moments

    def _count(self, *conditions: sa.ColumnElement[bool]) -> int:
        return self.db.scalar(_select_count(*conditions)) or 0

    def _by_step(
        self,
        column: sa.ColumnElement[datetime],
        begin: datetime,
        end: datetime,
        step: timedelta,
        where: Sequence[sa.ColumnElement[bool]],
    ) -> Mapping[int, int]:
        """Return how many values of a column lie within the step before each moment."""
        whole = timedelta(microseconds=1)
        since = EpochMicroseconds(column) - (begin - _EPOCH) // whole
        number = (since + step // whole - 1) // (step // whole)
        rows = self.db.execute(
            sa.select(number.label("number"), sa.func.count())
            .where(column > begin, column <= end, *where)
            .group_by("number")
        )
        return {row[0]: row[1] for row in rows}

    def _by_endpoint(self, *conditions: sa.ColumnElement[bool]) -> Mapping[tuple[str, str], int]:
        rows = self.db.execute(
            sa.select(player_table.c.room, player_table.c.endpoint, sa.func.count())
            .where(*conditions)
            .group_by(player_table.c.room, player_table.c.endpoint)
        )
        return {(room, endpoint): count for room, endpoint, count in rows}


def _select_count(*conditions: sa.ColumnElement[bool]) -> sa.Select[int]:
    return sa.select(sa.func.count()).where(*conditions)


class ViewerCountCache:
    """How many watch, as this process counted less than a second ago.

    It only sets the pace of reports, so that each process may have its own.
    """

    FRESH_FOR = timedelta(seconds=1)

    def __init__(self) -> None:
        self._counted: tuple[datetime, int] | None = None

    def size(self, connection: sa.Connection, *, now: datetime) -> int:
        """Return how many watch, counting them again where that was too long ago."""
        counted = self._counted
        if counted is None or abs(now - counted[0]) >= self.FRESH_FOR:
            watching: int = connection.scalar(_select_count(player_table.c.until > now)) or 0
            counted = self._counted = now, watching
        return counted[1]
