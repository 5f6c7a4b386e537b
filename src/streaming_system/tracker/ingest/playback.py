"""What players report, written: many reports in one transaction."""

import random
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from streaming_system.tracker import models
from streaming_system.tracker.audience.viewers import ViewerCountCache
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest.bulk import BulkInsert, BulkUpdate
from streaming_system.tracker.ingest.heartbeat_update import Columns, HeartbeatUpdate

# Where a player may have its stream from that is no endpoint; "" where it does not know.
NON_ENDPOINT_SOURCES = frozenset({"", "youtube", "cdn"})
# A player that was away for longer than this has gone and come back.
SESSION_GAP = timedelta(seconds=60)
# Reports shall not keep step with each other: each comes up to this share earlier.
JITTER = 0.2
# A report may be late by half of the interval, and by two seconds of the network's.
REPORT_GRACE_FACTOR, NETWORK_GRACE_SECONDS = 1.5, 2.0


@dataclass(frozen=True, kw_only=True)
class PlaybackTotals:
    """What happened to players.

    :param rebuffer_ms: for how many milliseconds they stood still while they should have played.
    """

    played_ms: int = 0
    rebuffer_ms: int = 0
    rebuffers: int = 0
    dropped: int = 0
    errors: int = 0


TOTAL_COLUMNS = tuple(field.name for field in fields(PlaybackTotals))
_REPORTED_COLUMNS = ("room", "format", "quality", "startup_ms", *TOTAL_COLUMNS)


@dataclass(frozen=True, kw_only=True)
class PlayerReport(PlaybackTotals):
    """A player's word on itself: totals since it began, so that a lost report loses nothing.

    :param sid: a random number that the player made for itself.
    :param endpoint: the name of the endpoint that it plays from, or one of :data:`NON_ENDPOINT_SOURCES`.
    :param startup_ms: milliseconds from the wish to play to the first picture; ``None`` until then.
    :param bitrate: of what it plays, in bit/s.
    :param leaving: that it will not report again.
    :param hidden: that nobody sees it now: browsers let it report rarely.
    """

    sid: str
    room: str
    endpoint: str = ""
    format: str = ""
    quality: str = ""
    startup_ms: int | None = None
    bitrate: int | None = None
    leaving: bool = False
    hidden: bool = False


def validity(seconds: int) -> timedelta:
    """Return for how long a player counts that was told to report again in so many seconds."""
    return timedelta(
        seconds=REPORT_GRACE_FACTOR * seconds + NETWORK_GRACE_SECONDS if seconds else 0
    )


# This is the busiest path of all, so its statements are made once.
_player_table = sa.Table("player", models.Base.metadata)
_playback_table = sa.Table("playback", models.Base.metadata)
_endpoint_table = sa.Table("endpoint", models.Base.metadata)
# Whoever locks several takes them in this order, so that nobody waits in a circle.
_SELECT_FOR_UPDATE = (
    sa.select(_player_table)
    .where(_player_table.c.sid.in_(sa.bindparam("sids", expanding=True)))
    .order_by(_player_table.c.sid)
    .with_for_update()
)
# A distributed database locks on one shard at a time.
_SELECT_ONE_FOR_UPDATE = (
    sa.select(_player_table).where(_player_table.c.sid == sa.bindparam("of")).with_for_update()
)
# What nearly every report changes; the rest changes seldom.
_HEARTBEAT_COLUMNS = ("last_seen", "until", *TOTAL_COLUMNS)
_RARE_COLUMNS = tuple(c.name for c in _player_table.c if c.name not in ("sid", *_HEARTBEAT_COLUMNS))


# By whether more of a player has changed than what always does.
_UPDATE_PLAYERS = {
    True: BulkUpdate(_player_table, ["sid"], (*_RARE_COLUMNS, *_HEARTBEAT_COLUMNS)),
    False: BulkUpdate(_player_table, ["sid"], _HEARTBEAT_COLUMNS),
}
_INSERT_PLAYER = {
    dialect: insert(_player_table).on_conflict_do_nothing().returning(_player_table.c.sid)
    for dialect, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
}
_ARCHIVE_SESSION = sa.insert(_player_table)
_STREAM_COLUMNS = ("room", "endpoint", "format", "quality")
_INSERT_PLAYBACK = BulkInsert(
    _playback_table, ("at", "starts", "bitrate", *_STREAM_COLUMNS, *TOTAL_COLUMNS, "startup_ms")
)
_ENDPOINTS_BY_NAME = sa.select(_endpoint_table.c.room, _endpoint_table.c.name).where(
    sa.tuple_(_endpoint_table.c.room, _endpoint_table.c.name).in_(
        sa.bindparam("which", expanding=True)
    )
)


def _is_heartbeat(new: Columns, had: Columns) -> sa.ColumnElement[bool]:
    """Tell what :meth:`_PlaybackBatch._go_on` finds nothing special about."""
    return sa.and_(
        *(new[name] == had[name] for name in _STREAM_COLUMNS),
        sa.func.coalesce(new["startup_ms"], had["startup_ms"]).is_not_distinct_from(
            had["startup_ms"]
        ),
        # It has not been away, nor said goodbye.
        had["until"] > new["now"],
        had["until"] > had["last_seen"],
        *(new[name] >= had[name] for name in TOTAL_COLUMNS),
    )


_HEARTBEAT = HeartbeatUpdate(
    _player_table,
    keys=["sid"],
    given={
        **{name: name for name in ("sid", "endpoint", *_REPORTED_COLUMNS)},
        "bitrate": "played_ms",
        "now": "last_seen",
        "until": "until",
    },
    holds=_is_heartbeat,
    values=lambda new, had: {
        "last_seen": new["now"],
        **{name: new[name] for name in ("until", *TOTAL_COLUMNS)},
    },
    history=_playback_table,
    adds=lambda new, had: {
        "at": new["now"],
        "starts": sa.literal(0),
        "bitrate": new["bitrate"],
        **{name: new[name] for name in _STREAM_COLUMNS},
        **{name: new[name] - had[name] for name in TOTAL_COLUMNS},
    },
    when=lambda new, had: sa.or_(*(new[name] > had[name] for name in TOTAL_COLUMNS)),
)


class ReportScheduler:
    """Says when the next report is due, so that those of all players come at the set rate.

    :param settings: the app's, for the keys ``report.*``.
    :param crowd: this process's idea of how many watch.
    """

    def __init__(self, settings: Mapping[str, Any], crowd: ViewerCountCache) -> None:
        self._shortest: int = settings["report.shortest"]
        self._longest: int = settings["report.longest"]
        self._rate: float = settings["report.rate"]
        self._crowd = crowd

    def seconds(self, report: PlayerReport, connection: sa.Connection, now: datetime) -> int:
        """Return the seconds until the next report; 0 for never."""
        if report.leaving:
            return 0
        if report.hidden:
            return self._longest
        watching = self._crowd.size(connection, now=now)
        seconds = min(watching / self._rate, self._longest) * random.uniform(1 - JITTER, 1)
        return max(round(seconds), self._shortest)


@dataclass(frozen=True, slots=True)
class TimedReport:
    """A report, when it came, and how long the player counts because of it."""

    report: PlayerReport
    now: datetime
    until: datetime


def ingest(
    connection: sa.Connection,
    reports: Sequence[tuple[PlayerReport, datetime]],
    pace: ReportScheduler,
    stand_ins: FallbackGroups,
) -> list[int]:
    """Write reports, each with when it came, and return in how many seconds the next ones are due.

    What comes out is the same as if each had been written by itself, in this order. Reports may
    come late, twice, or in another order: totals never go back, and nothing is added twice.

    :param connection: its transaction must be that of a writer.
    """
    due = [pace.seconds(report, connection, now) for report, now in reports]
    _PlaybackBatch(connection, stand_ins).write(
        [
            TimedReport(report, now, now + validity(seconds))
            for (report, now), seconds in zip(reports, due, strict=True)
        ]
    )
    return due


def ingest_heartbeats(
    connection: sa.Connection,
    reports: Sequence[tuple[PlayerReport, datetime]],
    pace: ReportScheduler,
) -> list[int | None]:
    """Write the reports of players that play on as they did, in one statement of PostgreSQL's.

    :return: as :func:`ingest` does; ``None`` for a report that says more than that, or is not the
        first of its player. Nothing of it was written.
    """
    given: dict[str, dict[str, Any]] = {}
    due: list[int | None] = []
    for report, now in reports:
        seconds = pace.seconds(report, connection, now)
        due.append(None if report.sid in given else seconds)
        given.setdefault(
            report.sid,
            {
                **{
                    name: getattr(report, name)
                    for name in ("sid", "endpoint", "bitrate", *_REPORTED_COLUMNS)
                },
                "now": now,
                "until": now + validity(seconds),
            },
        )
    written = {row.sid for row in _HEARTBEAT(connection, list(given.values()))}
    return [
        seconds if report.sid in written else None
        for (report, _), seconds in zip(reports, due, strict=True)
    ]


class _PlaybackBatch:
    """The players of some reports: as the database has them, and then as they shall be."""

    def __init__(self, connection: sa.Connection, stand_ins: FallbackGroups) -> None:
        self._connection = connection
        self._stand_ins = stand_ins
        self._players: dict[str, dict[str, Any]] = {}
        self._origins: dict[tuple[str, str], str] = {}
        # Whether more of a player has changed than what always does.
        self._changed: dict[str, bool] = {}
        self._visits: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []

    def write(self, all_told: Sequence[TimedReport]) -> None:
        self._lock({told.report.sid for told in all_told})
        self._find_origins([told.report for told in all_told])
        fresh: dict[str, TimedReport] = {}
        for told in all_told:
            if told.report.sid not in self._players:
                fresh.setdefault(told.report.sid, told)
        made = self._begin(fresh) if fresh else set()
        if others := fresh.keys() - made:
            # Other reports of the same players were quicker.
            self._lock(others)
        for told in all_told:
            sid = told.report.sid
            if sid in made and fresh[sid] is told:
                self._happened(self._players[sid], self._players[sid], told, starts=1)
            elif sid in self._players:
                self._go_on(self._players[sid], told)
        self._store()

    def _lock(self, sids: Iterable[str]) -> None:
        names = sorted(sids)
        if len(names) == 1:
            found = self._connection.execute(_SELECT_ONE_FOR_UPDATE, {"of": names[0]})
        else:
            found = self._connection.execute(_SELECT_FOR_UPDATE, {"sids": names})
        columns = tuple(found.keys())
        for row in found:
            self._players[row.sid] = dict(zip(columns, row, strict=True))

    def _begin(self, fresh: Mapping[str, TimedReport]) -> set[str]:
        """Make new players, unless they are there by now; return which ones were made."""
        rows = {}
        for sid, told in sorted(fresh.items()):
            state = self._state(told.report, self._origin(told.report))
            times = {"begun": told.now, "moved": told.now, "last_seen": told.now}
            rows[sid] = {**state, **times, "sid": sid, "until": told.until}
        begin = _INSERT_PLAYER[self._connection.dialect.name]
        made = set(self._connection.execute(begin, list(rows.values())).scalars())
        self._players.update((sid, rows[sid]) for sid in made)
        return made

    def _go_on(self, known: dict[str, Any], told: TimedReport) -> None:
        report, now, until = told.report, told.now, told.until
        happened = {name: getattr(report, name) - known[name] for name in TOTAL_COLUMNS}
        late = min(happened.values()) < 0
        has_left = known["until"] <= known["last_seen"]
        if has_left and (late or not any(happened.values())):
            # What was sent before the goodbye, or the goodbye once more.
            return
        if late:
            if not report.leaving:
                known.update(last_seen=now, until=max(until, known["until"]))
                self._changed.setdefault(report.sid, False)
            return
        origin = known["endpoint"]
        if not self._is_there(report):
            origin = self._origin(report)
        state = self._state(report, origin)
        before = dict(known)
        moved = (report.room, origin) != (before["room"], before["endpoint"])
        was_away = before["until"] <= now
        if report.room != before["room"] or now - before["until"] > SESSION_GAP:
            # A visit that has ended is kept under a name of its own, for the numbers of the past.
            visit = {"sid": uuid.uuid4().hex, "until": min(before["until"], now)}
            self._visits.append(before | visit)
            known["begun"] = now
        if state["startup_ms"] is None:
            state["startup_ms"] = before["startup_ms"]
        if moved or was_away:
            known["moved"] = now
        known.update(state, last_seen=now, until=until)
        if any(known[name] != before[name] for name in _RARE_COLUMNS):
            self._changed[report.sid] = True
        else:
            self._changed.setdefault(report.sid, False)
        new_startup = report.startup_ms is not None and before["startup_ms"] is None
        if any(happened.values()) or new_startup:
            happened["startup_ms"] = report.startup_ms if new_startup else None
            # Whoever moves tells what happened where it was.
            self._happened(before if moved else state, happened, told)

    def _happened(
        self, where: Mapping[str, Any], what: Mapping[str, Any], told: TimedReport, starts: int = 0
    ) -> None:
        self._events.append(
            {
                "at": told.now,
                "starts": starts,
                "bitrate": told.report.bitrate,
                **{name: where[name] for name in _STREAM_COLUMNS},
                **{name: what[name] for name in (*TOTAL_COLUMNS, "startup_ms")},
            }
        )

    def _find_origins(self, reports: Iterable[PlayerReport]) -> None:
        """Look which endpoints there are, of those that players name and did not name before."""
        named = {
            (report.room, report.endpoint)
            for report in reports
            if report.endpoint not in NON_ENDPOINT_SOURCES and not self._is_there(report)
        }
        if not named:
            return
        # Those of a group that stands in for the room are as good as its own.
        which = {(group, name) for room, name in named for group in self._stand_ins.groups(room)}
        rows = self._connection.execute(_ENDPOINTS_BY_NAME, {"which": sorted(which)})
        found = {(row.room, row.name) for row in rows}
        for room, name in named:
            known = any((group, name) in found for group in self._stand_ins.groups(room))
            self._origins[room, name] = name if known else ""

    def _is_there(self, report: PlayerReport) -> bool:
        """Tell whether a player plays from where it did before."""
        known = self._players.get(report.sid, {})
        return (known.get("room"), known.get("endpoint")) == (report.room, report.endpoint)

    def _origin(self, report: PlayerReport) -> str:
        """Return where a player has its stream from; "" where we know nothing of that name."""
        if report.endpoint in NON_ENDPOINT_SOURCES:
            return report.endpoint
        if (report.room, report.endpoint) not in self._origins:
            # It has come back to where it was, within these reports.
            self._find_origins([report])
        return self._origins[report.room, report.endpoint]

    def _state(self, report: PlayerReport, origin: str) -> dict[str, Any]:
        return {"endpoint": origin, **{name: getattr(report, name) for name in _REPORTED_COLUMNS}}

    def _store(self) -> None:
        if self._visits:
            self._connection.execute(_ARCHIVE_SESSION, self._visits)
        for whole, change in _UPDATE_PLAYERS.items():
            names = (*_RARE_COLUMNS, *_HEARTBEAT_COLUMNS) if whole else _HEARTBEAT_COLUMNS
            changes = [
                {"of_sid": sid, **{name: self._players[sid][name] for name in names}}
                for sid in sorted(self._changed)
                if self._changed[sid] is whole
            ]
            change(self._connection, changes)
        _INSERT_PLAYBACK(self._connection, self._events)
