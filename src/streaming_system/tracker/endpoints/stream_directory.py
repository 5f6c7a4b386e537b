"""What viewers may watch where: the lists that players and pages read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from streaming_system.config import ConferenceConfig, Room
from streaming_system.tracker.endpoints import load_balancer
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups, room_and_fallbacks
from streaming_system.tracker.endpoints.formats import formats_of, is_watchable
from streaming_system.tracker.ingest.endpoints import EndpointState
from streaming_system.tracker.models import Endpoint


@dataclass(frozen=True, kw_only=True)
class StreamOffer:
    """An endpoint that a viewer of a room may use.

    :param url: the base of its streams of this room.
    :param weight: how likely a player shall draw it among the room's; 0: only if others failed.
    :param own: whether its figures count for this room: of what stands in for several they
        count once.
    """

    endpoint: Endpoint
    url: str
    formats: Sequence[str]
    weight: int
    own: bool

    @property
    def reaches_viewers(self) -> bool:
        """Whether there is anything for viewers; only then the room is live by it."""
        return is_watchable(self.endpoint)


class StreamDirectory:
    """Says which endpoints serve a room.

    :param pattern: the URL of an endpoint that names none, with ``{host}`` in it.
    """

    def __init__(self, endpoints: Endpoints, conference: ConferenceConfig, pattern: str) -> None:
        self._endpoints = endpoints
        self._conference = conference
        self._pattern = pattern
        self._stand_ins = FallbackGroups(conference.rooms)

    def all_rooms(self, *, now: datetime) -> Mapping[str, Sequence[StreamOffer]]:
        """Return what is offered to viewers of each room, least loaded first, by room id."""
        alive = self._endpoints.candidates(now=now)
        return {
            room.id: self._offers(room.id, _serving_endpoints(room, alive))
            for room in self._conference.rooms.values()
        }

    def room(
        self, room: Room, *, prefer: Collection[str] = (), now: datetime
    ) -> Sequence[StreamOffer]:
        """Return what is offered to viewers of one room, those to be drawn first.

        The endpoints of a fallback group are among them while the room's own cannot take all.
        """
        alive = self._endpoints.candidates(now=now)
        offers = self._offers(room.id, _serving_endpoints(room, alive), prefer)
        return sorted(offers, key=lambda offer: (-offer.weight, offer.endpoint.name))

    def url(self, endpoint: Endpoint | EndpointState, room: str) -> str:
        """Return the base of an endpoint's streams of a room."""
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        return (endpoint.url or self._pattern.replace("{host}", host)).replace("{room}", room)

    def _offers(
        self,
        room: str,
        found: Sequence[tuple[Endpoint, load_balancer.Candidate]],
        prefer: Collection[str] = (),
    ) -> Sequence[StreamOffer]:
        shares = load_balancer.selection_weights(
            load_balancer.estimate_loads([c for _, c in found]), prefer
        )
        return [
            StreamOffer(
                endpoint=endpoint,
                url=self.url(endpoint, room),
                formats=formats_of(endpoint),
                weight=share,
                own=self._stand_ins.home(endpoint.room) == room,
            )
            for (endpoint, _), share in zip(found, shares, strict=True)
        ]


def _serving_endpoints(
    room: Room, alive: Sequence[tuple[Endpoint, load_balancer.Candidate]]
) -> Sequence[tuple[Endpoint, load_balancer.Candidate]]:
    """Return the room's endpoints, and those of its fallback groups until somebody has room."""
    found: list[tuple[Endpoint, load_balancer.Candidate]] = []
    for group in room_and_fallbacks(room):
        found += [pair for pair in alive if pair[0].room == group]
        best = load_balancer.eligible(load_balancer.estimate_loads([c for _, c in found]))
        if any(standing.welcomes for standing in best):
            break
    return found
