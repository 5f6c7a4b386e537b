"""Simulates a talk that begins: who gets how many of 20,000 viewers within two minutes.

It drives the code that serves requests: registrations and players' reports go into a database
through the services, viewers of old pages are sent by ``Endpoints.send``, players draw from the
list that ``Directory.room`` makes and a cache keeps for a second.

The model: viewers come at random moments of 120 s, each costs the same; an endpoint sees a viewer a
random 0.5 to 2.5 s after the hand-out; endpoints report every 30 s, at phases that nobody controls.
The figure is the worst endpoint's load/capacity over the mean load/capacity, where load counts who
has been sent there: the worst of every second from the 10th on, the mean of several runs with fixed
seeds. For comparison, on the same arrivals: the original's rule (least bitrate at the last report),
that of MistServer's balancer (what was handed out is guessed, and fades by a quarter with each
report), and drawing by capacity alone.

    make bench-balance

Its exit status is 1 if a goal is missed.
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
SECONDS = 120.0
REPORT_EVERY = 30.0
MEASURED_FROM = 10.0
RATE = 2_000_000  # bit/s
GBIT = 10**9
FLEETS = {
    "10 equal": [10] * 10,
    "4x1, 4x10, 2x25": [1] * 4 + [10] * 4 + [25] * 2,
}


@dataclass
class World:
    """The endpoints as they are, which no tracker knows exactly.

    :param sent: viewers that were sent to each endpoint.
    :param seen: viewers that each endpoint has begun to serve.
    """

    capacities: Sequence[float]
    random: random.Random
    sent: list[int] = field(default_factory=list)
    coming: list[tuple[float, int]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sent = [0] * len(self.capacities)
        self.seen = [0] * len(self.capacities)

    def send(self, number: int, moment: float) -> None:
        self.sent[number] += 1
        bisect.insort(self.coming, (moment + self.random.uniform(0.5, 2.5), number))

    def arrivals(self, moment: float) -> Iterator[tuple[float, int]]:
        """Yield who begins to be served until then."""
        while self.coming and self.coming[0][0] <= moment:
            arrived, number = self.coming.pop(0)
            self.seen[number] += 1
            yield arrived, number

    def unevenness(self, among: Sequence[int]) -> float:
        shares = [self.sent[n] / self.capacities[n] for n in among]
        mean = sum(self.sent[n] for n in among) / sum(self.capacities[n] for n in among)
        return max(shares) / mean


class Rule(ABC):
    """A way to choose an endpoint: told of reports and of players, asked for a viewer's."""

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def report(self, number: int, moment: float) -> None:
        """Hear an endpoint's report."""

    def joined(self, number: int, moment: float) -> None:  # noqa: B027 - Most hear nothing of it.
        """Hear that a player has begun to play."""

    @abstractmethod
    def choose(self, moment: float) -> int:
        """Return the endpoint of the next viewer."""


class Original(Rule):
    """Least bitrate at the last report."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.reported = [0] * len(world.capacities)

    def report(self, number: int, moment: float) -> None:
        self.reported[number] = self.world.seen[number]

    def choose(self, moment: float) -> int:
        return self.reported.index(min(self.reported))


class Fading(Original):
    """MistServer's: what was handed out is added, and fades by a quarter with each report."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.handed = [0.0] * len(world.capacities)

    def report(self, number: int, moment: float) -> None:
        super().report(number, moment)
        self.handed[number] *= 0.75

    def choose(self, moment: float) -> int:
        chosen = min(
            range(len(self.reported)),
            key=lambda n: (self.reported[n] + self.handed[n]) / self.world.capacities[n],
        )
        self.handed[chosen] += 1
        return chosen


class Draw(Rule):
    """By capacity alone."""

    def report(self, number: int, moment: float) -> None:
        pass

    def choose(self, moment: float) -> int:
        [chosen] = self.world.random.choices(
            range(len(self.world.capacities)), self.world.capacities
        )
        return chosen


class Ours(Rule):
    """The tracker's services over a database of their own."""

    def __init__(self, world: World, reporting: bool = True) -> None:
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
        viewers = self.world.seen[number]
        self.endpoints.report(
            room="hall",
            name=str(number),
            state=EndpointState(
                host=f"10.0.0.{number}", capacity=int(self.world.capacities[number] * GBIT)
            ),
            clients=viewers,
            bitrate=viewers * RATE,
            cbitrate=viewers * RATE,
            figures={},
            now=at(moment),
        )
        self.db.commit()

    def joined(self, number: int, moment: float) -> None:
        if not self.reporting:
            return
        self.players += 1
        nothing = dict.fromkeys(("played_ms", "rebuffer_ms", "rebuffers", "dropped", "errors"), 0)
        self.db.execute(
            sa.insert(Player).values(
                sid=str(self.players),
                room="hall",
                endpoint=str(number),
                format="hls",
                quality="",
                begun=at(moment),
                moved=at(moment),
                last_seen=at(moment),
                until=at(moment + 600),
                **nothing,
            )
        )
        self.db.commit()


class OursOnTheServer(Ours):
    """``stream.js``: the tracker picks, counting what it has handed out."""

    def choose(self, moment: float) -> int:
        endpoint = self.endpoints.send(rooms=["hall"], now=at(moment))
        assert endpoint is not None
        self.db.commit()
        return int(endpoint.name)


class OursCached(Ours):
    """``ROOM/streams.json``: players draw by weight from a list that is up to a second old."""

    def __init__(self, world: World, reporting: bool = True) -> None:
        super().__init__(world, reporting)
        room = Room(id="hall", title="Hall")
        conference = ConferenceConfig(
            site=SiteConfig(secret=""), default=room, rooms={"hall": room}
        )
        self.directory = StreamDirectory(self.endpoints, conference, "http://{host}/")
        self.room = room
        self.made = float("-inf")
        self.numbers: list[int] = []
        self.weights: list[int] = []

    def choose(self, moment: float) -> int:
        if moment - self.made >= 1:
            self.made = moment
            offers = self.directory.room(self.room, now=at(moment))
            self.numbers = [int(offer.endpoint.name) for offer in offers]
            self.weights = [offer.weight for offer in offers]
            self.db.commit()
        [chosen] = self.world.random.choices(self.numbers, self.weights)
        return chosen


def at(moment: float) -> datetime:
    return NOON + timedelta(seconds=moment)


def run(capacities: Sequence[float], rule: Callable[[World], Rule], seed: int) -> float:
    """Return the worst unevenness of one simulated start of a talk."""
    world = World(capacities=capacities, random=random.Random(seed))
    chooser = rule(world)
    everybody = range(len(capacities))
    for number in everybody:
        # Somebody has to be there before the first viewer.
        chooser.report(number, 0)
    due = sorted((world.random.uniform(0, REPORT_EVERY), number) for number in everybody)
    worst = 0.0
    next_look = MEASURED_FROM
    for moment in sorted(world.random.uniform(0, SECONDS) for _ in range(VIEWERS)):
        while due[0][0] <= moment:
            when, number = due.pop(0)
            settle(world, chooser, when)
            chooser.report(number, when)
            bisect.insort(due, (when + REPORT_EVERY, number))
        while next_look <= moment:
            worst = max(worst, world.unevenness(everybody))
            next_look += 1
        settle(world, chooser, moment)
        world.send(chooser.choose(moment), moment)
    if isinstance(chooser, Ours):
        chooser.close()
    return max(worst, world.unevenness(everybody))


def settle(world: World, chooser: Rule, moment: float) -> None:
    for arrived, number in world.arrivals(moment):
        chooser.joined(number, arrived)


@dataclass(frozen=True, kw_only=True)
class Death:
    """How it went after an endpoint died at the 60th second.

    :param homeless: viewers of the dead one who had no other after 10 s.
    :param worst: the unevenness among the living afterwards.
    """

    moved: int
    homeless: int
    worst: float


def die(capacities: Sequence[float], seed: int, dead: int) -> Death:
    """Let an endpoint die without a word; its players notice and take the next from their list."""
    world = World(capacities=capacities, random=random.Random(seed))
    chooser = OursCached(world)
    living = [number for number in range(len(capacities)) if number != dead]
    for number in range(len(capacities)):
        chooser.report(number, 0)
    due = sorted((world.random.uniform(0, REPORT_EVERY), number) for number in living)
    events = [(world.random.uniform(0, SECONDS), "arrives") for _ in range(VIEWERS)]
    events.append((60.0, "dies"))
    events.sort()
    worst, moved, homeless, waited = 0.0, 0, 0, []
    while events:
        moment, what = events.pop(0)
        while due[0][0] <= moment:
            when, number = due.pop(0)
            settle(world, chooser, when)
            chooser.report(number, when)
            bisect.insort(due, (when + REPORT_EVERY, number))
        settle(world, chooser, moment)
        if what == "dies":
            # A player notices when its buffer runs dry, at some moment of ten seconds.
            for _ in range(world.sent[dead]):
                noticed = moment + world.random.uniform(0, 10)
                bisect.insort(events, (noticed, "fails over"))
            world.sent[dead] = 0
            continue
        chosen = chooser.choose(moment)
        tried = moment
        while chosen == dead and moment >= 60:
            # The list still names it for up to a minute: the player tries it, once, and draws again
            # among the others.
            tried += 2
            rest = [
                (n, w) for n, w in zip(chooser.numbers, chooser.weights, strict=True) if n != dead
            ]
            [chosen] = world.random.choices([n for n, _ in rest], [w for _, w in rest])
        if what == "fails over":
            moved += 1
            waited.append(tried - moment)
            homeless += tried - moment > 10
        world.send(chosen, moment)
        if moment > 60:
            worst = max(worst, world.unevenness(living))
    chooser.close()
    return Death(moved=moved, homeless=homeless, worst=worst)


RULES: dict[str, Callable[[World], Rule]] = {
    "least bitrate at the last report (the original)": Original,
    "report and a fading guess (MistServer)": Fading,
    "drawn by capacity alone": Draw,
    "ours, on the server (stream.js)": OursOnTheServer,
    "ours, from the list of a second (streams.json)": OursCached,
    "ours, from the list, players report nothing": lambda world: OursCached(world, reporting=False),
}

# The most that the worst endpoint may have over the mean, by rule, for each of FLEETS.
GOALS = {
    "ours, on the server (stream.js)": (1.05, 1.10),
    "ours, from the list of a second (streams.json)": (1.20, 1.45),
}


def missed(figures: Mapping[str, Mapping[str, float]], homeless: int) -> list[str]:
    """Return a line for every goal that is missed.

    :param homeless: viewers of an endpoint that died who had no other 10 s after they noticed.
    """
    lines = [
        f"{rule}, {fleet}: {figures[rule][fleet]:.3f}, allowed is {most}"
        for rule, goals in GOALS.items()
        for fleet, most in zip(FLEETS, goals, strict=True)
        if figures[rule][fleet] > most
    ]
    return [*lines, f"without a stream after 10 s: {homeless}, allowed is 0"] if homeless else lines


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    options = parser.parse_args()
    seeds = range(options.seeds)
    figures: dict[str, dict[str, float]] = {}
    print(
        f"{VIEWERS:,} viewers in {SECONDS:.0f} s, reports every {REPORT_EVERY:.0f} s, "
        f"{len(seeds)} seeds: worst load/capacity over the mean"
    )
    print(f"{'':50}" + "".join(f"{name:>18}" for name in FLEETS))
    for name, rule in RULES.items():
        figures[name] = {
            fleet: round(statistics.mean(run(capacities, rule, seed) for seed in seeds), 3)
            for fleet, capacities in FLEETS.items()
        }
        print(f"{name:50}" + "".join(f"{value:18.2f}" for value in figures[name].values()))
    print("\nAn endpoint dies at the 60th second (from the list)")
    homeless = 0
    for fleet, capacities in FLEETS.items():
        deaths = [die(capacities, seed, dead=len(capacities) - 1) for seed in list(seeds)[:3]]
        worst = statistics.mean(death.worst for death in deaths)
        print(
            f"{fleet:18} moved {sum(d.moved for d in deaths):,}, "
            f"without a stream after 10 s {sum(d.homeless for d in deaths)}, "
            f"worst among the living {worst:.2f}"
        )
        homeless += sum(d.homeless for d in deaths)
        figures.setdefault("an endpoint dies", {})[fleet] = round(worst, 3)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    lines = missed(figures, homeless)
    print("\n".join(["", *lines]) if lines else "\nEvery goal is reached.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
