"""What endpoints report, written: many reports in one transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from streaming_system.tracker import models
from streaming_system.tracker.ingest.bulk import Insert, Update
from streaming_system.tracker.ingest.heartbeat_update import Columns, Steady

# One report may be lost.
ALIVE_FOR = timedelta(seconds=60)
# So long it takes until a viewer who was sent to an endpoint shows in its figures.
SETTLE = timedelta(seconds=2)


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
class Registration:
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


def of_old_protocol(
    *, room: str, ip: str, figures: Mapping[str, int], now: datetime
) -> Registration:
    """Return a report of the old protocol: the endpoint is known by its address.

    :param figures: declared figures; ``overall_clients``, ``overall_bitrate`` and
        ``overall_cbitrate`` are always there.
    """
    return Registration(
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
class Registered:
    """What the tracker knows of an endpoint that has reported.

    :param came: that it is new, or comes back after a gap.
    :param handed: how many viewers were sent to it that the report cannot have counted yet.
    :param drained: that the crew lets it have no new viewers.
    """

    came: bool
    handed: int
    drained: bool


_endpoint = sa.Table("endpoint", models.Base.metadata)
_KEY = ("room", "name")
_STATE = tuple(field.name for field in fields(EndpointState))
_FIGURES = ("clients", "bitrate", "cbitrate", "figures")
_SEEN = ("last_seen", "left_at", "since", "handed")
# Whoever locks several takes them in this order, so that nobody waits in a circle.
_LOCK = (
    sa.select(*(_endpoint.c[name] for name in (*_KEY, "drained", *_SEEN)))
    .where(sa.tuple_(_endpoint.c.room, _endpoint.c.name).in_(sa.bindparam("keys", expanding=True)))
    .order_by(_endpoint.c.room, _endpoint.c.name)
    .with_for_update()
)


# By whether a report is one of the old protocol.
_CHANGE = {
    True: Update(_endpoint, _KEY, ("host", *_FIGURES, *_SEEN)),
    False: Update(_endpoint, _KEY, (*_STATE, *_FIGURES, *_SEEN)),
}
_BEGIN = {
    dialect: insert(_endpoint).on_conflict_do_nothing().returning(_endpoint.c.id)
    for dialect, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
}
_sample = sa.Table("sample", models.Base.metadata)
_SAMPLE = Insert(_sample, (*_KEY, "at", *_FIGURES))


def _goes_on(new: Columns, had: Columns) -> sa.ColumnElement[bool]:
    """Tell what :func:`_renewed` takes for no new beginning."""
    return sa.and_(
        had["left_at"].is_(None),
        had["last_seen"] > new["alive_since"],
        had["since"] != new["now"],
    )


def _handed(new: Columns, had: Columns) -> sa.ColumnElement[int]:
    """Return what :func:`_still_coming` does."""
    elapsed = new["now"] - had["last_seen"]
    share = SETTLE.total_seconds() / sa.extract("epoch", elapsed)
    rounded = sa.func.floor(had["handed"] * share + 0.5)
    return sa.case((elapsed <= SETTLE, had["handed"]), else_=sa.cast(rounded, sa.BigInteger))


def _steady(said: Sequence[str]) -> Steady:
    names = (*said, *_FIGURES)
    own = {name: name for name in (*_KEY, *names)}
    return Steady(
        _endpoint,
        keys=_KEY,
        given={**own, "now": "last_seen", "alive_since": "last_seen"},
        holds=_goes_on,
        values=lambda new, had: {
            **{name: new[name] for name in names},
            "last_seen": new["now"],
            "handed": _handed(new, had),
        },
        history=_sample,
        adds=lambda new, had: {
            **{name: new[name] for name in (*_KEY, *_FIGURES)},
            "at": new["now"],
        },
        tells=("handed", "drained"),
    )


# By whether a report is one of the old protocol.
_GOES_ON = {True: _steady(("host",)), False: _steady(_STATE)}


def go_on(connection: sa.Connection, reports: Sequence[Registration]) -> list[Registered | None]:
    """Write the reports of endpoints that go on, in one statement of PostgreSQL's.

    :return: as :func:`write` does; ``None`` for a report of an endpoint that comes, or comes back,
        or is not its first of these. Nothing of it was written.
    """
    first = {_key(report): report for report in reversed(reports)}
    known: dict[tuple[str, str], Registered] = {}
    for old, steady in _GOES_ON.items():
        given = [
            {
                **dict(zip(_KEY, key, strict=True)),
                **_said(report),
                "now": report.now,
                "alive_since": report.now - ALIVE_FOR,
            }
            for key, report in first.items()
            if (report.state is None) is old
        ]
        for row in steady(connection, given):
            found = Registered(came=False, handed=row.handed, drained=row.drained)
            known[row.room, row.name] = found
    return [
        known.get(_key(report)) if first[_key(report)] is report else None for report in reports
    ]


def write(connection: sa.Connection, reports: Sequence[Registration]) -> list[Registered]:
    """Write reports, and return what is known of each endpoint after its report.

    What comes out is the same as if each had been written by itself, in this order.

    :param connection: its transaction must be that of a writer.
    """
    known = _locked(connection, {_key(report) for report in reports})
    first = {_key(report): report for report in reversed(reports)}
    begun: set[tuple[str, str]] = set()
    # Two reports of a new endpoint may come at once; the database decides, not we.
    while missing := first.keys() - known.keys():
        begun |= {key for key in sorted(missing) if _began(connection, first[key])}
        known |= _locked(connection, missing)
    changes: dict[tuple[str, str], dict[str, Any]] = {}
    results = []
    for report in reports:
        key = _key(report)
        seen = known[key]
        if key not in begun or first[key] is not report:
            seen.update(_renewed(seen, report.now))
            changes[key] = {**changes.get(key, {}), **_said(report), **seen}
        came = seen["since"] == report.now
        results.append(Registered(came=came, handed=seen["handed"], drained=seen["drained"]))
    _store(connection, changes)
    _SAMPLE(
        connection,
        [
            {"room": report.room, "name": report.name, "at": report.now, **_figures(report)}
            for report in reports
        ],
    )
    return results


def _key(report: Registration) -> tuple[str, str]:
    return report.room, report.name


def _locked(
    connection: sa.Connection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is known of endpoints, and keep others from changing it."""
    rows = connection.execute(_LOCK, {"keys": sorted(keys)}).mappings()
    return {(row["room"], row["name"]): dict(row) for row in rows}


def _began(connection: sa.Connection, report: Registration) -> bool:
    """Make a new endpoint, unless it is there by now; tell whether it was made."""
    values = {"room": report.room, "name": report.name, "since": report.now, **_said(report)}
    values |= {"last_seen": report.now, "left_at": None}
    return connection.execute(_BEGIN[connection.dialect.name], values).first() is not None


def _renewed(seen: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return when an endpoint that reports was seen, and how many viewers are coming still."""
    if seen["left_at"] is not None or seen["last_seen"] <= now - ALIVE_FOR:
        since, handed = now, 0
    else:
        since, handed = seen["since"], _still_coming(seen["handed"], now - seen["last_seen"])
    return {"last_seen": now, "left_at": None, "since": since, "handed": handed}


def _still_coming(handed: int, elapsed: timedelta) -> int:
    """Return how many of those sent to an endpoint a report that comes now cannot know yet.

    They are taken to have been sent evenly since the report before.
    """
    return handed if elapsed <= SETTLE else int(handed * (SETTLE / elapsed) + 0.5)


def _said(report: Registration) -> dict[str, Any]:
    if report.state is None:
        return {"host": report.name, **_figures(report)}
    state = {name: getattr(report.state, name) for name in _STATE}
    lists = {name: list(state[name]) for name in ("formats", "qualities", "tags")}
    return {**state, **lists, **_figures(report)}


def _figures(report: Registration) -> dict[str, Any]:
    return {name: getattr(report, name) for name in _FIGURES}


def _store(connection: sa.Connection, changes: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
    for old, change in _CHANGE.items():
        rows = [
            {**changes[key], "of_room": key[0], "of_name": key[1]}
            for key in sorted(changes)
            # What only the other protocol says is among the changes, or it is not.
            if ("url" not in changes[key]) is old
        ]
        change(connection, rows)
