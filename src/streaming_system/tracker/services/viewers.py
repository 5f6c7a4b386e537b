"""How many watch: one open player is one viewer."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.models import Player

player = sa.Table("player", Player.metadata)


class Viewers:
    """The players that are open, as the database knows them: the same for every worker.

    A player counts from its first report until its next one is overdue, or until it has said
    goodbye.
    """

    def __init__(self, db: Session) -> None:
        self.db = db

    def count(self, *, now: datetime, room: str | None = None) -> int:
        """Return how many watch.

        :param room: only those of this room.
        """
        query = sa.select(sa.func.count()).where(player.c.until > now)
        if room is not None:
            query = query.where(player.c.room == room)
        return self.db.scalar(query) or 0

    def by_endpoint(self, *, now: datetime) -> Mapping[tuple[str, str], int]:
        """Return how many watch, by room and endpoint; "" is an endpoint that we do not know."""
        return self._by_endpoint(player.c.until > now)

    def joined_since(self, moment: datetime, *, now: datetime) -> Mapping[tuple[str, str], int]:
        """Return how many of those who watch came after a moment, by room and endpoint.

        An endpoint that reported at that moment does not know of them yet.
        """
        return self._by_endpoint(player.c.until > now, player.c.moved > moment)

    def _by_endpoint(self, *conditions: sa.ColumnElement[bool]) -> Mapping[tuple[str, str], int]:
        rows = self.db.execute(
            sa.select(player.c.room, player.c.endpoint, sa.func.count())
            .where(*conditions)
            .group_by(player.c.room, player.c.endpoint)
        )
        return {(room, endpoint): count for room, endpoint, count in rows}


class Crowd:
    """How many watch, as this process counted less than a second ago.

    It only sets the pace of reports, so that each process may have its own.
    """

    FRESH_FOR = timedelta(seconds=1)

    def __init__(self) -> None:
        self._counted: tuple[datetime, int] | None = None

    def size(self, viewers: Viewers, *, now: datetime) -> int:
        """Return how many watch, counting them again where that was too long ago."""
        counted = self._counted
        if counted is None or abs(now - counted[0]) >= self.FRESH_FOR:
            counted = self._counted = now, viewers.count(now=now)
        return counted[1]
