"""Quality of experience (QoE) metrics from playback reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.ingest.player_report import TOTAL_COLUMNS, PlaybackTotals
from streaming_system.tracker.models import Base

_playback_table = sa.Table("playback", Base.metadata)
_SUMMED_COLUMNS = ("starts", *TOTAL_COLUMNS, "outliers")
_HOUR_MS = 3_600_000


@dataclass(frozen=True, kw_only=True)
class QoeMetrics(PlaybackTotals):
    """Metrics of the players of a room and endpoint within some minutes.

    :param endpoint: ``None`` for all endpoints of the room.
    :param viewers: the number of viewers now.
    :param starts: the number of players that have started.
    :param startup_p50_ms: the median startup time, in milliseconds.
    :param bitrate: the mean bitrate over playing time, in bit/s.
    :param outliers: the number of reports that claimed what cannot be; nothing else counts them.
    """

    room: str
    endpoint: str | None
    viewers: int = 0
    starts: int = 0
    startup_p50_ms: int | None = None
    startup_p95_ms: int | None = None
    bitrate: int | None = None
    outliers: int = 0

    @property
    def rebuffer_ratio(self) -> float | None:
        """The fraction of the playing time during which streams stalled."""
        return rebuffer_ratio(self.rebuffer_ms, self.played_ms)

    @property
    def errors_per_hour(self) -> float | None:
        """Errors per hour of playing time."""
        return self.errors * _HOUR_MS / self.played_ms if self.played_ms else None


def rebuffer_ratio(rebuffer_ms: int, played_ms: int) -> float | None:
    """Return the fraction of the time during which streams stalled; ``None`` without playback."""
    total = rebuffer_ms + played_ms
    return rebuffer_ms / total if total else None


def ratio_without_worst_networks(
    db: Session, *, room: str, begin: datetime, now: datetime, networks: int
) -> float | None:
    """Return the rebuffer ratio of a room without some networks that rebuffered the longest.

    Reports from unknown networks always count.

    :param networks: the number of networks to leave out.
    """
    table = _playback_table
    sums = db.execute(
        sa.select(table.c.network, sa.func.sum(table.c.rebuffer_ms), sa.func.sum(table.c.played_ms))
        .where(table.c.at > begin, table.c.at <= now, table.c.room == room)
        .group_by(table.c.network)
    ).all()
    worst_first = sorted(sums, key=lambda row: (row[0] is None, -row[1]))
    left_out = [row for row in worst_first[:networks] if row[0] is not None]
    rest = [row for row in sums if row not in left_out]
    return rebuffer_ratio(int(sum(row[1] for row in rest)), int(sum(row[2] for row in rest)))


def qoe_metrics(
    db: Session,
    *,
    begin: datetime,
    now: datetime,
    room: str | None,
    by_endpoint: bool,
    viewers: Mapping[tuple[str, str], int],
) -> Sequence[QoeMetrics]:
    """Return the metrics from ``begin`` to ``now``, ordered by room and endpoint.

    :param viewers: the numbers of viewers by room and endpoint.
    """
    metrics: dict[tuple[str, str | None], dict[str, Any]] = {}
    for (player_room, endpoint), count in viewers.items():
        if room in (None, player_room):
            values = metrics.setdefault(
                (player_room, endpoint if by_endpoint else None), {"viewers": 0}
            )
            values["viewers"] += count
    keys = [_playback_table.c.room] + ([_playback_table.c.endpoint] if by_endpoint else [])
    conditions = [_playback_table.c.at > begin, _playback_table.c.at <= now]
    if room is not None:
        conditions.append(_playback_table.c.room == room)
    for query in (_select_sums(keys, conditions), _select_startup_quantiles(keys, conditions)):
        for row in db.execute(query).mappings():
            values = dict(row)
            key = values.pop("room"), values.pop("endpoint", None)
            metrics.setdefault(key, {}).update(values)
    return [
        QoeMetrics(room=name, endpoint=endpoint, **metrics[name, endpoint])
        for name, endpoint in sorted(metrics, key=lambda key: (key[0], key[1] or ""))
    ]


def _select_sums(keys: Sequence[sa.Column[Any]], conditions: Sequence[Any]) -> sa.Select[Any]:
    integer = sa.BigInteger()
    measured = sa.func.sum(_playback_table.c.played_ms).filter(
        _playback_table.c.bitrate.is_not(None)
    )
    bits = sa.func.sum(_playback_table.c.bitrate * (_playback_table.c.played_ms / 1000.0))
    return (
        sa.select(
            *keys,
            *(
                sa.cast(sa.func.sum(_playback_table.c[name]), integer).label(name)
                for name in _SUMMED_COLUMNS
            ),
            sa.cast(sa.func.round(bits * 1000 / sa.func.nullif(measured, 0)), integer).label(
                "bitrate"
            ),
        )
        .where(*conditions)
        .group_by(*keys)
    )


def _select_startup_quantiles(
    keys: Sequence[sa.Column[Any]], conditions: Sequence[Any]
) -> sa.Select[Any]:
    """Return the query for quantiles of the startup time: measured values, not interpolated."""
    ranked = (
        sa.select(
            *keys,
            _playback_table.c.startup_ms,
            sa.func.row_number()
            .over(partition_by=keys, order_by=_playback_table.c.startup_ms)
            .label("rank"),
            sa.func.count().over(partition_by=keys).label("of"),
        )
        .where(*conditions, _playback_table.c.startup_ms.is_not(None))
        .subquery()
    )

    def quantile(percent: int) -> sa.Label[int]:
        is_reached = ranked.c.rank * 100 >= ranked.c.of * percent
        return sa.func.min(ranked.c.startup_ms).filter(is_reached).label(f"startup_p{percent}_ms")

    grouped = [ranked.c[key.name] for key in keys]
    return sa.select(*grouped, quantile(50), quantile(95)).group_by(*grouped)
