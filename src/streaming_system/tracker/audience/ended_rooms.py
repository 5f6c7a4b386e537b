"""The rooms whose streams have ended: their players stay open and retry, but show nothing."""

from collections.abc import Mapping, Set
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.config import Room
from streaming_system.config.stream_sources import has_external_stream
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest.endpoints import ENDPOINT_TTL
from streaming_system.tracker.ingest.player_report import NON_ENDPOINT_SOURCES
from streaming_system.tracker.models import Base

# An agent that restarts registers its endpoints again.
DEREGISTRATION_GRACE = timedelta(seconds=5)
# Players of these need no endpoint. The source of other players is an endpoint, or unknown.
EXTERNAL_SOURCES = NON_ENDPOINT_SOURCES - {""}

_endpoint = sa.Table("endpoint", Base.metadata)
_player = sa.Table("player", Base.metadata)


class EndedRooms:
    """Finds the rooms that had endpoints and have none, and no stream from elsewhere.

    :param rooms: the rooms of the conference by id, with their fallbacks and external streams.
    """

    CACHE_TTL = timedelta(seconds=1)

    def __init__(self, rooms: Mapping[str, Room] | None = None) -> None:
        self._rooms = rooms or {}
        self._fallback_groups = FallbackGroups(rooms)
        self._cached: tuple[datetime, frozenset[str]] | None = None

    def find(self, db: sa.Connection | Session, *, now: datetime) -> frozenset[str]:
        """Return the ids of the rooms that have ended."""
        is_streaming = sa.and_(
            _endpoint.c.last_seen > now - ENDPOINT_TTL,
            _endpoint.c.left_at.is_(None) | (_endpoint.c.left_at > now - DEREGISTRATION_GRACE),
        )
        live = sa.func.max(sa.case((is_streaming, 1), else_=0))
        rows = db.execute(sa.select(_endpoint.c.room, live).group_by(_endpoint.c.room)).all()
        known = {group for group, _ in rows}
        live_groups = {group for group, is_live in rows if is_live}
        return frozenset(
            room
            for room in known.union(self._rooms)
            if self._has_ended(room, known, live_groups)
            and not self._has_external_stream(room, now)
        )

    def cached(self, db: sa.Connection | Session, *, now: datetime) -> frozenset[str]:
        """Return the rooms that have ended, as of a second ago at most."""
        cached = self._cached
        if cached is None or abs(now - cached[0]) >= self.CACHE_TTL:
            cached = self._cached = now, self.find(db, now=now)
        return cached[1]

    def viewer_condition(
        self, db: sa.Connection | Session, *, now: datetime
    ) -> sa.ColumnElement[bool]:
        """Return the condition under which an open player is a viewer."""
        ended = self.find(db, now=now)
        if not ended:
            return sa.true()
        return _player.c.room.not_in(ended) | _player.c.endpoint.in_(EXTERNAL_SOURCES)

    def _has_ended(self, room: str, known: Set[str], live: Set[str]) -> bool:
        groups = self._fallback_groups.groups(room)
        return not known.isdisjoint(groups) and live.isdisjoint(groups)

    def _has_external_stream(self, room: str, now: datetime) -> bool:
        return room in self._rooms and has_external_stream(self._rooms[room], now)
