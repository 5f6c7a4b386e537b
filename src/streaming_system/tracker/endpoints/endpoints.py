"""The servers that stream to viewers."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence, Set
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.endpoints.formats import best_media, formats_of
from streaming_system.tracker.endpoints.load_balancer import (
    Candidate,
    estimate_loads,
    least_utilised,
)
from streaming_system.tracker.ingest.endpoints import (
    ENDPOINT_TTL,
    EndpointReport,
    EndpointState,
    from_legacy,
    ingest,
)
from streaming_system.tracker.models import Endpoint, Player, Sample

__all__ = ["ENDPOINT_TTL", "EndpointState", "Endpoints"]

REPORT_INTERVAL = timedelta(seconds=30)
ENDPOINT_RETENTION = timedelta(days=7)


class Endpoints:
    """The endpoints which have registered with us.

    :param changed: is called when an endpoint has come, or has said goodbye.
    :param stand_ins: whose viewers may be on them, besides their own room's.
    """

    def __init__(
        self,
        db: Session,
        changed: Callable[[], None] = lambda: None,
        stand_ins: FallbackGroups | None = None,
    ) -> None:
        self.db = db
        self._changed = changed
        self._stand_ins = stand_ins or FallbackGroups()

    def register(self, *, room: str, ip: str, figures: Mapping[str, int], now: datetime) -> None:
        """Take a report of the old protocol within the session's transaction.

        :param figures: as :func:`from_legacy` takes them.
        """
        self._write(from_legacy(room=room, ip=ip, figures=figures, now=now))

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
        self._write(
            EndpointReport(
                room=room,
                name=name,
                state=state,
                clients=clients,
                bitrate=bitrate,
                cbitrate=cbitrate,
                figures=figures,
                now=now,
            )
        )

    def _write(self, report: EndpointReport) -> None:
        [registered] = ingest(ensure_write_transaction(self.db), [report])
        # What the session has read of it is old.
        self.db.expire_all()
        if registered.came:
            self._changed()

    def goodbye(self, *, room: str, name: str, now: datetime) -> bool:
        """Take an endpoint out at once, as it asks; tell whether it was there.

        Its figures fall to zero, in the history, too.
        """
        ensure_write_transaction(self.db)
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
        self._changed()
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
        ensure_write_transaction(self.db)
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
        """Return the endpoints that have reported within :data:`ENDPOINT_TTL`, least loaded first.

        :param room: only those of this room.
        """
        query = sa.select(Endpoint).where(*_is_alive(now))
        if room is not None:
            query = query.where(Endpoint.room == room)
        return self.db.scalars(query.order_by(Endpoint.bitrate, Endpoint.id)).all()

    def silent(self, *, now: datetime) -> Sequence[Endpoint]:
        """Return the endpoints that reported last within :data:`ENDPOINT_RETENTION`, newest first."""
        return self.db.scalars(
            sa.select(Endpoint)
            .where(
                Endpoint.last_seen <= now - ENDPOINT_TTL,
                Endpoint.last_seen > now - ENDPOINT_RETENTION,
                Endpoint.left_at.is_(None),
            )
            .order_by(Endpoint.last_seen.desc(), Endpoint.id)
        ).all()

    def candidates(self, *, now: datetime) -> Sequence[tuple[Endpoint, Candidate]]:
        """Return the living endpoints with what matters for sending viewers to them.

        The least loaded come first.
        """
        # Endpoints of one machine share its link, whatever rooms they stream.
        other = aliased(Endpoint)
        machine = (
            sa.select(sa.func.sum(other.bitrate))
            .where(other.host == Endpoint.host, *_is_alive(now, other))
            .scalar_subquery()
        )
        joined = (
            sa.select(sa.func.count())
            .where(
                Player.room == Endpoint.room,
                Player.endpoint == Endpoint.name,
                Player.moved > Endpoint.last_seen,
                Player.until > now,
            )
            .scalar_subquery()
        )
        rows = self.db.execute(
            sa.select(Endpoint, machine, joined)
            .where(*_is_alive(now))
            .order_by(Endpoint.bitrate, Endpoint.id)
        ).all()
        guests = self._guests({(endpoint.room, endpoint.name) for endpoint, _, _ in rows}, now)
        expected = {
            # Who was sent there and who reports from there are the same people.
            endpoint.id: max(endpoint.handed, players + guests[endpoint.room, endpoint.name])
            for endpoint, _, players in rows
        }
        coming: Counter[str] = Counter()
        for endpoint, _, _ in rows:
            coming[endpoint.host] += expected[endpoint.id]
        return [
            (
                endpoint,
                _build_candidate(
                    endpoint, int(bitrate), expected[endpoint.id], coming[endpoint.host]
                ),
            )
            for endpoint, bitrate, _ in rows
        ]

    def _guests(self, alive: Set[tuple[str, str]], now: datetime) -> Counter[tuple[str, str]]:
        """Return how many players of other rooms have come to each endpoint since its report."""
        found: Counter[tuple[str, str]] = Counter()
        if not self._stand_ins.guests:
            return found
        rows = self.db.execute(
            sa.select(Player.room, Endpoint.room, Endpoint.name, sa.func.count())
            .join(Endpoint, Player.endpoint == Endpoint.name)
            .where(
                Player.room.in_(self._stand_ins.guests),
                Player.room != Endpoint.room,
                Player.moved > Endpoint.last_seen,
                Player.until > now,
                *_is_alive(now),
            )
            .group_by(Player.room, Endpoint.room, Endpoint.name)
        )
        for watched, group, name, players in rows:
            if self._stand_ins.owner(watched, name, alive) == group:
                found[group, name] += players
        return found

    def send(
        self, *, rooms: Sequence[str], prefer: Collection[str] = (), now: datetime
    ) -> Endpoint | None:
        """Choose an endpoint for one more viewer, and count them for all workers.

        :param rooms: the viewer's room, then those whose endpoints stand in for its own: the first
            that has an endpoint with room left is taken, or else the first that has any.
        :param prefer: regions and tags of the endpoints that the viewer is best served by.
        """
        ensure_write_transaction(self.db)
        found = self.candidates(now=now)
        choices = [
            least_utilised(
                estimate_loads([c for endpoint, c in found if endpoint.room == room]), prefer
            )
            for room in rooms
        ]
        offered = [choice for choice in choices if choice]
        if not offered:
            return None
        chosen = next((choice for choice in offered if choice.welcomes), offered[0])
        endpoint = next(endpoint for endpoint, c in found if c is chosen.candidate)
        self.db.execute(
            sa.update(Endpoint)
            .where(Endpoint.id == endpoint.id)
            .values(handed=Endpoint.handed + 1)
            .execution_options(synchronize_session=False)
        )
        return endpoint


def _is_alive(now: datetime, endpoint: Any = Endpoint) -> tuple[sa.ColumnElement[bool], ...]:
    return (endpoint.last_seen > now - ENDPOINT_TTL, endpoint.left_at.is_(None))


def _build_candidate(
    endpoint: Endpoint, machine_bitrate: int, expected: int, machine_expected: int
) -> Candidate:
    return Candidate(
        name=endpoint.name,
        clients=endpoint.clients,
        bitrate=endpoint.bitrate,
        machine_bitrate=machine_bitrate,
        capacity=endpoint.capacity,
        expected=expected,
        machine_expected=machine_expected,
        closed=endpoint.draining or endpoint.drained,
        serves=best_media(formats_of(endpoint)),
        labels=frozenset([*endpoint.tags, *filter(None, [endpoint.region])]),
    )
