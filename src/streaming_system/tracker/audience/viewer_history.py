"""How many watched, and how well: over time, as players tell it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.history.sql_time import EpochMs, floor_to, to_ms
from streaming_system.tracker.history.time_series import MINUTE, TEN_MINUTES, rolled_up_until
from streaming_system.tracker.models import Playback, Playback1Min, Playback10Min, Player

_MS = timedelta(milliseconds=1)

_RollupTable = type[Playback1Min | Playback10Min]


@dataclass(frozen=True, kw_only=True)
class ViewerSeries:
    """Figures of players over time.

    :param times: where each step begins.
    :param viewers: by room, how many players were open when each step began; the last one is how
        many are open now.
    :param rebuffering: by room, for which share of the time within each step players stood still
        while they should have played; ``None`` where none of them should have.
    """

    times: tuple[datetime, ...]
    step: timedelta
    viewers: Mapping[str, tuple[int, ...]]
    rebuffering: Mapping[str, tuple[float | None, ...]]


class ViewerHistory:
    """What players reported, over time."""

    def __init__(self, db: Session) -> None:
        self.db = db

    def watching(
        self, *, begin: datetime, end: datetime, step: timedelta, room: str | None = None
    ) -> ViewerSeries:
        """Return the figures of every room that had players.

        :param begin: rounded down to a whole step.
        :param end: not in the future.
        :param step: whole minutes; above ten minutes, whole tens. Less is taken as a minute.
        :param room: only this room.
        """
        step = max(step, MINUTE)
        begin = floor_to(begin, step)
        times = tuple(begin + step * number for number in range(-((begin - end) // step)))
        table: _RollupTable = Playback10Min if step % TEN_MINUTES == timedelta(0) else Playback1Min
        counts: dict[str, list[int]] = defaultdict(lambda: [0] * len(times))
        # What is reported at the end itself is of a step of its own, which nobody asked for.
        shares: dict[str, list[float | None]] = defaultdict(lambda: [None] * (len(times) + 1))
        # Rows are of whole steps, or a step's figures would be added from two places.
        done = max(begin, floor_to(min(rolled_up_until(self.db, table), end), step))
        within = (table.at >= begin, table.at < done)
        db = self.db.connection()
        for name, place, viewers, rebuffer, played in db.execute(
            self._by_step(
                table, begin, step, within, room, _viewers_at_step_start(table, begin, step)
            )
        ):
            counts[name][place] = int(viewers)
            shares[name][place] = _rebuffer_ratio(int(rebuffer), int(played))
        for name, place, _, rebuffer, played in db.execute(
            self._by_step(
                Playback,
                begin,
                step,
                (Playback.at >= done, Playback.at <= end),
                room,
                sa.literal(0),
            )
        ):
            shares[name][place] = _rebuffer_ratio(int(rebuffer), int(played))
        levels_by_room = self._open(done, end, step, room) if done < end else {}
        for name, levels in levels_by_room.items():
            first = (done - begin) // step
            counts[name][first : len(times)] = levels[: len(times) - first]
        return ViewerSeries(
            times=times,
            step=step,
            viewers={name: tuple(counts[name]) for name in sorted(counts)},
            rebuffering={name: tuple(shares[name][: len(times)]) for name in sorted(shares)},
        )

    def _by_step(
        self,
        table: type[Playback1Min | Playback10Min | Playback],
        begin: datetime,
        step: timedelta,
        within: tuple[sa.ColumnElement[bool], ...],
        room: str | None,
        viewers: sa.ColumnElement[int],
    ) -> sa.Select[str, int, int, int, int]:
        place = ((EpochMs(table.at) - to_ms(begin)) // (step // _MS)).label("place")
        return (
            sa.select(
                table.room,
                place,
                sa.func.sum(viewers),
                sa.func.sum(table.rebuffer_ms),
                sa.func.sum(table.played_ms),
            )
            .where(*within, sa.true() if room is None else table.room == room)
            .group_by(table.room, place)
        )

    def _open(
        self, begin: datetime, end: datetime, step: timedelta, room: str | None
    ) -> dict[str, list[int]]:
        """Return how many players were open at each step from ``begin`` on, by room, from players.

        The last number is how many are open at the end.
        """
        of_room = sa.true() if room is None else Player.room == room
        last = -((begin - end) // step) - 1
        changes: dict[str, list[int]] = defaultdict(lambda: [0] * (last + 1))
        # Those who have come since are few, and found by one index; the others are counted in
        # another one, without a look at each of them.
        for since, sign in ((sa.true(), 1), (Player.begun > begin, -1)):
            open_then = (
                sa.select(Player.room, sa.func.count())
                .where(Player.until > begin, since, of_room)
                .group_by(Player.room)
            )
            for name, count in self.db.execute(open_then):
                changes[name][0] += sign * count
        for column, sign in ((Player.begun, 1), (Player.until, -1)):
            # Who comes within a step is there when the next one begins.
            place = ((EpochMs(column) - to_ms(begin) + step // _MS - 1) // (step // _MS)).label("p")
            query = (
                sa.select(Player.room, place, sa.func.count())
                .where(column > begin, column <= end, of_room)
                .group_by(Player.room, place)
            )
            for name, number, count in self.db.execute(query):
                changes[name][min(number, last)] += sign * count
        return {name: list(accumulate(changes[name])) for name in changes}


def _viewers_at_step_start(
    table: _RollupTable, begin: datetime, step: timedelta
) -> sa.ColumnElement[int]:
    """Return the viewers of those rows that begin with a step, 0 of the others."""
    since = (EpochMs(table.at) - to_ms(begin)) % (step // _MS)
    return sa.case((since == 0, table.viewers), else_=0)


def _rebuffer_ratio(rebuffer_ms: int, played_ms: int) -> float | None:
    both = rebuffer_ms + played_ms
    return rebuffer_ms / both if both else None
