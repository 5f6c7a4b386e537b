"""Simulates the assignment of 20,000 viewers within two minutes when a talk starts.

It uses the tracker's code: services store registrations and the reports of players in a database,
``Endpoints.send`` assigns viewers of old pages, and players pick randomly from the weighted list of
``StreamDirectory.room``, which is cached for a second.

The model: viewers arrive at random moments of 120 s and cause equal load; an endpoint counts a
viewer a random 0.5 to 2.5 s after the assignment; endpoints report every 30 s, at random phases.
The result is the largest load/capacity of an endpoint over the mean load/capacity, where load is
the number of assigned viewers. It is the maximum of every second from the 10th on, and the mean of
several runs with fixed seeds. The same arrivals are simulated with the original's rule (least
bitrate at the last report), that of MistServer's balancer (it adds a guess of the assigned viewers,
which fades by a quarter with each report), and random selection by capacity.

    make bench-balance

Exit status 1: a goal is missed.
"""

import argparse
import bisect
import json
import random
import statistics
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.config import ConferenceConfig, Room, SiteConfig
from streaming_system.tracker.endpoints.endpoints import Endpoints, EndpointState
from streaming_system.tracker.endpoints.stream_directory import StreamDirectory
from streaming_system.tracker.models import Base, Player

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
VIEWERS = 20_000
DURATION_SECONDS = 120.0
REPORT_INTERVAL = 30.0
MEASURE_AFTER = 10.0
BITS_PER_VIEWER = 2_000_000  # bit/s
GBIT = 10**9
FLEETS = {
    "10 equal": [10] * 10,
    "4x1, 4x10, 2x25": [1] * 4 + [10] * 4 + [25] * 2,
}


@dataclass
class SimulatedFleet:
    """The true state of the endpoints, which the tracker only knows from reports.

    :param assigned: viewers that were assigned to each endpoint.
    :param connecting: viewers that are about to connect, with their times.
    :param connected: viewers that each endpoint serves.
    """

    capacities: Sequence[float]
    random: random.Random
    assigned: list[int] = field(default_factory=list)
    connecting: list[tuple[float, int]] = field(default_factory=list)
    connected: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.assigned = [0] * len(self.capacities)
        self.connected = [0] * len(self.capacities)

    def assign(self, number: int, moment: float) -> None:
        self.assigned[number] += 1
        bisect.insort(self.connecting, (moment + self.random.uniform(0.5, 2.5), number))

    def arrivals(self, moment: float) -> Iterator[tuple[float, int]]:
        """Yield the viewers that connect until then."""
        while self.connecting and self.connecting[0][0] <= moment:
            arrived, number = self.connecting.pop(0)
            self.connected[number] += 1
            yield arrived, number

    def unevenness(self, among: Sequence[int]) -> float:
        shares = [self.assigned[n] / self.capacities[n] for n in among]
        mean = sum(self.assigned[n] for n in among) / sum(self.capacities[n] for n in among)
        return max(shares) / mean


class AssignmentRule(ABC):
    """A rule that chooses endpoints, given the reports of endpoints and players."""

    def __init__(self, world: SimulatedFleet) -> None:
        self.world = world

    @abstractmethod
    def report(self, number: int, moment: float) -> None:
        """Process an endpoint's report."""

    def joined(self, number: int, moment: float) -> None:  # noqa: B027 - Optional.
        """Process the first report of a player."""

    @abstractmethod
    def choose(self, moment: float) -> int:
        """Return the endpoint of the next viewer."""


class LeastBitrateRule(AssignmentRule):
    """The least bitrate at the last report."""

    def __init__(self, world: SimulatedFleet) -> None:
        super().__init__(world)
        self.reported = [0] * len(world.capacities)

    def report(self, number: int, moment: float) -> None:
        self.reported[number] = self.world.connected[number]

    def choose(self, moment: float) -> int:
        return self.reported.index(min(self.reported))


class FadingGuessRule(LeastBitrateRule):
    """MistServer's rule: assigned viewers are added, and fade by a quarter with each report."""

    def __init__(self, world: SimulatedFleet) -> None:
        super().__init__(world)
        self.guess = [0.0] * len(world.capacities)

    def report(self, number: int, moment: float) -> None:
        super().report(number, moment)
        self.guess[number] *= 0.75

    def choose(self, moment: float) -> int:
        chosen = min(
            range(len(self.reported)),
            key=lambda n: (self.reported[n] + self.guess[n]) / self.world.capacities[n],
        )
        self.guess[chosen] += 1
        return chosen


class CapacityRule(AssignmentRule):
    """Random selection by capacity."""

    def report(self, number: int, moment: float) -> None:
        pass

    def choose(self, moment: float) -> int:
        [chosen] = self.world.random.choices(
            range(len(self.world.capacities)), self.world.capacities
        )
        return chosen


class TrackerRule(AssignmentRule):
    """The tracker's services with their own database."""

    def __init__(self, world: SimulatedFleet, reporting: bool = True) -> None:
        super().__init__(world)
        self.reporting = reporting
        engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
        Base.metadata.create_all(engine)
        self.db = Session(engine)
        self.endpoints = Endpoints(self.db)
        self.players = 0

    def close(self) -> None:
        self.db.close()
        self.db.get_bind().dispose()

    def report(self, number: int, moment: float) -> None:
        viewers = self.world.connected[number]
        self.endpoints.report(
            room="hall",
            name=str(number),
            state=EndpointState(
                host=f"10.0.0.{number}", capacity=int(self.world.capacities[number] * GBIT)
            ),
            clients=viewers,
            bitrate=viewers * BITS_PER_VIEWER,
            cbitrate=viewers * BITS_PER_VIEWER,
            figures={},
            now=to_datetime(moment),
        )
        self.db.commit()

    def joined(self, number: int, moment: float) -> None:
        if not self.reporting:
            return
        self.players += 1
        zeros = dict.fromkeys(("played_ms", "rebuffer_ms", "rebuffers", "dropped", "errors"), 0)
        self.db.execute(
            sa.insert(Player).values(
                sid=str(self.players),
                room="hall",
                endpoint=str(number),
                format="hls",
                quality="",
                begun=to_datetime(moment),
                moved=to_datetime(moment),
                last_seen=to_datetime(moment),
                until=to_datetime(moment + 600),
                **zeros,
            )
        )
        self.db.commit()


class ServerSideRule(TrackerRule):
    """``stream.js``: the tracker chooses, and counts its assignments."""

    def choose(self, moment: float) -> int:
        endpoint = self.endpoints.send(rooms=["hall"], now=to_datetime(moment))
        assert endpoint is not None
        self.db.commit()
        return int(endpoint.name)


class ClientSideRule(TrackerRule):
    """``ROOM/streams.json``: players pick by weight from a list that is up to a second old."""

    def __init__(self, world: SimulatedFleet, reporting: bool = True) -> None:
        super().__init__(world, reporting)
        room = Room(id="hall", title="Hall")
        conference = ConferenceConfig(
            site=SiteConfig(secret=""), default=room, rooms={"hall": room}
        )
        self.directory = StreamDirectory(self.endpoints, conference, "http://{host}/")
        self.room = room
        self.listed_at = float("-inf")
        self.numbers: list[int] = []
        self.weights: list[int] = []

    def choose(self, moment: float) -> int:
        if moment - self.listed_at >= 1:
            self.listed_at = moment
            offers = self.directory.room(self.room, now=to_datetime(moment))
            self.numbers = [int(offer.endpoint.name) for offer in offers]
            self.weights = [offer.weight for offer in offers]
            self.db.commit()
        [chosen] = self.world.random.choices(self.numbers, self.weights)
        return chosen


def to_datetime(moment: float) -> datetime:
    return NOON + timedelta(seconds=moment)


def simulate(
    capacities: Sequence[float], rule: Callable[[SimulatedFleet], AssignmentRule], seed: int
) -> float:
    """Return the worst unevenness of one simulated start of a talk."""
    world = SimulatedFleet(capacities=capacities, random=random.Random(seed))
    chooser = rule(world)
    numbers = range(len(capacities))
    for number in numbers:
        # Endpoints register before the first viewer.
        chooser.report(number, 0)
    due = sorted((world.random.uniform(0, REPORT_INTERVAL), number) for number in numbers)
    worst = 0.0
    next_check = MEASURE_AFTER
    for moment in sorted(world.random.uniform(0, DURATION_SECONDS) for _ in range(VIEWERS)):
        while due[0][0] <= moment:
            when, number = due.pop(0)
            serve_arrivals(world, chooser, when)
            chooser.report(number, when)
            bisect.insort(due, (when + REPORT_INTERVAL, number))
        while next_check <= moment:
            worst = max(worst, world.unevenness(numbers))
            next_check += 1
        serve_arrivals(world, chooser, moment)
        world.assign(chooser.choose(moment), moment)
    if isinstance(chooser, TrackerRule):
        chooser.close()
    return max(worst, world.unevenness(numbers))


def serve_arrivals(world: SimulatedFleet, chooser: AssignmentRule, moment: float) -> None:
    for arrived, number in world.arrivals(moment):
        chooser.joined(number, arrived)


@dataclass(frozen=True, kw_only=True)
class FailoverResult:
    """The result of an endpoint's death at the 60th second.

    :param homeless: viewers of the dead endpoint without another one after 10 s.
    :param worst: the largest unevenness of the other endpoints afterwards.
    """

    moved: int
    homeless: int
    worst: float


def simulate_failover(capacities: Sequence[float], seed: int, dead: int) -> FailoverResult:
    """Let an endpoint die; its players detect that, and pick another one from their list."""
    world = SimulatedFleet(capacities=capacities, random=random.Random(seed))
    chooser = ClientSideRule(world)
    living = [number for number in range(len(capacities)) if number != dead]
    for number in range(len(capacities)):
        chooser.report(number, 0)
    due = sorted((world.random.uniform(0, REPORT_INTERVAL), number) for number in living)
    events = [(world.random.uniform(0, DURATION_SECONDS), "arrives") for _ in range(VIEWERS)]
    events.append((60.0, "dies"))
    events.sort()
    worst, moved, homeless, waited = 0.0, 0, 0, []
    while events:
        moment, what = events.pop(0)
        while due[0][0] <= moment:
            when, number = due.pop(0)
            serve_arrivals(world, chooser, when)
            chooser.report(number, when)
            bisect.insort(due, (when + REPORT_INTERVAL, number))
        serve_arrivals(world, chooser, moment)
        if what == "dies":
            # A player detects it when its buffer is empty, within ten seconds.
            for _ in range(world.assigned[dead]):
                noticed = moment + world.random.uniform(0, 10)
                bisect.insort(events, (noticed, "fails over"))
            world.assigned[dead] = 0
            continue
        chosen = chooser.choose(moment)
        tried = moment
        while chosen == dead and moment >= 60:
            # The list contains the dead endpoint for up to a minute: the player tries it once, and
            # then picks one of the others.
            tried += 2
            rest = [
                (n, w) for n, w in zip(chooser.numbers, chooser.weights, strict=True) if n != dead
            ]
            [chosen] = world.random.choices([n for n, _ in rest], [w for _, w in rest])
        if what == "fails over":
            moved += 1
            waited.append(tried - moment)
            homeless += tried - moment > 10
        world.assign(chosen, moment)
        if moment > 60:
            worst = max(worst, world.unevenness(living))
    chooser.close()
    return FailoverResult(moved=moved, homeless=homeless, worst=worst)


RULES: dict[str, Callable[[SimulatedFleet], AssignmentRule]] = {
    "least bitrate at the last report (the original)": LeastBitrateRule,
    "report and a fading guess (MistServer)": FadingGuessRule,
    "drawn by capacity alone": CapacityRule,
    "ours, on the server (stream.js)": ServerSideRule,
    "ours, from the list of a second (streams.json)": ClientSideRule,
    "ours, from the list, players report nothing": lambda world: ClientSideRule(
        world, reporting=False
    ),
}

# The maximum ratio of the worst endpoint's load to the mean, by rule, for each of FLEETS.
GOALS = {
    "ours, on the server (stream.js)": (1.05, 1.10),
    "ours, from the list of a second (streams.json)": (1.20, 1.45),
}


def missed_goals(ratios: Mapping[str, Mapping[str, float]], homeless: int) -> list[str]:
    """Return a line for each missed goal.

    :param homeless: viewers of a dead endpoint without another one 10 s after they detected it.
    """
    lines = [
        f"{rule}, {fleet}: {ratios[rule][fleet]:.3f}, allowed: {limit}"
        for rule, goals in GOALS.items()
        for fleet, limit in zip(FLEETS, goals, strict=True)
        if ratios[rule][fleet] > limit
    ]
    return [*lines, f"without a stream after 10 s: {homeless}, allowed: 0"] if homeless else lines


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--json", type=Path, help="output file")
    options = parser.parse_args()
    seeds = range(options.seeds)
    ratios: dict[str, dict[str, float]] = {}
    print(
        f"{VIEWERS:,} viewers in {DURATION_SECONDS:.0f} s, reports every {REPORT_INTERVAL:.0f} s, "
        f"{len(seeds)} seeds: worst load/capacity over the mean"
    )
    print(f"{'':50}" + "".join(f"{name:>18}" for name in FLEETS))
    for name, rule in RULES.items():
        ratios[name] = {
            fleet: round(statistics.mean(simulate(capacities, rule, seed) for seed in seeds), 3)
            for fleet, capacities in FLEETS.items()
        }
        print(f"{name:50}" + "".join(f"{value:18.2f}" for value in ratios[name].values()))
    print("\nAn endpoint dies at the 60th second (from the list)")
    homeless = 0
    for fleet, capacities in FLEETS.items():
        deaths = [
            simulate_failover(capacities, seed, dead=len(capacities) - 1)
            for seed in list(seeds)[:3]
        ]
        worst = statistics.mean(death.worst for death in deaths)
        print(
            f"{fleet:18} moved {sum(d.moved for d in deaths):,}, "
            f"without a stream after 10 s {sum(d.homeless for d in deaths)}, "
            f"worst among the living {worst:.2f}"
        )
        homeless += sum(d.homeless for d in deaths)
        ratios.setdefault("an endpoint dies", {})[fleet] = round(worst, 3)
    if options.json:
        options.json.write_text(json.dumps(ratios, indent=1) + "\n")
    lines = missed_goals(ratios, homeless)
    print("\n".join(["", *lines]) if lines else "\nEvery goal is reached.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
