"""The endpoints that players name in their reports."""

from collections.abc import Iterable

import sqlalchemy as sa

from streaming_system.tracker import models
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest.player_report import NON_ENDPOINT_SOURCES, PlayerReport

_endpoint = sa.Table("endpoint", models.Base.metadata)
_SELECT_BY_KEY = sa.select(_endpoint.c.room, _endpoint.c.name).where(
    sa.tuple_(_endpoint.c.room, _endpoint.c.name).in_(sa.bindparam("keys", expanding=True))
)


class EndpointNames:
    """Looks up which reported endpoints exist, in one query for many reports."""

    def __init__(self, connection: sa.Connection, fallback_groups: FallbackGroups) -> None:
        self._connection = connection
        self._fallback_groups = fallback_groups
        # By room and reported name; "" for an unknown endpoint.
        self._names: dict[tuple[str, str], str] = {}

    def load(self, reports: Iterable[PlayerReport]) -> None:
        """Look up the endpoints of reports."""
        reported = {
            (report.room, report.endpoint)
            for report in reports
            if report.endpoint not in NON_ENDPOINT_SOURCES
        }
        if not reported:
            return
        # The endpoint may belong to a fallback group of the room.
        groups = {room: self._fallback_groups.groups(room) for room, _ in reported}
        keys = {(group, name) for room, name in reported for group in groups[room]}
        rows = self._connection.execute(_SELECT_BY_KEY, {"keys": sorted(keys)})
        existing = {(row.room, row.name) for row in rows}
        for room, name in reported:
            is_known = any((group, name) in existing for group in groups[room])
            self._names[room, name] = name if is_known else ""

    def get(self, report: PlayerReport) -> str:
        """Return the name of a report's endpoint; "" if it is unknown."""
        key = report.room, report.endpoint
        if key not in self._names:
            self.load([report])
        return self._names[key]
