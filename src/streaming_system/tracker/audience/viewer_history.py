"""Viewers and rebuffering over time, from playback reports."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.ended_rooms import EndedRooms
from streaming_system.tracker.audience.qoe import rebuffer_ratio
from streaming_system.tracker.audience.viewers import Viewers
from streaming_system.tracker.history.sql_time import EpochMs, floor_to, to_ms
from streaming_system.tracker.history.time_series import MINUTE, TEN_MINUTES, rolled_up_until
from streaming_system.tracker.models import Playback, Playback1Min, Playback10Min, Player

_MS = timedelta(milliseconds=1)

_RollupTable = type[Playback1Min | Playback10Min]


@dataclass(frozen=True, kw_only=True)
class ViewerSeries:
    """Metrics of players over time.

    :param times: the beginning of each step.
    :param viewers: by room, the number of open players at the beginning of each step; the last
        value is the present one.
    :param rebuffering: by room, the rebuffer ratio of each step; ``None`` for steps without
        playback.
    """

    times: tuple[datetime, ...]
    step: timedelta
    viewers: Mapping[str, tuple[int, ...]]
    rebuffering: Mapping[str, tuple[float | None, ...]]


class ViewerHistory:
    """Metrics of players over time, from rollups and, for the latest steps, from reports."""

    def __init__(self, db: Session, ended_rooms: EndedRooms | None = None) -> None:
        self.db = db
        self._ended_rooms = ended_rooms or EndedRooms()

    def series(
        self, *, begin: datetime, end: datetime, step: timedelta, room: str | None = None
    ) -> ViewerSeries:
        """Return the series of every room that had players.

        :param begin: rounded down to a whole step.
        :param end: not in the future.
        :param step: whole minutes; above ten minutes, a multiple of ten. The minimum is a minute.
        :param room: only this room.
        """
        step = max(step, MINUTE)
        begin = floor_to(begin, step)
        times = tuple(begin + step * number for number in range(-((begin - end) // step)))
        table: _RollupTable = Playback10Min if step % TEN_MINUTES == timedelta(0) else Playback1Min
        # A step is read either from rollups or from reports, so no report counts twice.
        raw_begin = max(begin, floor_to(min(rolled_up_until(self.db, table), end), step))
        counts: dict[str, list[int]] = defaultdict(lambda: [0] * len(times))
        # A report at ``end`` itself belongs to one further step, which is cut off below.
        ratios: dict[str, list[float | None]] = defaultdict(lambda: [None] * (len(times) + 1))
        rolled_up = self._select_by_step(
            table,
            begin,
            step,
            (table.at >= begin, table.at < raw_begin),
            room,
            _viewers_at_step_start(table, begin, step),
        )
        for name, index, viewers, rebuffer_ms, played_ms in self.db.execute(rolled_up):
            counts[name][index] = int(viewers)
            ratios[name][index] = rebuffer_ratio(int(rebuffer_ms), int(played_ms))
        raw = self._select_by_step(
            Playback,
            begin,
            step,
            (Playback.at >= raw_begin, Playback.at <= end),
            room,
            sa.literal(0),
        )
        for name, index, _, rebuffer_ms, played_ms in self.db.execute(raw):
            ratios[name][index] = rebuffer_ratio(int(rebuffer_ms), int(played_ms))
        if raw_begin < end:
            first = (raw_begin - begin) // step
            for name, players in self._open_players(raw_begin, end, step, room).items():
                counts[name][first : len(times)] = players[: len(times) - first]
        return ViewerSeries(
            times=times,
            step=step,
            viewers={name: tuple(counts[name]) for name in sorted(counts)},
            rebuffering={name: tuple(ratios[name][: len(times)]) for name in sorted(ratios)},
        )

    def _select_by_step(
        self,
        table: type[Playback1Min | Playback10Min | Playback],
        begin: datetime,
        step: timedelta,
        conditions: tuple[sa.ColumnElement[bool], ...],
        room: str | None,
        viewers: sa.ColumnElement[int],
    ) -> sa.Select[str, int, int, int, int]:
        index = ((EpochMs(table.at) - to_ms(begin)) // (step // _MS)).label("place")
        return (
            sa.select(
                table.room,
                index,
                sa.func.sum(viewers),
                sa.func.sum(table.rebuffer_ms),
                sa.func.sum(table.played_ms),
            )
            .where(*conditions, sa.true() if room is None else table.room == room)
            .group_by(table.room, index)
        )

    def _open_players(
        self, begin: datetime, end: datetime, step: timedelta, room: str | None
    ) -> dict[str, list[int]]:
        """Return the number of open players at each step from ``begin`` on, by room.

        The last number is the one at ``end``.
        """
        of_room = sa.true() if room is None else Player.room == room
        last = -((begin - end) // step) - 1
        changes: dict[str, list[int]] = defaultdict(lambda: [0] * (last + 1))
        # Open at the beginning: those that end later, minus those that start later. Each of the two
        # counts is a range of one index.
        for since, sign in ((sa.true(), 1), (Player.begun > begin, -1)):
            still_open = (
                sa.select(Player.room, sa.func.count())
                .where(Player.until > begin, since, of_room)
                .group_by(Player.room)
            )
            for name, count in self.db.execute(still_open):
                changes[name][0] += sign * count
        for column, sign in ((Player.begun, 1), (Player.until, -1)):
            # A change within a step shows at the beginning of the next one.
            index = ((EpochMs(column) - to_ms(begin) + step // _MS - 1) // (step // _MS)).label("p")
            query = (
                sa.select(Player.room, index, sa.func.count())
                .where(column > begin, column <= end, of_room)
                .group_by(Player.room, index)
            )
            for name, number, count in self.db.execute(query):
                changes[name][min(number, last)] += sign * count
        players = {name: list(accumulate(changes[name])) for name in changes}
        # The present players of a room whose stream has just ended are no viewers.
        viewers = Viewers(self.db, ended_rooms=self._ended_rooms)
        for name in self._ended_rooms.find(self.db, now=end) & players.keys():
            players[name][-1] = viewers.count(now=end, room=name)
        return players


def _viewers_at_step_start(
    table: _RollupTable, begin: datetime, step: timedelta
) -> sa.ColumnElement[int]:
    """Return the viewers of the rows at the beginning of a step, and 0 for other rows."""
    since = (EpochMs(table.at) - to_ms(begin)) % (step // _MS)
    return sa.case((since == 0, table.viewers), else_=0)
