"""Rules over the agents behind endpoints and components: their names and their clocks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from streaming_system.config import Room
from streaming_system.tracker.incidents.component_rules import group_by_machine, is_silent
from streaming_system.tracker.incidents.finding import IncidentFinding
from streaming_system.tracker.models import Component, Endpoint

# A refused agent tries again within this time.
CLASH_TTL = timedelta(seconds=90)
# A clock that is off by this much less than the threshold resolves its incident. The header Date
# has a resolution of a second.
CLOCK_CLEAR_SECONDS = 1.0
# Suffixes of the machines that an agent reports its streams and pictures as.
AGENT_SUFFIXES = (":streams", ":pictures")


def find_name_clashes(
    endpoints: Sequence[Endpoint], rooms: Mapping[str, Room], now: datetime
) -> Iterator[IncidentFinding]:
    """Yield the live endpoints whose name another agent uses, too."""
    for endpoint in endpoints:
        if endpoint.clash_at is None or endpoint.clash_at <= now - CLASH_TTL:
            continue
        title = rooms[endpoint.room].title if endpoint.room in rooms else endpoint.room
        other = f" at {endpoint.clash_host}" if endpoint.clash_host else ""
        yield IncidentFinding(
            kind="name-clash",
            room=endpoint.room if endpoint.room in rooms else "",
            subject=endpoint.name,
            summary=f"Two agents have the name {endpoint.name} in {title}: the one at "
            f"{endpoint.host} streams, the other one{other} is refused. Give one of them another "
            "name.",
        )


def find_wrong_clocks(
    endpoints: Sequence[Endpoint],
    components: Sequence[Component],
    threshold: float,
    now: datetime,
) -> Iterator[IncidentFinding]:
    """Yield the machines whose clock differs from the tracker's by more than a threshold.

    :param threshold: in seconds.
    """
    # Endpoints and machines with the same name have the same agent.
    offsets = {each.name: each.clock_offset for each in endpoints if each.clock_offset is not None}
    for machine, of_machine in group_by_machine(components).items():
        if not is_silent(of_machine, now):
            latest = max(of_machine, key=lambda each: each.reported_at)
            if latest.clock_offset is not None:
                offsets.setdefault(_agent_name(machine), latest.clock_offset)
    for machine, offset in sorted(offsets.items()):
        if abs(offset) <= threshold - CLOCK_CLEAR_SECONDS:
            continue
        direction = "ahead of" if offset > 0 else "behind"
        yield IncidentFinding(
            kind="clock",
            room="",
            subject=machine,
            summary=f"The clock of {machine} is {abs(offset):,.0f} s {direction} the tracker's; "
            "start its time synchronisation (timedatectl).",
            should_open=abs(offset) > threshold,
        )


def _agent_name(machine: str) -> str:
    for suffix in AGENT_SUFFIXES:
        machine = machine.removesuffix(suffix)
    return machine
