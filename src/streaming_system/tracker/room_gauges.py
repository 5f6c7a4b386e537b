"""What the database says of each room now: a handful of numbers, for programs that watch."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from streaming_system.tracker.audience.viewers import Viewers
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.incidents.detector import MAX_SILENCE


@dataclass(frozen=True, kw_only=True)
class RoomGauges:
    """A room's numbers at one moment.

    :param alive: endpoints that take viewers.
    :param draining: endpoints that stream, but take no new viewers.
    :param silent: endpoints that stopped reporting within the last hour and said no goodbye.
    :param clients: what the endpoints that stream count together; ``bitrate`` what they send, in
        bit/s.
    :param players: viewers whose players report.
    :param others: viewers that only endpoints see.
    """

    room: str
    alive: int
    draining: int
    silent: int
    clients: int
    bitrate: int
    players: int
    others: int


class RoomGaugeQuery:
    """Reads the numbers of all rooms, with as few queries for many rooms as for one."""

    def __init__(self, db: Session, stand_ins: FallbackGroups | None = None) -> None:
        self.db = db
        self._stand_ins = stand_ins or FallbackGroups()

    def rooms(self, ids: Collection[str], *, now: datetime) -> Sequence[RoomGauges]:
        """Return the numbers of each of these rooms; they are 0 where nothing streams."""
        endpoints = Endpoints(self.db)
        states: Counter[tuple[str, str]] = Counter()
        clients: Counter[str] = Counter()
        bitrate: Counter[str] = Counter()
        for endpoint in endpoints.alive(now=now):
            closed = endpoint.draining or endpoint.drained
            states[endpoint.room, "draining" if closed else "alive"] += 1
            clients[endpoint.room] += endpoint.clients
            bitrate[endpoint.room] += endpoint.bitrate
        for endpoint in endpoints.silent(now=now):
            if endpoint.last_seen > now - MAX_SILENCE:
                states[endpoint.room, "silent"] += 1
        viewers = Viewers(self.db, self._stand_ins)
        players: Counter[str] = Counter()
        for (room, _), count in viewers.by_endpoint(now=now).items():
            players[room] += count
        others: Counter[str] = Counter()
        for (group, _), count in viewers.others(now=now).items():
            others[self._stand_ins.home(group)] += count
        return [
            RoomGauges(
                room=room,
                alive=states[room, "alive"],
                draining=states[room, "draining"],
                silent=states[room, "silent"],
                clients=clients[room],
                bitrate=bitrate[room],
                players=players[room],
                others=others[room],
            )
            for room in ids
        ]
