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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from balance_rules import (
    AssignmentRule,
    CapacityRule,
    ClientSideRule,
    FadingGuessRule,
    LeastBitrateRule,
    ServerSideRule,
    SimulatedFleet,
    TrackerRule,
)

VIEWERS = 20_000
DURATION_SECONDS = 120.0
REPORT_INTERVAL = 30.0
MEASURE_AFTER = 10.0
FLEETS = {
    "10 equal": [10] * 10,
    "4x1, 4x10, 2x25": [1] * 4 + [10] * 4 + [25] * 2,
}


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
