"""What endpoints report, written: many reports in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from streaming_system.tracker import models
from streaming_system.tracker.ingest.bulk import BulkInsert, BulkUpdate
from streaming_system.tracker.ingest.heartbeat_update import Columns, HeartbeatUpdate

# One report may be lost.
ENDPOINT_TTL = timedelta(seconds=60)
# So long it takes until a viewer who was sent to an endpoint shows in its figures.
ASSIGNMENT_LAG = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """What an endpoint says of itself, apart from figures.

    :param host: its address, or its name in the DNS.
    :param url: the base of its streams, with ``{room}`` for the room's id if it serves several;
        "" where the ini's pattern makes it of ``host``.
    :param capacity: of its link, in bit/s; ``None`` if unknown.
    """

    host: str
    url: str = ""
    formats: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    capacity: int | None = None
    draining: bool = False
    region: str = ""
    tags: tuple[str, ...] = ()
    software: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointReport:
    """A report of an endpoint.

    :param state: ``None`` in the old protocol, which knows no more than the address. What was said
        of the rest by other means stays as it is.
    :param figures: declared figures of single streams.
    """

    room: str
    name: str
    state: EndpointState | None
    clients: int
    bitrate: int
    cbitrate: int
    figures: Mapping[str, int]
    now: datetime


def from_legacy(*, room: str, ip: str, figures: Mapping[str, int], now: datetime) -> EndpointReport:
    """Return a report of the old protocol: the endpoint is known by its address.

    :param figures: declared figures; ``overall_clients``, ``overall_bitrate`` and
        ``overall_cbitrate`` are always there.
    """
    return EndpointReport(
        room=room,
        name=ip,
        state=None,
        clients=figures["overall_clients"],
        bitrate=figures["overall_bitrate"],
        cbitrate=figures["overall_cbitrate"],
        figures={name: value for name, value in figures.items() if not name.startswith("overall_")},
        now=now,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrationResult:
    """What the tracker knows of an endpoint that has reported.

    :param came: that it is new, or comes back after a gap.
    :param handed: how many viewers were sent to it that the report cannot have counted yet.
    :param drained: that the crew lets it have no new viewers.
    """

    came: bool
    handed: int
    drained: bool


_endpoint_table = sa.Table("endpoint", models.Base.metadata)
_KEY_COLUMNS = ("room", "name")
_STATE_COLUMNS = tuple(field.name for field in fields(EndpointState))
_METRIC_COLUMNS = ("clients", "bitrate", "cbitrate", "figures")
_LEASE_COLUMNS = ("last_seen", "left_at", "since", "handed")
# Whoever locks several takes them in this order, so that nobody waits in a circle.
_SELECT_FOR_UPDATE = (
    sa.select(*(_endpoint_table.c[name] for name in (*_KEY_COLUMNS, "drained", *_LEASE_COLUMNS)))
    .where(
        sa.tuple_(_endpoint_table.c.room, _endpoint_table.c.name).in_(
            sa.bindparam("keys", expanding=True)
        )
    )
    .order_by(_endpoint_table.c.room, _endpoint_table.c.name)
    .with_for_update()
)


# By whether a report is one of the old protocol.
_UPDATE_ENDPOINTS = {
    True: BulkUpdate(_endpoint_table, _KEY_COLUMNS, ("host", *_METRIC_COLUMNS, *_LEASE_COLUMNS)),
    False: BulkUpdate(
        _endpoint_table, _KEY_COLUMNS, (*_STATE_COLUMNS, *_METRIC_COLUMNS, *_LEASE_COLUMNS)
    ),
}
_INSERT_ENDPOINT = {
    dialect: insert(_endpoint_table).on_conflict_do_nothing().returning(_endpoint_table.c.id)
    for dialect, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
}
_sample_table = sa.Table("sample", models.Base.metadata)
_INSERT_SAMPLES = BulkInsert(_sample_table, (*_KEY_COLUMNS, "at", *_METRIC_COLUMNS))


def _is_heartbeat(new: Columns, had: Columns) -> sa.ColumnElement[bool]:
    """Tell what :func:`_renew_lease` takes for no new beginning."""
    return sa.and_(
        had["left_at"].is_(None),
        had["last_seen"] > new["alive_since"],
        had["since"] != new["now"],
    )


def _pending_assignments_sql(new: Columns, had: Columns) -> sa.ColumnElement[int]:
    """Return what :func:`_pending_assignments` does."""
    elapsed = new["now"] - had["last_seen"]
    share = ASSIGNMENT_LAG.total_seconds() / sa.extract("epoch", elapsed)
    rounded = sa.func.floor(had["handed"] * share + 0.5)
    return sa.case(
        (elapsed <= ASSIGNMENT_LAG, had["handed"]), else_=sa.cast(rounded, sa.BigInteger)
    )


def _heartbeat_update(said: Sequence[str]) -> HeartbeatUpdate:
    names = (*said, *_METRIC_COLUMNS)
    own = {name: name for name in (*_KEY_COLUMNS, *names)}
    return HeartbeatUpdate(
        _endpoint_table,
        keys=_KEY_COLUMNS,
        given={**own, "now": "last_seen", "alive_since": "last_seen"},
        holds=_is_heartbeat,
        values=lambda new, had: {
            **{name: new[name] for name in names},
            "last_seen": new["now"],
            "handed": _pending_assignments_sql(new, had),
        },
        history=_sample_table,
        adds=lambda new, had: {
            **{name: new[name] for name in (*_KEY_COLUMNS, *_METRIC_COLUMNS)},
            "at": new["now"],
        },
        tells=("handed", "drained"),
    )


# By whether a report is one of the old protocol.
_HEARTBEAT = {True: _heartbeat_update(("host",)), False: _heartbeat_update(_STATE_COLUMNS)}


def ingest_heartbeats(
    connection: sa.Connection, reports: Sequence[EndpointReport]
) -> list[RegistrationResult | None]:
    """Write the reports of endpoints that go on, in one statement of PostgreSQL's.

    :return: as :func:`ingest` does; ``None`` for a report of an endpoint that comes, or comes back,
        or is not its first of these. Nothing of it was written.
    """
    first = {_endpoint_key(report): report for report in reversed(reports)}
    known: dict[tuple[str, str], RegistrationResult] = {}
    for old, steady in _HEARTBEAT.items():
        given = [
            {
                **dict(zip(_KEY_COLUMNS, key, strict=True)),
                **_reported_columns(report),
                "now": report.now,
                "alive_since": report.now - ENDPOINT_TTL,
            }
            for key, report in first.items()
            if (report.state is None) is old
        ]
        for row in steady(connection, given):
            found = RegistrationResult(came=False, handed=row.handed, drained=row.drained)
            known[row.room, row.name] = found
    return [
        known.get(_endpoint_key(report)) if first[_endpoint_key(report)] is report else None
        for report in reports
    ]


def ingest(
    connection: sa.Connection, reports: Sequence[EndpointReport]
) -> list[RegistrationResult]:
    """Write reports, and return what is known of each endpoint after its report.

    What comes out is the same as if each had been written by itself, in this order.

    :param connection: its transaction must be that of a writer.
    """
    known = _select_for_update(connection, {_endpoint_key(report) for report in reports})
    first = {_endpoint_key(report): report for report in reversed(reports)}
    begun: set[tuple[str, str]] = set()
    # Two reports of a new endpoint may come at once; the database decides, not we.
    while missing := first.keys() - known.keys():
        begun |= {key for key in sorted(missing) if _insert_new(connection, first[key])}
        known |= _select_for_update(connection, missing)
    changes: dict[tuple[str, str], dict[str, Any]] = {}
    results = []
    for report in reports:
        key = _endpoint_key(report)
        seen = known[key]
        if key not in begun or first[key] is not report:
            seen.update(_renew_lease(seen, report.now))
            changes[key] = {**changes.get(key, {}), **_reported_columns(report), **seen}
        came = seen["since"] == report.now
        results.append(
            RegistrationResult(came=came, handed=seen["handed"], drained=seen["drained"])
        )
    _update_endpoints(connection, changes)
    _INSERT_SAMPLES(
        connection,
        [
            {"room": report.room, "name": report.name, "at": report.now, **_metrics(report)}
            for report in reports
        ],
    )
    return results


def _endpoint_key(report: EndpointReport) -> tuple[str, str]:
    return report.room, report.name


def _select_for_update(
    connection: sa.Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is known of endpoints, and keep others from changing it."""
    rows = connection.execute(_SELECT_FOR_UPDATE, {"keys": sorted(keys)}).mappings()
    return {(row["room"], row["name"]): dict(row) for row in rows}


def _insert_new(connection: sa.Connection, report: EndpointReport) -> bool:
    """Make a new endpoint, unless it is there by now; tell whether it was made."""
    values = {
        "room": report.room,
        "name": report.name,
        "since": report.now,
        **_reported_columns(report),
    }
    values |= {"last_seen": report.now, "left_at": None}
    return connection.execute(_INSERT_ENDPOINT[connection.dialect.name], values).first() is not None


def _renew_lease(seen: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return when an endpoint that reports was seen, and how many viewers are coming still."""
    if seen["left_at"] is not None or seen["last_seen"] <= now - ENDPOINT_TTL:
        since, handed = now, 0
    else:
        since, handed = seen["since"], _pending_assignments(seen["handed"], now - seen["last_seen"])
    return {"last_seen": now, "left_at": None, "since": since, "handed": handed}


def _pending_assignments(handed: int, elapsed: timedelta) -> int:
    """Return how many of those sent to an endpoint a report that comes now cannot know yet.

    They are taken to have been sent evenly since the report before.
    """
    return handed if elapsed <= ASSIGNMENT_LAG else int(handed * (ASSIGNMENT_LAG / elapsed) + 0.5)


def _reported_columns(report: EndpointReport) -> dict[str, Any]:
    if report.state is None:
        return {"host": report.name, **_metrics(report)}
    state = {name: getattr(report.state, name) for name in _STATE_COLUMNS}
    lists = {name: list(state[name]) for name in ("formats", "qualities", "tags")}
    return {**state, **lists, **_metrics(report)}


def _metrics(report: EndpointReport) -> dict[str, Any]:
    return {name: getattr(report, name) for name in _METRIC_COLUMNS}


def _update_endpoints(
    connection: sa.Connection, changes: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    for old, change in _UPDATE_ENDPOINTS.items():
        rows = [
            {**changes[key], "of_room": key[0], "of_name": key[1]}
            for key in sorted(changes)
            # What only the other protocol says is among the changes, or it is not.
            if ("url" not in changes[key]) is old
        ]
        change(connection, rows)
