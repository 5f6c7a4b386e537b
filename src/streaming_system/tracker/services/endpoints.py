"""The servers that stream to viewers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from streaming_system.tracker.models import Endpoint, Sample

REPORT_EVERY = timedelta(seconds=30)
# One report may be lost.
ALIVE_FOR = timedelta(seconds=60)
REMEMBERED_FOR = timedelta(days=7)
# Of the viewers that were sent to an endpoint between two reports, so many have come so lately
# that the second report does not count them yet: those of about three seconds.
UNSEEN_ONE_IN = 10


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """What an endpoint says of itself, apart from figures.

    :param host: its address, or its name in the DNS.
    :param url: the base of its streams, with ``{room}`` for the room's id if it serves several;
        "" where the ini's pattern makes it of ``host``.
    :param capacity: of its link, in bit/s; ``None`` if unknown.
    """

    host: str
    url: str = ""
    formats: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    capacity: int | None = None
    draining: bool = False
    region: str = ""
    tags: tuple[str, ...] = ()
    software: str = ""


class Endpoints:
    """The endpoints which have registered with us."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def register(self, *, room: str, ip: str, figures: Mapping[str, int], now: datetime) -> None:
        """Take a report of the old protocol: the endpoint is known by its address.

        :param figures: declared figures; ``overall_clients``, ``overall_bitrate`` and
            ``overall_cbitrate`` are always there.
        """
        self._write(
            room,
            ip,
            {"host": ip},
            {
                "clients": figures["overall_clients"],
                "bitrate": figures["overall_bitrate"],
                "cbitrate": figures["overall_cbitrate"],
                "figures": {
                    name: value
                    for name, value in figures.items()
                    if not name.startswith("overall_")
                },
            },
            now,
        )

    def report(
        self,
        *,
        room: str,
        name: str,
        state: EndpointState,
        clients: int,
        bitrate: int,
        cbitrate: int,
        figures: Mapping[str, int],
        now: datetime,
    ) -> None:
        """Take a report: renew the endpoint's state, and keep the figures as history."""
        values = asdict(state)
        values |= {key: list(values[key]) for key in ("formats", "qualities", "tags")}
        self._write(
            room,
            name,
            values,
            {
                "clients": clients,
                "bitrate": bitrate,
                "cbitrate": cbitrate,
                "figures": dict(figures),
            },
            now,
        )

    def _write(
        self, room: str, name: str, state: dict[str, Any], figures: dict[str, Any], now: datetime
    ) -> None:
        # Who writes waits for other writers from the start of the transaction on.
        connection = self.db.connection(execution_options={"sqlite_immediate": True})
        changes = {**state, **figures, "last_seen": now, "left_at": None}
        # Two reports of a new endpoint may come at once; the database decides, not we.
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert
        gap = sa.or_(Endpoint.left_at.is_not(None), Endpoint.last_seen <= now - ALIVE_FOR)
        self.db.execute(
            insert(Endpoint)
            .values(room=room, name=name, since=now, **changes)
            .on_conflict_do_update(
                index_elements=["room", "name"],
                set_={
                    **changes,
                    "since": sa.case((gap, now), else_=Endpoint.since),
                    "handed": sa.case((gap, 0), else_=Endpoint.handed // UNSEEN_ONE_IN),
                },
            )
        )
        self.db.execute(sa.insert(Sample).values(room=room, name=name, at=now, **figures))

    def goodbye(self, *, room: str, name: str, now: datetime) -> bool:
        """Take an endpoint out at once, as it asks; tell whether it was there.

        Its figures fall to zero, in the history, too.
        """
        self.db.connection(execution_options={"sqlite_immediate": True})
        nothing = {"clients": 0, "bitrate": 0, "cbitrate": 0, "figures": {}}
        found = self.db.execute(
            sa.update(Endpoint)
            .where(Endpoint.room == room, Endpoint.name == name, Endpoint.left_at.is_(None))
            .values(left_at=now, handed=0, **nothing)
            .returning(Endpoint.id)
        ).first()
        if found is None:
            return False
        self.db.execute(sa.insert(Sample).values(room=room, name=name, at=now, **nothing))
        return True

    def set_drained(self, *, room: str, name: str, drained: bool, now: datetime) -> bool:
        """Say for the crew whether an endpoint shall get no new viewers; tell whether it is known.

        It holds until the crew says otherwise, whatever the endpoint reports.
        """
        return self._set(room, name, drained=drained)

    def set_draining(self, *, room: str, name: str, draining: bool, now: datetime) -> bool:
        """Say for the endpoint itself whether it wants new viewers; tell whether it is known."""
        return self._set(room, name, draining=draining)

    def _set(self, room: str, name: str, **values: bool) -> bool:
        self.db.connection(execution_options={"sqlite_immediate": True})
        found = self.db.execute(
            sa.update(Endpoint)
            .where(Endpoint.room == room, Endpoint.name == name)
            .values(**values)
            .returning(Endpoint.id)
        ).first()
        return found is not None

    def get(self, *, room: str, name: str) -> Endpoint | None:
        """Return an endpoint, alive or not."""
        return self.db.scalar(
            sa.select(Endpoint).where(Endpoint.room == room, Endpoint.name == name)
        )

    def alive(self, *, now: datetime, room: str | None = None) -> Sequence[Endpoint]:
        """Return the endpoints that have reported within :data:`ALIVE_FOR`, least loaded first.

        :param room: only those of this room.
        """
        query = sa.select(Endpoint).where(*_alive(now))
        if room is not None:
            query = query.where(Endpoint.room == room)
        return self.db.scalars(query.order_by(Endpoint.bitrate, Endpoint.id)).all()

    def silent(self, *, now: datetime) -> Sequence[Endpoint]:
        """Return the endpoints that reported last within :data:`REMEMBERED_FOR`, newest first."""
        return self.db.scalars(
            sa.select(Endpoint)
            .where(
                Endpoint.last_seen <= now - ALIVE_FOR,
                Endpoint.last_seen > now - REMEMBERED_FOR,
                Endpoint.left_at.is_(None),
            )
            .order_by(Endpoint.last_seen.desc(), Endpoint.id)
        ).all()


def _alive(now: datetime, endpoint: Any = Endpoint) -> tuple[sa.ColumnElement[bool], ...]:
    return (endpoint.last_seen > now - ALIVE_FOR, endpoint.left_at.is_(None))
