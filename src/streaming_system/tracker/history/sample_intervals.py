"""The validity of samples: until the endpoint's next sample, but for the endpoint's TTL at most.

Thus an endpoint has a value at each moment, which is 0 after its TTL.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from streaming_system.tracker.endpoints.endpoints import ENDPOINT_TTL
from streaming_system.tracker.history.sql_time import EpochMs, to_ms
from streaming_system.tracker.models import Sample

_ENDPOINT_TTL_MS = ENDPOINT_TTL // timedelta(milliseconds=1)


def sample_intervals(begin: datetime, end: datetime, room: str | None = None) -> sa.CTE:
    """Return every sample that is valid at some time from ``begin`` to ``end``.

    The columns are those of the sample; ``first`` and ``last``, the interval of its validity, in
    milliseconds since ``begin``, 0 or more; and ``is_new``, which is 1 for a sample since
    ``begin``, and 0 for an older one that is still valid.

    :param room: only samples of this room.
    """
    at = EpochMs(Sample.at) - to_ms(begin)
    next_at = sa.func.lead(at).over(partition_by=(Sample.room, Sample.name), order_by=at)
    samples = (
        sa.select(
            Sample.room,
            Sample.name,
            Sample.clients,
            Sample.bitrate,
            Sample.cbitrate,
            at.label("at"),
            next_at.label("next_at"),
        )
        .where(Sample.at > begin - ENDPOINT_TTL, Sample.at <= end)
        .where(sa.true() if room is None else Sample.room == room)
        .subquery()
    )
    valid_until = sa.case(
        (samples.c.next_at < samples.c.at + _ENDPOINT_TTL_MS, samples.c.next_at),
        else_=samples.c.at + _ENDPOINT_TTL_MS,
    )
    return sa.select(
        samples.c.room,
        samples.c.name,
        samples.c.clients,
        samples.c.bitrate,
        samples.c.cbitrate,
        _clamp_to_zero(samples.c.at).label("first"),
        _clamp_to_zero(valid_until).label("last"),
        sa.case((samples.c.at >= 0, 1), else_=0).label("is_new"),
    ).cte("sample_intervals")


def _clamp_to_zero(number: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    # CASE has the type of its first value; 24 days in milliseconds exceed 32 bits.
    return sa.case((number < 0, sa.literal(0, sa.BigInteger)), else_=number)
