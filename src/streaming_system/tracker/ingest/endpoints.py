"""Writes reports of endpoints: many reports in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from streaming_system.tracker import models
from streaming_system.tracker.db.bounds import BoundReachedError, Bounds, serialize_new
from streaming_system.tracker.ingest.bulk import BulkInsert, BulkUpdate
from streaming_system.tracker.ingest.endpoint_bounds import make_space

# Two report intervals: one report may be lost.
ENDPOINT_TTL = timedelta(seconds=60)
# An endpoint reports an assigned viewer after about this time.
ASSIGNMENT_LAG = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True)
class EndpointState:
    """The properties of an endpoint that it reports, apart from metrics.

    :param host: its address or DNS name.
    :param url: the base of its stream URLs, with ``{room}`` for the room's id if it serves several;
        "" if the pattern in the ini file applies.
    :param files: paths of streams below ``url``, by stream.
    :param capacity: of its link, in bit/s; ``None`` if unknown.
    """

    host: str
    url: str = ""
    formats: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    capacity: int | None = None
    draining: bool = False
    region: str = ""
    tags: tuple[str, ...] = ()
    software: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointReport:
    """A report of an endpoint.

    :param state: ``None`` in the legacy protocol, which reports no more than the address. The
        stored properties then stay as they are.
    :param bitrate: bit/s that the endpoint sends.
    :param cbitrate: bit/s that its clients together should get.
    :param stream_metrics: metrics of single streams, such as ``webm_high_clients``.
    :param token: the id of the sender's token; ``None`` for the shared secret.
    :param slate: whether its viewers get a slate, because its input is lost.
    """

    room: str
    name: str
    state: EndpointState | None
    clients: int
    bitrate: int
    cbitrate: int
    stream_metrics: Mapping[str, int]
    now: datetime
    token: int | None = None
    slate: bool = False


def from_legacy(*, room: str, ip: str, metrics: Mapping[str, int], now: datetime) -> EndpointReport:
    """Return a report of the legacy protocol, where the address is the endpoint's name.

    :param metrics: must contain ``overall_clients``, ``overall_bitrate`` and ``overall_cbitrate``.
    """
    return EndpointReport(
        room=room,
        name=ip,
        state=None,
        clients=metrics["overall_clients"],
        bitrate=metrics["overall_bitrate"],
        cbitrate=metrics["overall_cbitrate"],
        stream_metrics={
            name: value for name, value in metrics.items() if not name.startswith("overall_")
        },
        now=now,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistrationResult:
    """The tracker's view of an endpoint after its report.

    :param is_new: whether the endpoint is new or returns after a gap.
    :param assigned: viewers that were assigned to it and that the report cannot include yet.
    :param drained: whether the crew drains it.
    """

    is_new: bool
    assigned: int
    drained: bool


_endpoint_table = sa.Table("endpoint", models.Base.metadata)
_sample_table = sa.Table("sample", models.Base.metadata)
_KEY_COLUMNS = ("room", "name")
_STATE_COLUMNS = tuple(each.name for each in fields(EndpointState))
_METRIC_COLUMNS = ("clients", "bitrate", "cbitrate", "figures")
_LEASE_COLUMNS = ("last_seen", "left_at", "since", "handed", "slate_since")
# Rows are locked in the order of their keys to avoid deadlocks.
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
# By whether the report has a state, which those of the legacy protocol lack.
_UPDATE_ENDPOINTS = {
    True: BulkUpdate(
        _endpoint_table, _KEY_COLUMNS, (*_STATE_COLUMNS, *_METRIC_COLUMNS, *_LEASE_COLUMNS)
    ),
    False: BulkUpdate(_endpoint_table, _KEY_COLUMNS, ("host", *_METRIC_COLUMNS, *_LEASE_COLUMNS)),
}
_INSERT_ENDPOINT = {
    dialect: insert(_endpoint_table).on_conflict_do_nothing().returning(_endpoint_table.c.id)
    for dialect, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
}
_INSERT_SAMPLES = BulkInsert(_sample_table, (*_KEY_COLUMNS, "at", *_METRIC_COLUMNS))


def ingest(
    connection: sa.Connection, reports: Sequence[EndpointReport], bounds: Bounds | None = None
) -> list[RegistrationResult | BoundReachedError]:
    """Write reports, and return the tracker's view of each endpoint after its report.

    The result does not depend on how reports are divided into batches. A new endpoint beyond a
    bound is refused: the result of its reports is an error. Known endpoints are never refused.

    :param connection: in a write transaction.
    :param reports: in the order of arrival.
    """
    bounds = bounds or Bounds({})
    rows = _select_for_update(connection, {_endpoint_key(report) for report in reports})
    first_reports = {_endpoint_key(report): report for report in reversed(reports)}
    inserted: set[tuple[str, str]] = set()
    refused: dict[tuple[str, str], BoundReachedError] = {}
    if first_reports.keys() - rows.keys():
        serialize_new(connection)
        # Another worker may have inserted the same endpoint meanwhile.
        rows |= _select_for_update(connection, first_reports.keys() - rows.keys())
    # During a deployment, workers of the previous version insert without this lock: the loop ends
    # when every row exists.
    while missing := first_reports.keys() - rows.keys() - refused.keys():
        for key in sorted(missing):
            new = first_reports[key]
            if error := make_space(connection, bounds, room=new.room, token=new.token, now=new.now):
                refused[key] = error
            elif _insert_new(connection, new):
                inserted.add(key)
        rows |= _select_for_update(connection, missing)
    changes: dict[tuple[str, str], dict[str, Any]] = {}
    results: list[RegistrationResult | BoundReachedError] = []
    for report in reports:
        key = _endpoint_key(report)
        if key in refused:
            results.append(refused[key])
            continue
        row = rows[key]
        if key not in inserted or first_reports[key] is not report:
            row.update(_renew_lease(row, report.now, slate=report.slate))
            changes[key] = {**changes.get(key, {}), **_reported_columns(report), **row}
        results.append(
            RegistrationResult(
                is_new=row["since"] == report.now, assigned=row["handed"], drained=row["drained"]
            )
        )
    _update_endpoints(connection, changes)
    _insert_samples(
        connection, [report for report in reports if _endpoint_key(report) not in refused], bounds
    )
    return results


def _insert_samples(
    connection: sa.Connection, reports: Sequence[EndpointReport], bounds: Bounds
) -> None:
    if not reports or not bounds.has_space(connection, "sample", now=reports[-1].now):
        return
    _INSERT_SAMPLES(
        connection,
        [
            {"room": report.room, "name": report.name, "at": report.now, **_metrics(report)}
            for report in reports
        ],
    )


def _endpoint_key(report: EndpointReport) -> tuple[str, str]:
    return report.room, report.name


def _select_for_update(
    connection: sa.Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of endpoints, and lock them."""
    rows = connection.execute(_SELECT_FOR_UPDATE, {"keys": sorted(keys)}).mappings()
    return {(row["room"], row["name"]): dict(row) for row in rows}


def _insert_new(connection: sa.Connection, report: EndpointReport) -> bool:
    """Insert an endpoint unless its row exists; return whether it was inserted."""
    values = {"room": report.room, "name": report.name, "since": report.now}
    values["token_id"] = report.token
    values |= {**_reported_columns(report), "last_seen": report.now, "left_at": None}
    values["slate_since"] = report.now if report.slate else None
    return connection.execute(_INSERT_ENDPOINT[connection.dialect.name], values).first() is not None


def _renew_lease(row: Mapping[str, Any], now: datetime, *, slate: bool) -> dict[str, Any]:
    """Return the lease columns of an endpoint that reports now."""
    since, pending, slate_since = now, 0, now
    if row["left_at"] is None and row["last_seen"] > now - ENDPOINT_TTL:
        since, slate_since = row["since"], row["slate_since"] or now
        pending = _pending_assignments(row["handed"], now - row["last_seen"])
    return {
        "last_seen": now,
        "left_at": None,
        "since": since,
        "handed": pending,
        "slate_since": slate_since if slate else None,
    }


def _pending_assignments(assigned: int, elapsed: timedelta) -> int:
    """Return how many assigned viewers a report cannot include yet.

    The estimate is that the assignments were spread evenly over the time since the last report.
    """
    return (
        assigned if elapsed <= ASSIGNMENT_LAG else int(assigned * (ASSIGNMENT_LAG / elapsed) + 0.5)
    )


def _reported_columns(report: EndpointReport) -> dict[str, Any]:
    if report.state is None:
        return {"host": report.name, **_metrics(report)}
    state = {name: getattr(report.state, name) for name in _STATE_COLUMNS}
    lists = {name: list(state[name]) for name in ("formats", "qualities", "tags")}
    return {**state, **lists, **_metrics(report)}


def _metrics(report: EndpointReport) -> dict[str, Any]:
    return {
        "clients": report.clients,
        "bitrate": report.bitrate,
        "cbitrate": report.cbitrate,
        "figures": report.stream_metrics,
    }


def _update_endpoints(
    connection: sa.Connection, changes: Mapping[tuple[str, str], Mapping[str, Any]]
) -> None:
    for has_state, update in _UPDATE_ENDPOINTS.items():
        update(
            connection,
            [
                {**changes[key], "of_room": key[0], "of_name": key[1]}
                for key in sorted(changes)
                if ("url" in changes[key]) is has_state
            ],
        )
