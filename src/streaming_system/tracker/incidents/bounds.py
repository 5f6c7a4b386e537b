"""Limits the open incidents of a room: one more incident counts the others."""

from collections.abc import Collection, Mapping, Sequence

from streaming_system.config import Room
from streaming_system.tracker.incidents.finding import IncidentFinding, IncidentKey

# The kind of the incident that counts those that are not listed.
OVERFLOW_TYPE = "more"


def bound_findings(
    findings: Sequence[IncidentFinding],
    open_keys: Collection[IncidentKey],
    rooms: Mapping[str, Room],
    maximum: int,
) -> Mapping[IncidentKey, IncidentFinding]:
    """Return the findings by key, at most ``maximum`` of each room that are or will be open.

    The last of them counts the rest. Open incidents come first, so that they do not flap.

    :param open_keys: of the incidents that are open.
    """
    result: dict[IncidentKey, IncidentFinding] = {}
    by_room: dict[str, dict[IncidentKey, IncidentFinding]] = {}
    for finding in findings:
        if finding.should_open or finding.key in open_keys:
            by_room.setdefault(finding.room, {})[finding.key] = finding
    for id_, of_room in by_room.items():
        if len(of_room) <= maximum:
            result |= of_room
            continue
        for key in sorted(of_room, key=lambda key: key not in open_keys)[: maximum - 1]:
            result[key] = of_room[key]
        place = f" in {rooms[id_].title}" if id_ in rooms else ""
        overflow = IncidentFinding(
            kind=OVERFLOW_TYPE,
            room=id_,
            summary=f"And {len(of_room) - maximum + 1} more incidents{place}.",
        )
        result[overflow.key] = overflow
    return result
