"""The model of an event, its viewers and its endpoints, without any network code.

All times are seconds of the event's own clock (:class:`Agenda`).
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# By popularity: the k-th room has 1/k of the viewers of the first.
ROOMS = ("hall", "lab", "forum", "studio", "attic", "garden", "library", "cellar")
ENDPOINTS = 60
# Talks start at these moments of a window of 90 s, more often than in reality.
FIRST_TALK, TALK_INTERVAL = 15.0, 45.0
# Viewers of a talk arrive in this period around its start, in seconds.
BEFORE, PEAK, AFTER = 10.0, 5.0, 30.0
# Half of all viewers stay from the previous talk: "arriving" in docs/explanation/capacity.md.
SEATED_SHARE = 0.5
# Shares of the arriving viewers: at any time, by the index page, on their first visit.
UNIFORM_SHARE, INDEX_SHARE, FIRST_VISIT_SHARE = 0.2, 0.3, 0.25
INDEX_SECONDS = (5.0, 25.0)
MEAN_STAY = 300.0
# An endpoint dies after this share of the window.
DEATH_SHARE = 0.2


class Agenda:
    """Scheduled actions, and the current time of the event."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Schedule an action."""
        self._count += 1
        heapq.heappush(self._heap, (self.now + seconds, self._count, action))

    @property
    def next(self) -> float:
        """The time of the next action."""
        return self._heap[0][0] if self._heap else float("inf")

    def run(self, until: float, max_actions: int = 2**62) -> float:
        """Run up to ``max_actions`` due actions; return how late the first server was."""
        late = max(0.0, until - self.next)
        while self._heap and self._heap[0][0] <= until and max_actions > 0:
            self.now, _, action = heapq.heappop(self._heap)
            action()
            max_actions -= 1
        if not self._heap or self._heap[0][0] > until:
            self.now = until
        return late


@dataclass(eq=False, slots=True)
class Endpoint:
    """A server that streams a room."""

    name: str
    room: str
    alive: bool = True
    viewers: set[object] = field(default_factory=set)


@dataclass(kw_only=True)
class Event:
    """A window of an event: arrivals, rooms and endpoints."""

    viewers: int
    seconds: float
    seed: int = 8
    endpoints: list[Endpoint] = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        weights = [1 / (place + 1) for place in range(len(ROOMS))]
        self.shares = [weight / sum(weights) for weight in weights]
        # One endpoint for each room, the others by popularity.
        rest = ENDPOINTS - len(ROOMS)
        counts = [1 + int(rest * share) for share in self.shares]
        counts[0] += ENDPOINTS - sum(counts)
        numbers = iter(range(1, ENDPOINTS + 1))
        self.endpoints = [
            Endpoint(f"edge{next(numbers)}", room)
            for room, count in zip(ROOMS, counts, strict=True)
            for _ in range(count)
        ]

    @property
    def talks(self) -> list[float]:
        """The start times of the talks."""
        count = int((self.seconds - FIRST_TALK) // TALK_INTERVAL) + 1
        return [FIRST_TALK + TALK_INTERVAL * number for number in range(count)]

    @property
    def seated(self) -> int:
        """The number of viewers that are present from the start."""
        return int(self.viewers * SEATED_SHARE)

    @property
    def dying(self) -> Endpoint:
        """The endpoint that dies: server of the most popular room."""
        return self.endpoints[0]

    @property
    def dies_at(self) -> float:
        return DEATH_SHARE * self.seconds

    def arrivals(self) -> list[float]:
        """Return the arrival times of the other viewers.

        Given their number, the times of a Poisson process are independent samples of its intensity:
        a base rate, and a peak at each talk.
        """
        return sorted(self._arrival() for _ in range(self.viewers - self.seated))

    def _arrival(self) -> float:
        if self.random.random() >= UNIFORM_SHARE:
            talk = self.random.choice(self.talks)
            moment = self.random.triangular(talk - BEFORE, talk + AFTER, talk + PEAK)
            if moment < self.seconds:
                return moment
        return self.random.uniform(0, self.seconds)

    def room(self) -> str:
        """Return a random room by popularity."""
        return self.random.choices(ROOMS, self.shares)[0]


def pick_weighted(servers: Sequence[dict], avoided: str | None, random_value: float) -> str | None:
    """Return a random name by weight, like endpoints.js; an avoided server only without others."""
    candidates = [server for server in servers if server["name"] != avoided] or list(servers)
    rest = random_value * sum(server["weight"] for server in candidates)
    for server in candidates:
        rest -= server["weight"]
        if rest < 0:
            return server["name"]
    return candidates[0]["name"] if candidates else None
