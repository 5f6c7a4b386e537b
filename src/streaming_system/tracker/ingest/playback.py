"""Writes reports of players: many reports in one transaction."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from streaming_system.tracker import models
from streaming_system.tracker.db.bounds import Bounds
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest.bulk import BulkInsert, BulkUpdate
from streaming_system.tracker.ingest.claims import counted_columns
from streaming_system.tracker.ingest.endpoint_names import EndpointNames
from streaming_system.tracker.ingest.player_report import (
    NON_ENDPOINT_SOURCES,
    TOTAL_COLUMNS,
    PlayerReport,
)
from streaming_system.tracker.ingest.report_scheduler import ReportScheduler

# A longer absence ends the player's session; the next report begins another one.
SESSION_GAP = timedelta(seconds=60)
# The difference between the clocks of hosts. Within it, the time of a player's last report does not
# decrease: otherwise, alternating between hosts would lengthen the time that it may claim.
MAX_CLOCK_SKEW = timedelta(seconds=2)
# A report without any change that follows so soon is a repetition by the network: it does not
# shorten the time that the next one may claim.
REPETITION_WINDOW = timedelta(seconds=2)

# This is the tracker's busiest code path, so its statements are built once.
_player_table = sa.Table("player", models.Base.metadata)
_playback_table = sa.Table("playback", models.Base.metadata)
_STREAM_COLUMNS = ("room", "endpoint", "format", "quality")
_REPORTED_COLUMNS = ("room", "format", "quality", "startup_ms", *TOTAL_COLUMNS)
# Columns that every report changes, and the other ones.
_HEARTBEAT_COLUMNS = ("last_seen", "until", *TOTAL_COLUMNS)
_RARE_COLUMNS = tuple(c.name for c in _player_table.c if c.name not in ("sid", *_HEARTBEAT_COLUMNS))
# Rows are locked in primary-key order to avoid deadlocks.
_SELECT_FOR_UPDATE = (
    sa.select(_player_table)
    .where(_player_table.c.sid.in_(sa.bindparam("sids", expanding=True)))
    .order_by(_player_table.c.sid)
    .with_for_update()
)
# A distributed database locks rows of one shard at a time.
_SELECT_ONE_FOR_UPDATE = (
    sa.select(_player_table).where(_player_table.c.sid == sa.bindparam("of")).with_for_update()
)
# By whether rare columns have changed.
_UPDATE_PLAYERS = {
    True: BulkUpdate(_player_table, ["sid"], (*_RARE_COLUMNS, *_HEARTBEAT_COLUMNS)),
    False: BulkUpdate(_player_table, ["sid"], _HEARTBEAT_COLUMNS),
}
_INSERT_PLAYER = {
    dialect: insert(_player_table).on_conflict_do_nothing().returning(_player_table.c.sid)
    for dialect, insert in (("postgresql", postgresql.insert), ("sqlite", sqlite.insert))
}
_ARCHIVE_SESSION = sa.insert(_player_table)
_OTHER_COUNTED_COLUMNS = ("startup_ms", "bitrate", "network", "outliers")
_INSERT_PLAYBACK = BulkInsert(
    _playback_table,
    ("at", "starts", *_STREAM_COLUMNS, *TOTAL_COLUMNS, *_OTHER_COUNTED_COLUMNS),
)


@dataclass(frozen=True, slots=True)
class TimedReport:
    """A report, its time of arrival, and until when it makes the player a viewer."""

    report: PlayerReport
    now: datetime
    until: datetime


# Returns why a new player is refused; ``None`` if it is admitted.
AdmitPlayer = Callable[[PlayerReport], Exception | None]


def ingest(
    connection: sa.Connection,
    reports: Sequence[tuple[PlayerReport, datetime]],
    scheduler: ReportScheduler,
    fallback_groups: FallbackGroups,
    bounds: Bounds | None = None,
    admit: AdmitPlayer = lambda report: None,
) -> list[int | Exception]:
    """Write reports, and return the seconds until each player's next one; 0 after its last one.

    The result does not depend on how reports are divided into batches. Reports may be late,
    repeated or out of order: totals never decrease, and each report counts once. An increase counts
    as far as :func:`counted_columns` allows. The result of a refused report of a new player is an
    error; reports of known players are never refused.

    :param connection: in a write transaction.
    :param reports: each with its time of arrival, in the order of arrival.
    """
    intervals = [scheduler.next_interval(report, connection, now) for report, now in reports]
    batch = _PlaybackBatch(connection, fallback_groups, bounds or Bounds({}), admit)
    batch.write(
        [
            TimedReport(report, now, scheduler.viewer_until(report, interval, connection, now))
            for (report, now), interval in zip(reports, intervals, strict=True)
        ]
    )
    return [
        batch.refused.get(report.sid, interval)
        for (report, _), interval in zip(reports, intervals, strict=True)
    ]


class _PlaybackBatch:
    """The rows of the players that report: loaded, updated in memory, and written.

    :ivar refused: the errors of new players that are not admitted, by ``sid``.
    """

    def __init__(
        self,
        connection: sa.Connection,
        fallback_groups: FallbackGroups,
        bounds: Bounds,
        admit: AdmitPlayer,
    ) -> None:
        self._connection = connection
        self._endpoint_names = EndpointNames(connection, fallback_groups)
        self._bounds = bounds
        self._admit = admit
        self.refused: dict[str, Exception] = {}
        self._players: dict[str, dict[str, Any]] = {}
        # The changed players, and whether rare columns have changed.
        self._changed: dict[str, bool] = {}
        self._ended_sessions: list[dict[str, Any]] = []
        self._events: list[dict[str, Any]] = []

    def write(self, batch: Sequence[TimedReport]) -> None:
        self._load_players({timed.report.sid for timed in batch})
        # Most players stay at the endpoint of their last report.
        self._endpoint_names.load(
            timed.report for timed in batch if not self._has_same_endpoint(timed.report)
        )
        first_reports: dict[str, TimedReport] = {}
        for timed in batch:
            if timed.report.sid not in self._players:
                first_reports.setdefault(timed.report.sid, timed)
        for sid, timed in list(first_reports.items()):
            if error := self._refusal(timed):
                self.refused[sid] = error
                del first_reports[sid]
        inserted = self._insert_players(first_reports) if first_reports else set()
        if others := first_reports.keys() - inserted:
            # Another worker has inserted these players.
            self._load_players(others)
        for timed in batch:
            sid = timed.report.sid
            if sid in inserted and first_reports[sid] is timed:
                player = self._players[sid]
                self._count_claims(player, player, None, player["startup_ms"], timed, starts=1)
            elif sid in self._players:
                self._update_player(self._players[sid], timed)
        self._store()

    def _load_players(self, sids: Iterable[str]) -> None:
        """Load and lock the rows of players."""
        names = sorted(sids)
        if len(names) == 1:
            rows = self._connection.execute(_SELECT_ONE_FOR_UPDATE, {"of": names[0]})
        else:
            rows = self._connection.execute(_SELECT_FOR_UPDATE, {"sids": names})
        columns = tuple(rows.keys())
        for row in rows:
            self._players[row.sid] = dict(zip(columns, row, strict=True))

    def _insert_players(self, first_reports: Mapping[str, TimedReport]) -> set[str]:
        """Insert new players, and return the identifiers of those that did not exist."""
        rows = {}
        for sid, timed in sorted(first_reports.items()):
            times = {"begun": timed.now, "moved": timed.now, "last_seen": timed.now}
            rows[sid] = {**self._state(timed.report), **times, "sid": sid, "until": timed.until}
        insert = _INSERT_PLAYER[self._connection.dialect.name]
        inserted = set(self._connection.execute(insert, list(rows.values())).scalars())
        self._players.update((sid, rows[sid]) for sid in inserted)
        return inserted

    def _refusal(self, timed: TimedReport) -> Exception | None:
        """Return why a new player is refused."""
        if not self._bounds.has_space(self._connection, "player", now=timed.now):
            return self._bounds.table_full_error("player")
        return self._admit(timed.report)

    def _update_player(self, player: dict[str, Any], timed: TimedReport) -> None:
        report = timed.report
        deltas = {name: getattr(report, name) - player[name] for name in TOTAL_COLUMNS}
        is_outdated = min(deltas.values()) < 0
        has_left = player["until"] <= player["last_seen"]
        if has_left and (is_outdated or not any(deltas.values())):
            # A report that was sent before the last one, or the last one repeated.
            return
        if not is_outdated:
            self._apply(player, timed, deltas)
        elif not report.leaving:
            # Its time is not that of the totals, which later claims are compared with.
            player.update(until=max(timed.until, player["until"]))
            self._changed.setdefault(report.sid, False)

    def _apply(self, player: dict[str, Any], timed: TimedReport, deltas: Mapping[str, int]) -> None:
        """Update a player by a report that is newer than its row."""
        report, now = timed.report, timed.now
        before, state = dict(player), self._state(report)
        new_startup = report.startup_ms if before["startup_ms"] is None else None
        if report.startup_ms is None:
            state["startup_ms"] = before["startup_ms"]
        has_moved = any(state[name] != before[name] for name in ("room", "endpoint"))
        if report.room != before["room"] or now - before["until"] > SESSION_GAP:
            # Statistics of the past need the ended session: it is stored under another identifier.
            end = {"sid": uuid.uuid4().hex, "until": min(before["until"], now)}
            self._ended_sessions.append(before | end)
            player["begun"] = now
        if has_moved or before["until"] <= now:
            player["moved"] = now
        elapsed = now - before["last_seen"]
        is_repeated = timedelta() <= elapsed <= REPETITION_WINDOW and not any(deltas.values())
        is_skewed = -MAX_CLOCK_SKEW <= elapsed < timedelta()
        last_seen = before["last_seen"] if is_repeated or is_skewed else now
        player.update(state, last_seen=last_seen, until=max(timed.until, last_seen))
        has_rare_change = any(player[name] != before[name] for name in _RARE_COLUMNS)
        self._changed[report.sid] = self._changed.get(report.sid, False) or has_rare_change
        if any(deltas.values()) or new_startup is not None:
            # A player that has moved reports what it played at the previous endpoint.
            stream = before if has_moved else state
            self._count_claims(stream, deltas, elapsed, new_startup, timed)

    def _count_claims(
        self,
        stream: Mapping[str, Any],
        claims: Mapping[str, int],
        elapsed: timedelta | None,
        startup_ms: int | None,
        timed: TimedReport,
        starts: int = 0,
    ) -> None:
        """Add what counts of an increase of totals to the history."""
        self._events.append(
            {
                "at": timed.now,
                "starts": starts,
                **{name: stream[name] for name in _STREAM_COLUMNS},
                **counted_columns(timed.report, claims, elapsed, startup_ms),
            }
        )

    def _has_same_endpoint(self, report: PlayerReport) -> bool:
        """Return whether the player's row has the room and endpoint of its report."""
        player = self._players.get(report.sid, {})
        return (player.get("room"), player.get("endpoint")) == (report.room, report.endpoint)

    def _endpoint(self, report: PlayerReport) -> str:
        """Return the source of a player's stream; "" for an unknown endpoint."""
        if report.endpoint in NON_ENDPOINT_SOURCES or self._has_same_endpoint(report):
            return report.endpoint
        return self._endpoint_names.get(report)

    def _state(self, report: PlayerReport) -> dict[str, Any]:
        state = {name: getattr(report, name) for name in _REPORTED_COLUMNS}
        return {"endpoint": self._endpoint(report), **state}

    def _store(self) -> None:
        if self._ended_sessions:
            self._connection.execute(_ARCHIVE_SESSION, self._ended_sessions)
        for has_rare_change, update in _UPDATE_PLAYERS.items():
            names = (*_RARE_COLUMNS, *_HEARTBEAT_COLUMNS) if has_rare_change else _HEARTBEAT_COLUMNS
            update(
                self._connection,
                [
                    {"of_sid": sid, **{name: self._players[sid][name] for name in names}}
                    for sid in sorted(self._changed)
                    if self._changed[sid] is has_rare_change
                ],
            )
        if self._events and self._bounds.has_space(
            self._connection, _playback_table.name, now=self._events[-1]["at"]
        ):
            _INSERT_PLAYBACK(self._connection, self._events)
