"""Viewer counts: each open player is one viewer."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.ended_rooms import EndedRooms
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.models import Base

_player_table = sa.Table("player", Base.metadata)


class Viewers:
    """Counts open players in the database, so all workers get the same numbers.

    A player is open from its first report until its next one is overdue, or until its last one. It
    does not count while the stream of its room has ended.
    """

    def __init__(
        self,
        db: Session,
        fallback_groups: FallbackGroups | None = None,
        ended_rooms: EndedRooms | None = None,
    ) -> None:
        self.db = db
        self._fallback_groups = fallback_groups or FallbackGroups()
        self._ended_rooms = ended_rooms or EndedRooms()

    def count(self, *, now: datetime, room: str | None = None) -> int:
        """Return the number of viewers.

        :param room: only those of this room.
        """
        query = _select_count(now).where(self._is_viewer(now))
        if room is not None:
            query = query.where(_player_table.c.room == room)
        return self.db.scalar(query) or 0

    def by_endpoint(self, *, now: datetime) -> Mapping[tuple[str, str], int]:
        """Return the numbers of viewers by room and endpoint; "" is an unknown endpoint."""
        columns = _player_table.c.room, _player_table.c.endpoint
        rows = self.db.execute(
            sa.select(*columns, sa.func.count())
            .where(_player_table.c.until > now, self._is_viewer(now))
            .group_by(*columns)
        )
        return {(room, endpoint): count for room, endpoint, count in rows}

    def non_reporting(
        self, *, now: datetime, room: str | None = None
    ) -> Mapping[tuple[str, str], int]:
        """Return the viewers that only endpoints count, such as VLC and TV sets, by endpoint.

        These are the clients of an endpoint minus the players on it, of whatever room. The result
        is approximate, because an endpoint's report is up to half a minute old.

        :param room: only endpoints whose metrics count for this room.
        """
        clients = {(e.room, e.name): e.clients for e in Endpoints(self.db).alive(now=now)}
        for (player_room, name), count in self.by_endpoint(now=now).items():
            key = self._fallback_groups.endpoint_room(player_room, name, clients), name
            if key in clients:
                clients[key] -= count
        return {
            key: max(0, count)
            for key, count in clients.items()
            if room is None or self._fallback_groups.accounting_room(key[0]) == room
        }

    def _is_viewer(self, now: datetime) -> sa.ColumnElement[bool]:
        return self._ended_rooms.viewer_condition(self.db, now=now)


def _select_count(now: datetime) -> sa.Select[int]:
    return sa.select(sa.func.count()).where(_player_table.c.until > now)


class ViewerCountCache:
    """The number of open players, at most a second old.

    It determines report intervals only, so each process may have its own.
    """

    TTL = timedelta(seconds=1)

    def __init__(self) -> None:
        self._cached: tuple[datetime, int] | None = None

    def get(self, connection: sa.Connection, *, now: datetime) -> int:
        """Return the number of open players."""
        cached = self._cached
        if cached is None or abs(now - cached[0]) >= self.TTL:
            cached = self._cached = now, connection.scalar(_select_count(now)) or 0
        return cached[1]
