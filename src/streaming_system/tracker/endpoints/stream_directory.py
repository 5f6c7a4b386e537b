"""The endpoints that each room offers: the lists that players and pages load."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from streaming_system.config import ConferenceConfig, Room
from streaming_system.config.stream_sources import has_external_stream, is_served_by_endpoints
from streaming_system.tracker.endpoints import load_balancer
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups, room_and_fallbacks
from streaming_system.tracker.endpoints.formats import formats_of, is_watchable
from streaming_system.tracker.endpoints.slate import slate_since
from streaming_system.tracker.ingest.endpoint_report import EndpointState
from streaming_system.tracker.models import Endpoint

_Candidates = Sequence[tuple[Endpoint, load_balancer.Candidate]]


@dataclass(frozen=True, kw_only=True)
class StreamOffer:
    """An endpoint that viewers of a room may use.

    :param url: the base of its stream URLs for this room.
    :param files: paths of streams below it, by stream, where they are not the conventional ones.
    :param weight: its weight in a player's random selection; 0 means only if the others failed.
    :param counts_for_room: whether its metrics count for this room. Those of a fallback group count
        for one room only.
    """

    endpoint: Endpoint
    url: str
    formats: Sequence[str]
    files: Mapping[str, str]
    weight: int
    counts_for_room: bool

    @property
    def is_watchable(self) -> bool:
        """Whether it serves any stream to viewers, which makes the room live."""
        return is_watchable(self.endpoint)


def is_live(room: Room, offers: Sequence[StreamOffer], now: datetime) -> bool:
    """Return whether viewers of a room can watch a stream now."""
    watchable = any(offer.is_watchable for offer in offers)
    return not room.closed and (watchable or has_external_stream(room, now))


def is_on_slate(room: Room, offers: Sequence[StreamOffer], now: datetime) -> bool:
    """Return whether viewers of a room get only a slate."""
    has_slates_only = slate_since(offer.endpoint for offer in offers) is not None
    return has_slates_only and not room.closed and not has_external_stream(room, now)


class StreamDirectory:
    """Lists the endpoints of rooms.

    :param pattern: the URL of endpoints that report none, with ``{host}`` in it.
    """

    def __init__(self, endpoints: Endpoints, conference: ConferenceConfig, pattern: str) -> None:
        self._endpoints = endpoints
        self._conference = conference
        self._pattern = pattern
        self._fallback_groups = FallbackGroups(conference.rooms)

    def all_rooms(self, *, now: datetime) -> Mapping[str, Sequence[StreamOffer]]:
        """Return the offers of each room by its id, least loaded first."""
        alive = self._endpoints.candidates(now=now)
        return {
            room.id: self._offers(room.id, _serving_endpoints(room, alive))
            for room in self._conference.rooms.values()
        }

    def room(
        self, room: Room, *, prefer: Collection[str] = (), now: datetime
    ) -> Sequence[StreamOffer]:
        """Return the offers of one room, highest weight first.

        They include endpoints of fallback groups while the room's own accept no viewers.
        """
        alive = self._endpoints.candidates(now=now)
        offers = self._offers(room.id, _serving_endpoints(room, alive), prefer)
        return sorted(offers, key=lambda offer: (-offer.weight, offer.endpoint.name))

    def last_resorts(self, *, now: datetime) -> Mapping[tuple[str, str], Sequence[str]]:
        """Return the draining endpoints that get new viewers, because no other can serve them.

        The keys are their rooms and names; the values, the ids of the rooms of the viewers.
        """
        rooms: dict[tuple[str, str], list[str]] = {}
        for room, offers in self.all_rooms(now=now).items():
            if not is_served_by_endpoints(self._conference.rooms[room], now):
                continue
            for offer in offers:
                endpoint = offer.endpoint
                if offer.weight and (endpoint.draining or endpoint.drained):
                    rooms.setdefault((endpoint.room, endpoint.name), []).append(room)
        return rooms

    def url(self, endpoint: Endpoint | EndpointState, room: str) -> str:
        """Return the base of an endpoint's stream URLs for a room."""
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        return (endpoint.url or self._pattern.replace("{host}", host)).replace("{room}", room)

    def _offers(
        self, room: str, candidates: _Candidates, prefer: Collection[str] = ()
    ) -> Sequence[StreamOffer]:
        loads = load_balancer.estimate_loads([candidate for _, candidate in candidates])
        weights = load_balancer.selection_weights(loads, prefer)
        return [
            StreamOffer(
                endpoint=endpoint,
                url=self.url(endpoint, room),
                formats=formats_of(endpoint),
                files=stream_files(endpoint, room),
                weight=weight,
                counts_for_room=self._fallback_groups.accounting_room(endpoint.room) == room,
            )
            for (endpoint, _), weight in zip(candidates, weights, strict=True)
        ]


def stream_files(endpoint: Endpoint, room: str) -> dict[str, str]:
    """Return the paths that an endpoint reports, by stream, for a room."""
    return {stream: file.replace("{room}", room) for stream, file in endpoint.files.items()}


def _serving_endpoints(room: Room, alive: _Candidates) -> _Candidates:
    """Return a room's endpoints, with those of its fallback groups until one accepts viewers."""
    serving: list[tuple[Endpoint, load_balancer.Candidate]] = []
    for group in room_and_fallbacks(room):
        serving += [pair for pair in alive if pair[0].room == group]
        loads = load_balancer.estimate_loads([candidate for _, candidate in serving])
        if any(load.accepts_viewers for load in load_balancer.eligible(loads)):
            break
    return serving
