"""Queries and changes of the endpoints that have reported."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence, Set
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
from streaming_system.tracker.ingest.endpoints import ENDPOINT_TTL
from streaming_system.tracker.ingest.instances import find_name_clash
from streaming_system.tracker.models import Endpoint, Player, Sample

__all__ = ["ENDPOINT_RETENTION", "ENDPOINT_TTL", "REPORT_INTERVAL", "Endpoints"]

REPORT_INTERVAL = timedelta(seconds=30)
ENDPOINT_RETENTION = timedelta(days=7)


class Endpoints:
    """The endpoints that have registered.

    :param on_change: called when an endpoint has deregistered.
    """

    def __init__(
        self,
        db: Session,
        on_change: Callable[[], None] = lambda: None,
        fallback_groups: FallbackGroups | None = None,
    ) -> None:
        self.db = db
        self._on_change = on_change
        self._fallback_groups = fallback_groups or FallbackGroups()

    def deregister(self, *, room: str, name: str, now: datetime, instance: str = "") -> bool:
        """Remove an endpoint at its request; return whether it was registered.

        A last sample sets its metrics to zero.

        :param instance: the agent that deregisters it; "" if it has no such id.
        :raises NameClashError: if another instance reports the endpoint.
        """
        ensure_write_transaction(self.db)
        endpoint = self.db.scalar(
            sa.select(Endpoint)
            .where(Endpoint.room == room, Endpoint.name == name, *_is_alive(now))
            .with_for_update()
        )
        if endpoint and (clash := find_name_clash(vars(endpoint), instance)):
            raise clash
        zero = {"clients": 0, "bitrate": 0, "cbitrate": 0, "stream_metrics": {}}
        row = self.db.execute(
            sa.update(Endpoint)
            .where(Endpoint.room == room, Endpoint.name == name, Endpoint.left_at.is_(None))
            .values(left_at=now, assigned=0, **zero)
            .returning(Endpoint.id)
        ).first()
        if row is None:
            return False
        self.db.add(Sample(room=room, name=name, at=now, **zero))
        self.db.flush()
        self._on_change()
        return True

    def set_drained(self, *, room: str, name: str, drained: bool, now: datetime) -> bool:
        """Drain an endpoint on behalf of the crew, or undo that; return whether it exists.

        The setting stays until the crew changes it, whatever the endpoint reports.
        """
        return self._set(room, name, drained=drained)

    def set_draining(self, *, room: str, name: str, draining: bool, now: datetime) -> bool:
        """Drain an endpoint at its own request, or undo that; return whether it exists."""
        return self._set(room, name, draining=draining)

    def _set(self, room: str, name: str, **values: bool) -> bool:
        ensure_write_transaction(self.db)
        row = self.db.execute(
            sa.update(Endpoint)
            .where(Endpoint.room == room, Endpoint.name == name)
            .values(**values)
            .returning(Endpoint.id)
        ).first()
        return row is not None

    def get(self, *, room: str, name: str) -> Endpoint | None:
        """Return an endpoint, expired or not."""
        return self.db.scalar(
            sa.select(Endpoint).where(Endpoint.room == room, Endpoint.name == name)
        )

    def alive(self, *, now: datetime, room: str | None = None) -> Sequence[Endpoint]:
        """Return the endpoints that have reported within the TTL, least loaded first.

        :param room: only those of this room.
        """
        query = sa.select(Endpoint).where(*_is_alive(now))
        if room is not None:
            query = query.where(Endpoint.room == room)
        return self.db.scalars(query.order_by(Endpoint.bitrate, Endpoint.id)).all()

    def recently_expired(self, *, now: datetime) -> Sequence[Endpoint]:
        """Return the endpoints that stopped reporting within the retention, latest first."""
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
        """Return the live endpoints with their load, least loaded first."""
        # Endpoints on one machine share its link, also those of different rooms.
        other = aliased(Endpoint)
        machine_bitrate = (
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
            sa.select(Endpoint, machine_bitrate, joined)
            .where(*_is_alive(now))
            .order_by(Endpoint.bitrate, Endpoint.id)
        ).all()
        joined_from_other_rooms = self._cross_room_viewers(
            {(endpoint.room, endpoint.name) for endpoint, _, _ in rows}, now
        )
        pending, machine_pending = {}, Counter[str]()
        for endpoint, _, players in rows:
            key = endpoint.room, endpoint.name
            # Viewers that were assigned and players that have joined are mostly the same people.
            pending[key] = max(endpoint.assigned, players + joined_from_other_rooms[key])
            machine_pending[endpoint.host] += pending[key]
        return [
            (
                endpoint,
                Candidate(
                    name=endpoint.name,
                    clients=endpoint.clients,
                    bitrate=endpoint.bitrate,
                    machine_bitrate=int(bitrate),
                    capacity=endpoint.capacity,
                    pending_viewers=pending[endpoint.room, endpoint.name],
                    machine_pending_viewers=machine_pending[endpoint.host],
                    draining=endpoint.draining or endpoint.drained,
                    slate=endpoint.slate_since is not None,
                    media=best_media(formats_of(endpoint)),
                    labels=frozenset([*endpoint.tags, *filter(None, [endpoint.region])]),
                ),
            )
            for endpoint, bitrate, _ in rows
        ]

    def _cross_room_viewers(
        self, alive: Set[tuple[str, str]], now: datetime
    ) -> Counter[tuple[str, str]]:
        """Return how many players of other rooms have joined each endpoint since its report.

        :param alive: the live endpoints, by room and name.
        """
        viewers: Counter[tuple[str, str]] = Counter()
        rooms = self._fallback_groups.rooms_with_fallbacks
        if not rooms:
            return viewers
        rows = self.db.execute(
            sa.select(Player.room, Endpoint.room, Endpoint.name, sa.func.count())
            .join(Endpoint, Player.endpoint == Endpoint.name)
            .where(
                Player.room.in_(rooms),
                Player.room != Endpoint.room,
                Player.moved > Endpoint.last_seen,
                Player.until > now,
                *_is_alive(now),
            )
            .group_by(Player.room, Endpoint.room, Endpoint.name)
        )
        for player_room, room, name, players in rows:
            if self._fallback_groups.endpoint_room(player_room, name, alive) == room:
                viewers[room, name] += players
        return viewers

    def assign_viewer(
        self, *, rooms: Sequence[str], prefer: Collection[str] = (), now: datetime
    ) -> Endpoint | None:
        """Choose an endpoint for one more viewer; all workers count the assignment.

        :param rooms: the viewer's room, then its fallback groups: the first one that has an
            endpoint with headroom is chosen, or else the first one that has an endpoint.
        :param prefer: regions and tags of the endpoints that suit the viewer best.
        """
        ensure_write_transaction(self.db)
        candidates = self.candidates(now=now)
        choices = [
            least_utilised(
                estimate_loads([c for endpoint, c in candidates if endpoint.room == room]), prefer
            )
            for room in rooms
        ]
        loads = [choice for choice in choices if choice]
        if not loads:
            return None
        chosen = next((load for load in loads if load.accepts_viewers), loads[0])
        endpoint = next(endpoint for endpoint, c in candidates if c is chosen.candidate)
        self.db.execute(
            sa.update(Endpoint)
            .where(Endpoint.id == endpoint.id)
            .values(assigned=Endpoint.assigned + 1)
            .execution_options(synchronize_session=False)
        )
        return endpoint


def _is_alive(now: datetime, endpoint: Any = Endpoint) -> tuple[sa.ColumnElement[bool], ...]:
    return (endpoint.last_seen > now - ENDPOINT_TTL, endpoint.left_at.is_(None))
