"""How long a report holds: until the endpoint's next one, but no longer than an endpoint counts as
alive without one. So an endpoint has a value at every moment, and 0 when it is gone."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from streaming_system.tracker.endpoints.endpoints import ENDPOINT_TTL
from streaming_system.tracker.history.sql_time import EpochMs, to_ms
from streaming_system.tracker.models import Sample

_ENDPOINT_TTL_MS = ENDPOINT_TTL // timedelta(milliseconds=1)


def sample_intervals(begin: datetime, end: datetime, room: str | None = None) -> sa.CTE:
    """Return every sample that holds at some moment from ``begin`` to ``end``.

    The columns are the sample's, and ``first`` and ``last``: from when and until when it holds, in
    milliseconds since ``begin``; never less than 0. ``own`` is 1 where it was reported since
    ``begin``, 0 where it only still holds.

    :param room: only this room's.
    """
    at = EpochMs(Sample.at) - to_ms(begin)
    following = sa.func.lead(at).over(partition_by=(Sample.room, Sample.name), order_by=at)
    samples = (
        sa.select(
            Sample.room,
            Sample.name,
            Sample.clients,
            Sample.bitrate,
            Sample.cbitrate,
            at.label("at"),
            following.label("following"),
        )
        .where(Sample.at > begin - ENDPOINT_TTL, Sample.at <= end)
        .where(sa.true() if room is None else Sample.room == room)
        .subquery()
    )
    held_until = sa.case(
        (samples.c.following < samples.c.at + _ENDPOINT_TTL_MS, samples.c.following),
        else_=samples.c.at + _ENDPOINT_TTL_MS,
    )
    return sa.select(
        samples.c.room,
        samples.c.name,
        samples.c.clients,
        samples.c.bitrate,
        samples.c.cbitrate,
        _clamp_to_zero(samples.c.at).label("first"),
        _clamp_to_zero(held_until).label("last"),
        sa.case((samples.c.at >= 0, 1), else_=0).label("own"),
    ).cte("lives")


def _clamp_to_zero(number: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    # Its type is that of the first value, and milliseconds of more than 24 days need the larger.
    return sa.case((number < 0, sa.literal(0, sa.BigInteger)), else_=number)
