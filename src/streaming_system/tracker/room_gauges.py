"""Current numbers of each room, for monitoring."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from streaming_system.tracker.audience.ended_rooms import EndedRooms
from streaming_system.tracker.audience.viewers import Viewers
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.incidents.detector import MAX_SILENCE


@dataclass(frozen=True, kw_only=True)
class RoomGauges:
    """The numbers of a room at one moment.

    :param alive: endpoints that accept viewers.
    :param draining: endpoints that stream, but accept no new viewers.
    :param silent: endpoints that stopped reporting within the last hour without deregistration.
    :param clients: the sum of the clients that streaming endpoints count.
    :param bitrate: the sum of what they send, in bit/s.
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
    """Queries the numbers of rooms. The number of queries is the same for any number of rooms."""

    def __init__(
        self,
        db: Session,
        fallback_groups: FallbackGroups | None = None,
        ended_rooms: EndedRooms | None = None,
    ) -> None:
        self.db = db
        self._ended_rooms = ended_rooms
        self._fallback_groups = fallback_groups or FallbackGroups()

    def rooms(self, ids: Collection[str], *, now: datetime) -> Sequence[RoomGauges]:
        """Return the numbers of each room; they are 0 if nothing streams."""
        endpoints = Endpoints(self.db)
        states: Counter[tuple[str, str]] = Counter()
        clients: Counter[str] = Counter()
        bitrate: Counter[str] = Counter()
        for endpoint in endpoints.alive(now=now):
            is_draining = endpoint.draining or endpoint.drained
            states[endpoint.room, "draining" if is_draining else "alive"] += 1
            clients[endpoint.room] += endpoint.clients
            bitrate[endpoint.room] += endpoint.bitrate
        for endpoint in endpoints.recently_expired(now=now):
            if endpoint.last_seen > now - MAX_SILENCE:
                states[endpoint.room, "silent"] += 1
        viewers = Viewers(self.db, self._fallback_groups, self._ended_rooms)
        players: Counter[str] = Counter()
        for (room, _), count in viewers.by_endpoint(now=now).items():
            players[room] += count
        others: Counter[str] = Counter()
        for (group, _), count in viewers.non_reporting(now=now).items():
            others[self._fallback_groups.accounting_room(group)] += count
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
