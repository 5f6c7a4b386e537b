"""Rules over the components that machines report: programs, streams, disks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from streaming_system.tracker.incidents.finding import STABLE_AFTER, IncidentFinding
from streaming_system.tracker.incidents.programme import Programme
from streaming_system.tracker.models import Component

MACHINE_REPORT_TIMEOUT = timedelta(seconds=120)
BAD_MOODS = ("sad", "lost")
MAX_SUBJECT_CHARS = 128
# Faults at any time, with the sentence that describes each. The other conditions are faults during
# a talk only: see media_rules.
FAULTS: Mapping[str, str] = {
    "stalled": "The stream {label} does not play{detail}.",
    "disk": "A disk fills: {label}{detail}.",
    "segments": "Segments are cut off: {label}{detail}.",
}


def group_by_machine(components: Sequence[Component]) -> Mapping[str, Sequence[Component]]:
    """Return the components of each machine."""
    machines: dict[str, list[Component]] = {}
    for component in components:
        machines.setdefault(component.machine, []).append(component)
    return machines


def is_silent(components: Sequence[Component], now: datetime) -> bool:
    """Return whether a machine has stopped reporting its components."""
    return max(each.reported_at for each in components) <= now - MACHINE_REPORT_TIMEOUT


def find_component_problems(
    components: Sequence[Component], programme: Programme, now: datetime
) -> Iterator[IncidentFinding]:
    """Yield the machines that are silent, and the faults of the components of all others."""
    for machine, of_machine in group_by_machine(components).items():
        if not is_silent(of_machine, now):
            for component in of_machine:
                yield from _component_faults(component, programme, now)
            continue
        # One finding per silent machine: the moods of its components are outdated.
        rooms = {component.room for component in of_machine}
        last_seen = max(component.reported_at for component in of_machine)
        yield IncidentFinding(
            kind="component",
            room=rooms.pop() if len(rooms) == 1 else "",
            subject=machine,
            summary=f"The machine {machine} stopped reporting at {last_seen:%H:%M:%S} UTC.",
        )


def _component_faults(
    component: Component, programme: Programme, now: datetime
) -> Iterator[IncidentFinding]:
    room = programme.rooms.get(component.room)
    label = f"{component.name} on {component.machine}"
    described = f"{label} of {room.title}" if room else label
    detail = f": {component.detail}" if component.detail else ""
    summaries = {
        "component": f"{described} is {component.mood}{detail}.",
        **{kind: text.format(label=described, detail=detail) for kind, text in FAULTS.items()},
    }
    kind = _fault_kind(component)
    # "since" is in the time of the machine's clock; times in the future are ignored.
    is_recovering = timedelta() <= now - component.since < STABLE_AFTER
    for each, summary in summaries.items():
        if each == kind or is_recovering:
            yield IncidentFinding(
                kind=each,
                room=component.room,
                subject=label[:MAX_SUBJECT_CHARS],
                summary=summary,
                should_open=each == kind,
            )


def _fault_kind(component: Component) -> str:
    if component.condition in FAULTS:
        return component.condition
    return "component" if component.mood in BAD_MOODS else ""
