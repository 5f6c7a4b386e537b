"""Writes reports of endpoints: many reports in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from streaming_system.tracker import models
from streaming_system.tracker.db.bounds import BoundReachedError, Bounds, serialize_new
from streaming_system.tracker.ingest.bulk import BulkInsert, BulkUpdate
from streaming_system.tracker.ingest.endpoint_bounds import make_space
from streaming_system.tracker.ingest.endpoint_report import EndpointReport, EndpointState
from streaming_system.tracker.ingest.instances import NameClashError, find_name_clash, next_instance

# Two report intervals: one report may be lost.
ENDPOINT_TTL = timedelta(seconds=60)
# An endpoint reports an assigned viewer after about this time.
ASSIGNMENT_LAG = timedelta(seconds=2)


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


# The result of a refused report.
RefusedReport = BoundReachedError | NameClashError

_endpoint_table = sa.Table("endpoint", models.Base.metadata)
_sample_table = sa.Table("sample", models.Base.metadata)
_KEY_COLUMNS = ("room", "name")
_STATE_COLUMNS = tuple(each.name for each in fields(EndpointState))
_METRIC_COLUMNS = ("clients", "bitrate", "cbitrate", "figures")
_LEASE_COLUMNS = (
    *("last_seen", "left_at", "since", "handed", "slate_since"),
    *("instance", "clash_at", "clash_host"),
)
# Rows are locked in the order of their keys to avoid deadlocks.
_SELECT_FOR_UPDATE = (
    sa.select(
        *(_endpoint_table.c[name] for name in (*_KEY_COLUMNS, "host", "drained", *_LEASE_COLUMNS))
    )
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
_UPDATE_CLASHES = BulkUpdate(_endpoint_table, _KEY_COLUMNS, ("clash_at", "clash_host"))
_INSERT_ENDPOINT = {
    dialect: insert(_endpoint_table).on_conflict_do_nothing().returning(_endpoint_table.c.id)
    for dialect, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
}
_INSERT_SAMPLES = BulkInsert(_sample_table, (*_KEY_COLUMNS, "at", *_METRIC_COLUMNS))


def ingest(
    connection: sa.Connection, reports: Sequence[EndpointReport], bounds: Bounds | None = None
) -> list[RegistrationResult | RefusedReport]:
    """Write reports, and return the tracker's view of each endpoint after its report.

    The result does not depend on how reports are divided into batches. A new endpoint beyond a
    bound is refused: the result of its reports is an error. So is the result of a report of another
    instance than the one whose lease is valid. Other reports of known endpoints are never refused.

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
    clashes: dict[tuple[str, str], dict[str, Any]] = {}
    accepted: list[EndpointReport] = []
    results: list[RegistrationResult | RefusedReport] = []
    for report in reports:
        key = _endpoint_key(report)
        if key in refused:
            results.append(refused[key])
            continue
        row = rows[key]
        if _is_lease_valid(row, report.now) and (clash := find_name_clash(row, report.instance)):
            host = report.state.host if report.state else ""
            row.update(clash_at=report.now, clash_host=host)
            clashes[key] = row
            results.append(clash)
            continue
        if key not in inserted or first_reports[key] is not report:
            columns = _reported_columns(report)
            row.update(_renew_lease(row, report), host=columns["host"])
            changes[key] = {**changes.get(key, {}), **columns, **row}
        accepted.append(report)
        results.append(
            RegistrationResult(
                is_new=row["since"] == report.now, assigned=row["handed"], drained=row["drained"]
            )
        )
    _update_endpoints(connection, changes)
    _UPDATE_CLASHES(connection, [_clash_columns(key, clashes[key]) for key in sorted(clashes)])
    _insert_samples(connection, accepted, bounds)
    return results


def _clash_columns(key: tuple[str, str], row: Mapping[str, Any]) -> dict[str, Any]:
    room, name = key
    clash = {column: row[column] for column in ("clash_at", "clash_host")}
    return {"of_room": room, "of_name": name, **clash}


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
    values |= {"token_id": report.token, "instance": report.instance}
    values |= {**_reported_columns(report), "last_seen": report.now, "left_at": None}
    values["slate_since"] = report.now if report.slate else None
    return connection.execute(_INSERT_ENDPOINT[connection.dialect.name], values).first() is not None


def _is_lease_valid(row: Mapping[str, Any], now: datetime) -> bool:
    return row["left_at"] is None and row["last_seen"] > now - ENDPOINT_TTL


def _renew_lease(row: Mapping[str, Any], report: EndpointReport) -> dict[str, Any]:
    """Return the lease columns of an endpoint after a report."""
    now, is_valid = report.now, _is_lease_valid(row, report.now)
    since, pending, slate_since = now, 0, now
    if is_valid:
        since, slate_since = row["since"], row["slate_since"] or now
        pending = _pending_assignments(row["handed"], now - row["last_seen"])
    lease = {"last_seen": now, "left_at": None, "since": since, "handed": pending}
    lease["slate_since"] = slate_since if report.slate else None
    return lease | next_instance(row, report.instance, is_lease_valid=is_valid)


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
    lists = {name: list(state[name]) for name in ("formats", "qualities", "tags", "ingest")}
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
