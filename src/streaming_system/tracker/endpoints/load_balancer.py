"""Who gets the next viewer.

Two ways lead to an endpoint. A page of the original asks the tracker, which sends it to the
endpoint that will be least used with it, counting those it has sent there since the endpoint's last
report. A player of today reads a list that is the same for everybody for a second, and draws from
it by weight: each endpoint's weight is the room that it has left, so that shares follow capacities,
a new endpoint fills up without being stormed, and what reports cannot know yet does little harm.

A room may have sound from other endpoints than its picture. They are never weighed against each
other: who can have the picture shall have it, however little the others have to do.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from streaming_system.tracker.endpoints.formats import MediaLevel

# A link of 1 Gbit/s is the least that somebody who says nothing about it will have.
DEFAULT_CAPACITY = 10**9
# What one viewer costs while there is nobody to measure it by, and what can be believed, in bit/s.
DEFAULT_VIEWER_BITRATE = 2_000_000
MIN_VIEWER_BITRATE, MAX_VIEWER_BITRATE = 64_000, 20_000_000
# An endpoint is never quite without a chance, or one wrong figure could take it out for good.
MIN_HEADROOM_SHARE = 0.02
# The weights of a list sum up to about this.
WEIGHT_SCALE = 1000


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An endpoint that lives, as far as it matters for sending viewers to it.

    :param clients: viewers at its last report.
    :param bitrate: what it sent to them then, in bit/s.
    :param machine_bitrate: what its machine sent then, for other rooms, too: they share its link.
    :param capacity: of the link, in bit/s; ``None`` if it does not say.
    :param expected: viewers that have been sent there, or come there, since that report.
    :param machine_expected: those of its whole machine, likewise.
    :param closed: whether it wants no new viewers (draining).
    :param serves: the best that viewers get there.
    :param labels: its region and tags.
    """

    name: str
    clients: int = 0
    bitrate: int = 0
    machine_bitrate: int = 0
    capacity: int | None = None
    expected: int = 0
    machine_expected: int = 0
    closed: bool = False
    serves: MediaLevel = MediaLevel.PICTURE
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class EndpointLoad:
    """How much an endpoint has to do, in bit/s, and how much it could."""

    candidate: Candidate
    load: float
    capacity: float
    rate: float

    @property
    def used_with_one_more(self) -> float:
        return (self.load + self.rate) / self.capacity

    @property
    def has_room(self) -> bool:
        """Tell whether one more viewer fits. Nobody is called full who says no capacity."""
        return self.candidate.capacity is None or self.load + self.rate <= self.capacity

    @property
    def welcomes(self) -> bool:
        """Tell whether this is where a viewer should go, and not only better than nothing."""
        return self.has_room and not self.candidate.closed

    @property
    def free(self) -> float:
        return max(self.capacity - self.load, self.capacity * MIN_HEADROOM_SHARE)


def estimate_loads(candidates: Sequence[Candidate]) -> list[EndpointLoad]:
    """Estimate the present loads of a room's endpoints."""
    known = [candidate.capacity for candidate in candidates if candidate.capacity]
    usual = float(median(known)) if known else DEFAULT_CAPACITY
    rate = _viewer_bitrate(candidates)
    return [
        EndpointLoad(
            candidate=candidate,
            # What a viewer of another room costs will be much the same.
            load=max(candidate.machine_bitrate, candidate.bitrate)
            + max(candidate.machine_expected, candidate.expected) * rate,
            capacity=float(candidate.capacity or usual),
            rate=rate,
        )
        for candidate in candidates
    ]


def _viewer_bitrate(candidates: Iterable[Candidate]) -> float:
    """Return what one viewer of these endpoints costs, in bit/s."""
    found = [(c.bitrate, c.clients) for c in candidates if c.clients and c.bitrate]
    if not found:
        return DEFAULT_VIEWER_BITRATE
    mean = sum(bitrate for bitrate, _ in found) / sum(clients for _, clients in found)
    return min(max(mean, MIN_VIEWER_BITRATE), MAX_VIEWER_BITRATE)


def eligible(found: Sequence[EndpointLoad], prefer: Collection[str] = ()) -> list[EndpointLoad]:
    """Return the endpoints that a new viewer may be sent to.

    These are, of those with a picture that are neither draining nor full, the ones with a preferred
    label, or all if none has one. If all are full, they are better than nothing; so are, last,
    draining ones. Where nobody has a picture, the same holds of those with sound.
    """
    best = min((standing.candidate.serves for standing in found), default=None)
    found = [standing for standing in found if standing.candidate.serves == best]
    willing = [standing for standing in found if not standing.candidate.closed]
    roomy = [standing for standing in found if standing.welcomes]
    preferred = [s for s in roomy if not s.candidate.labels.isdisjoint(prefer)]
    return preferred or roomy or willing or found


def least_utilised(
    found: Sequence[EndpointLoad], prefer: Collection[str] = ()
) -> EndpointLoad | None:
    """Return the endpoint that will be least used with one more viewer."""
    return min(
        eligible(found, prefer),
        key=lambda standing: (standing.used_with_one_more, standing.candidate.name),
        default=None,
    )


def selection_weights(found: Sequence[EndpointLoad], prefer: Collection[str] = ()) -> list[int]:
    """Return how likely a player shall draw each endpoint; 0: only if others have failed.

    It draws among those that serve what its viewer wants. Full ones share what there is by
    capacity.
    """
    shares = [0.0 for _ in found]
    for kind in MediaLevel:
        places = [at for at, standing in enumerate(found) if standing.candidate.serves == kind]
        chosen = eligible([found[at] for at in places], prefer)
        full = not any(standing.has_room for standing in chosen)
        wanted = [at for at in places if found[at] in chosen]
        free = [found[at].capacity if full else found[at].free for at in wanted]
        for at, share in zip(wanted, free, strict=True):
            shares[at] = share / sum(free)
    return [max(1, round(WEIGHT_SCALE * share)) if share else 0 for share in shares]
