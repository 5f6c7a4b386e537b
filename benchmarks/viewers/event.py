"""The model: an event, who comes to it, and where streams come from. Nothing here knows a network.

All times are seconds of the event's own clock (:class:`Agenda`).
"""

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# How popular rooms are: the k-th has 1/k of the first one's viewers.
ROOMS = ("hall", "lab", "forum", "studio", "attic", "garden", "library", "cellar")
ENDPOINTS = 60
# Talks begin at these moments of a window of 90 s, and are as much closer together than true ones.
FIRST_TALK, TALK_EVERY = 15.0, 45.0
# Who comes for a talk comes around its beginning: from so many seconds before it until after it.
BEFORE, PEAK, AFTER = 10.0, 5.0, 30.0
# Half of all are there from the talk before, as docs/capacity.md assumes ("arriving").
SEATED = 0.5
# Of those who come: who comes for no talk in particular, by the index page, for the first time.
AT_ANY_TIME, BY_INDEX, FIRST_VISITS = 0.2, 0.3, 0.25
LOOKS_AT_INDEX = (5.0, 25.0)
STAYS = 300.0
# An endpoint dies after this share of the window.
DIES_AFTER = 0.2


class Agenda:
    """What is to happen when, and what time it is."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._count = 0

    def after(self, seconds: float, do: Callable[[], object]) -> None:
        """Plan something for later."""
        self._count += 1
        heapq.heappush(self._heap, (self.now + seconds, self._count, do))

    @property
    def next(self) -> float:
        """When the next thing is due."""
        return self._heap[0][0] if self._heap else float("inf")

    def run(self, until: float, most: int = 2**62) -> float:
        """Do what is due, though not more than ``most``; return how late the first of it was."""
        late = max(0.0, until - self.next)
        while self._heap and self._heap[0][0] <= until and most > 0:
            self.now, _, do = heapq.heappop(self._heap)
            do()
            most -= 1
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
    """An event's window of time: who comes when, and where to."""

    viewers: int
    seconds: float
    seed: int = 8
    endpoints: list[Endpoint] = field(init=False)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        weights = [1 / (place + 1) for place in range(len(ROOMS))]
        self.shares = [weight / sum(weights) for weight in weights]
        # Each room has one, and the others go where the viewers are.
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
        """When talks begin."""
        count = int((self.seconds - FIRST_TALK) // TALK_EVERY) + 1
        return [FIRST_TALK + TALK_EVERY * number for number in range(count)]

    @property
    def seated(self) -> int:
        """How many are there from the beginning."""
        return int(self.viewers * SEATED)

    @property
    def dying(self) -> Endpoint:
        """Who dies: a server of the room that most watch."""
        return self.endpoints[0]

    @property
    def dies_at(self) -> float:
        return DIES_AFTER * self.seconds

    def arrivals(self) -> list[float]:
        """Return when those come who are not there yet.

        Moments of a Poisson process, given how many they are, are drawn from its intensity one by
        one: here a base, and a peak at each talk.
        """
        return sorted(self._arrival() for _ in range(self.viewers - self.seated))

    def _arrival(self) -> float:
        if self.random.random() >= AT_ANY_TIME:
            talk = self.random.choice(self.talks)
            moment = self.random.triangular(talk - BEFORE, talk + AFTER, talk + PEAK)
            if moment < self.seconds:
                return moment
        return self.random.uniform(0, self.seconds)

    def room(self) -> str:
        """Return the room that somebody goes to."""
        return self.random.choices(ROOMS, self.shares)[0]


def draw(servers: Sequence[dict], avoided: str | None, chance: float) -> str | None:
    """Return a server's name, drawn by weight as endpoints.js does; what failed comes last."""
    open_ones = [one for one in servers if one["name"] != avoided] or list(servers)
    left = chance * sum(one["weight"] for one in open_ones)
    for one in open_ones:
        left -= one["weight"]
        if left < 0:
            return one["name"]
    return open_ones[0]["name"] if open_ones else None
