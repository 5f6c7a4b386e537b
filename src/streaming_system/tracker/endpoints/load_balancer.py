"""Chooses endpoints for new viewers by load.

There are two ways to an endpoint. A page of the original system asks the tracker, which assigns the
viewer to the endpoint with the lowest utilisation. It counts the viewers that it has assigned since
the endpoint's last report. A current player loads a list that is cached for a second, and makes a
weighted random selection. An endpoint's weight is its headroom, so shares follow capacities, a new
endpoint fills up gradually, and the age of reports does little harm.

A room may have endpoints with video and endpoints with audio only. They are never compared: viewers
get video if any endpoint has it, whatever the load of the others.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from streaming_system.tracker.endpoints.formats import MediaLevel

# Assumed for endpoints that report no capacity: a link of 1 Gbit/s.
DEFAULT_CAPACITY = 10**9
# Bit/s of one viewer: without measurements, and the range of plausible ones.
DEFAULT_VIEWER_BITRATE = 2_000_000
MIN_VIEWER_BITRATE, MAX_VIEWER_BITRATE = 64_000, 20_000_000
# Lower bound of the headroom, so that a wrong report cannot exclude an endpoint.
MIN_HEADROOM_SHARE = 0.02
# The weights of a list sum up to about this.
WEIGHT_SCALE = 1000


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A live endpoint, as far as load balancing needs it.

    :param clients: viewers at its last report.
    :param bitrate: what it sent to them then, in bit/s.
    :param machine_bitrate: what all endpoints of its machine sent; they share its link.
    :param capacity: of the link, in bit/s; ``None`` if unknown.
    :param pending_viewers: viewers that were assigned or have joined since that report.
    :param machine_pending_viewers: those of all endpoints of its machine.
    :param draining: whether it accepts no new viewers.
    :param slate: whether its viewers get a slate.
    :param media: the best media that it serves.
    :param labels: its region and tags.
    """

    name: str
    clients: int = 0
    bitrate: int = 0
    machine_bitrate: int = 0
    capacity: int | None = None
    pending_viewers: int = 0
    machine_pending_viewers: int = 0
    draining: bool = False
    slate: bool = False
    media: MediaLevel = MediaLevel.VIDEO
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class EndpointLoad:
    """An endpoint's estimated load and capacity, and the bitrate of one viewer, in bit/s."""

    candidate: Candidate
    load: float
    capacity: float
    viewer_bitrate: float

    @property
    def next_utilisation(self) -> float:
        """The utilisation with one more viewer."""
        return (self.load + self.viewer_bitrate) / self.capacity

    @property
    def has_headroom(self) -> bool:
        """Whether it can serve one more viewer; always true if its capacity is unknown."""
        return self.candidate.capacity is None or self.next_utilisation <= 1

    @property
    def accepts_viewers(self) -> bool:
        """Whether it has headroom and is not draining."""
        return self.has_headroom and not self.candidate.draining

    @property
    def headroom(self) -> float:
        return max(self.capacity - self.load, self.capacity * MIN_HEADROOM_SHARE)


def estimate_loads(candidates: Sequence[Candidate]) -> list[EndpointLoad]:
    """Estimate the present loads of a room's endpoints."""
    capacities = [candidate.capacity for candidate in candidates if candidate.capacity]
    default_capacity = float(median(capacities)) if capacities else DEFAULT_CAPACITY
    bitrate = _viewer_bitrate(candidates)
    return [
        EndpointLoad(
            candidate=candidate,
            # Viewers of other rooms on the same machine have a similar bitrate.
            load=max(candidate.machine_bitrate, candidate.bitrate)
            + max(candidate.machine_pending_viewers, candidate.pending_viewers) * bitrate,
            capacity=float(candidate.capacity or default_capacity),
            viewer_bitrate=bitrate,
        )
        for candidate in candidates
    ]


def _viewer_bitrate(candidates: Iterable[Candidate]) -> float:
    """Return the mean bitrate of one viewer of these endpoints, in bit/s."""
    samples = [(c.bitrate, c.clients) for c in candidates if c.clients and c.bitrate]
    if not samples:
        return DEFAULT_VIEWER_BITRATE
    mean = sum(bitrate for bitrate, _ in samples) / sum(clients for _, clients in samples)
    return min(max(mean, MIN_VIEWER_BITRATE), MAX_VIEWER_BITRATE)


def eligible(loads: Sequence[EndpointLoad], prefer: Collection[str] = ()) -> list[EndpointLoad]:
    """Return the endpoints to which a new viewer may be assigned.

    Only endpoints with the best media of the room count, without those on slate unless all are. Of
    these, the first group that is not
    empty: those that accept viewers and have a preferred label, those that accept viewers, full
    ones, draining ones.
    """
    media = min((load.candidate.media for load in loads), default=None)
    loads = [load for load in loads if load.candidate.media == media]
    loads = [load for load in loads if not load.candidate.slate] or loads
    not_draining = [load for load in loads if not load.candidate.draining]
    accepting = [load for load in loads if load.accepts_viewers]
    preferred = [load for load in accepting if not load.candidate.labels.isdisjoint(prefer)]
    return preferred or accepting or not_draining or loads


def least_utilised(
    loads: Sequence[EndpointLoad], prefer: Collection[str] = ()
) -> EndpointLoad | None:
    """Return the eligible endpoint with the lowest utilisation after one more viewer."""
    return min(
        eligible(loads, prefer),
        key=lambda load: (load.next_utilisation, load.candidate.name),
        default=None,
    )


def selection_weights(loads: Sequence[EndpointLoad], prefer: Collection[str] = ()) -> list[int]:
    """Return the weight of each endpoint for players; 0 means only if the others have failed.

    A player selects among the endpoints with the media that its viewer wants, so each media level
    has its own weights. If all endpoints are full, weights follow capacities.
    """
    weights = [0] * len(loads)
    for media in MediaLevel:
        chosen = eligible([load for load in loads if load.candidate.media == media], prefer)
        is_full = not any(load.has_headroom for load in chosen)
        shares = [load.capacity if is_full else load.headroom for load in loads]
        total = sum(share for load, share in zip(loads, shares, strict=True) if load in chosen)
        for index, load in enumerate(loads):
            if load in chosen:
                weights[index] = max(1, round(WEIGHT_SCALE * shares[index] / total))
    return weights
