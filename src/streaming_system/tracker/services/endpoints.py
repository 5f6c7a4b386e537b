"""The servers that stream to viewers."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.db import begin_writing
from streaming_system.tracker.models import Endpoint, Sample

# Encoders report every 30 s: one report may be lost.
ALIVE_FOR = timedelta(seconds=60)
REMEMBERED_FOR = timedelta(days=7)


class Endpoints:
    """The endpoints which have registered with us."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def register(self, *, room: str, ip: str, figures: Mapping[str, int], now: datetime) -> None:
        """Take a report of the old protocol: the endpoint is known by its address.

        :param figures: declared figures; ``overall_clients``, ``overall_bitrate`` and
            ``overall_cbitrate`` are always there.
        """
        # Who writes waits for other writers from the start of the transaction on.
        connection = self.db.connection(execution_options={"sqlite_immediate": True})
        values = {
            "clients": figures["overall_clients"],
            "bitrate": figures["overall_bitrate"],
            "cbitrate": figures["overall_cbitrate"],
            "figures": {
                name: value for name, value in figures.items() if not name.startswith("overall_")
            },
        }
        state = {"last_seen": now, "host": ip, "left_at": None, **values}
        # Two reports of a new endpoint may come at once; the database decides, not we.
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
        self.db.execute(
            insert(Endpoint)
            .values(room=room, name=ip, since=now, **state)
            .on_conflict_do_update(index_elements=["room", "name"], set_=state)
        )
        self.db.add(Sample(room=room, name=ip, at=now, **values))

    def set_drained(self, *, room: str, name: str, drained: bool, now: datetime) -> bool:
        """Let an endpoint have no new viewers, or again; tell whether there is such an endpoint."""
        begin_writing(self.db)
        return bool(
            self.db.execute(
                sa.update(Endpoint)
                .where(Endpoint.room == room, Endpoint.name == name)
                .values(drained=drained)
                .returning(Endpoint.id)
            ).first()
        )

    def alive(self, *, now: datetime, room: str | None = None) -> Sequence[Endpoint]:
        """Return the endpoints that have reported within :data:`ALIVE_FOR`, least loaded first.

        :param room: only those of this room.
        """
        query = sa.select(Endpoint).where(Endpoint.last_seen > now - ALIVE_FOR)
        if room is not None:
            query = query.where(Endpoint.room == room)
        return self.db.scalars(query.order_by(Endpoint.bitrate, Endpoint.id)).all()

    def silent(self, *, now: datetime) -> Sequence[Endpoint]:
        """Return the endpoints that reported last within :data:`REMEMBERED_FOR`, newest first."""
        return self.db.scalars(
            sa.select(Endpoint)
            .where(Endpoint.last_seen <= now - ALIVE_FOR, Endpoint.last_seen > now - REMEMBERED_FOR)
            .order_by(Endpoint.last_seen.desc(), Endpoint.id)
        ).all()
