"""How well players play, in figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.viewers import Viewers
from streaming_system.tracker.ingest.playback import TOTAL_COLUMNS, PlaybackTotals
from streaming_system.tracker.models import Base

_playback_table = sa.Table("playback", Base.metadata)
_SUMMED_COLUMNS = ("starts", *TOTAL_COLUMNS)
_HOUR_MS = 3_600_000


@dataclass(frozen=True, kw_only=True)
class QoeMetrics(PlaybackTotals):
    """How players of a room and endpoint have fared within some minutes.

    :param endpoint: ``None`` where it is about all of the room's.
    :param viewers: how many watch now.
    :param starts: how many have begun.
    :param startup_p50_ms: half of them began to play within that many milliseconds.
    :param bitrate: of what they played, in bit/s, by the time for which they did.
    """

    room: str
    endpoint: str | None
    viewers: int = 0
    starts: int = 0
    startup_p50_ms: int | None = None
    startup_p95_ms: int | None = None
    bitrate: int | None = None

    @property
    def rebuffer_ratio(self) -> float | None:
        """The share of the time that they stood still while they should have played."""
        watched = self.played_ms + self.rebuffer_ms
        return self.rebuffer_ms / watched if watched else None

    @property
    def errors_per_hour(self) -> float | None:
        """Errors for each hour played."""
        return self.errors * _HOUR_MS / self.played_ms if self.played_ms else None


def qoe_metrics(
    db: Session, *, begin: datetime, now: datetime, room: str | None, by_endpoint: bool
) -> Sequence[QoeMetrics]:
    """Return the figures since a moment, in the order of rooms and endpoints."""
    found: dict[tuple[str, str | None], dict[str, Any]] = {}
    for (where, endpoint), viewers in Viewers(db).by_endpoint(now=now).items():
        if room in (None, where):
            values = found.setdefault((where, endpoint if by_endpoint else None), {"viewers": 0})
            values["viewers"] += viewers
    keys = [_playback_table.c.room] + ([_playback_table.c.endpoint] if by_endpoint else [])
    which = [_playback_table.c.at > begin, _playback_table.c.at <= now]
    if room is not None:
        which.append(_playback_table.c.room == room)
    for query in (_select_sums(keys, which), _select_startup_quantiles(keys, which)):
        for row in db.execute(query).mappings():
            values = dict(row)
            key = values.pop("room"), values.pop("endpoint", None)
            found.setdefault(key, {}).update(values)
    return [
        QoeMetrics(room=where, endpoint=endpoint, **found[where, endpoint])
        for where, endpoint in sorted(found, key=lambda key: (key[0], key[1] or ""))
    ]


def _select_sums(keys: Sequence[sa.Column[Any]], which: Sequence[Any]) -> sa.Select[Any]:
    whole = sa.BigInteger()
    known = sa.func.sum(_playback_table.c.played_ms).filter(_playback_table.c.bitrate.is_not(None))
    bits = sa.func.sum(_playback_table.c.bitrate * (_playback_table.c.played_ms / 1000.0))
    return (
        sa.select(
            *keys,
            *(
                sa.cast(sa.func.sum(_playback_table.c[name]), whole).label(name)
                for name in _SUMMED_COLUMNS
            ),
            sa.cast(sa.func.round(bits * 1000 / sa.func.nullif(known, 0)), whole).label("bitrate"),
        )
        .where(*which)
        .group_by(*keys)
    )


def _select_startup_quantiles(
    keys: Sequence[sa.Column[Any]], which: Sequence[Any]
) -> sa.Select[Any]:
    """Return the query for the quantiles of the start: values that were, no guesses."""
    ranked = (
        sa.select(
            *keys,
            _playback_table.c.startup_ms,
            sa.func.row_number()
            .over(partition_by=keys, order_by=_playback_table.c.startup_ms)
            .label("rank"),
            sa.func.count().over(partition_by=keys).label("of"),
        )
        .where(*which, _playback_table.c.startup_ms.is_not(None))
        .subquery()
    )

    def quantile(percent: int) -> sa.Label[int]:
        enough = ranked.c.rank * 100 >= ranked.c.of * percent
        return sa.func.min(ranked.c.startup_ms).filter(enough).label(f"startup_p{percent}_ms")

    grouped = [ranked.c[key.name] for key in keys]
    return sa.select(*grouped, quantile(50), quantile(95)).group_by(*grouped)
