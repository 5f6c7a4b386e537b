"""Bounds on the number of endpoints of a room and of a token."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from streaming_system.tracker import models
from streaming_system.tracker.db.bounds import BoundReachedError, Bounds

# An endpoint that has not reported for this long counts as removed, so a new one may replace it.
REPLACEABLE_AFTER = timedelta(hours=1)

_endpoint = sa.Table("endpoint", models.Base.metadata)


def make_space(
    connection: sa.Connection, bounds: Bounds, *, room: str, token: int | None, now: datetime
) -> BoundReachedError | None:
    """Make space for a new endpoint, or return why there is none.

    Endpoints that are silent for :data:`REPLACEABLE_AFTER` are deleted if necessary, the oldest
    first, but none that the crew has drained.

    :param connection: in a transaction that has called ``serialize_new``.
    """
    checks = [("endpoints_per_room", "the room", _endpoint.c.room == room)]
    if token is not None:
        checks.append(("endpoints_per_token", "the token", _endpoint.c.token_id == token))
    replaceable: set[int] = set()
    for name, owner, condition in checks:
        excess = _excess(connection, condition, bounds.get(name))
        if excess > 0:
            ids = _silent_endpoints(connection, condition, now - REPLACEABLE_AFTER, excess)
            if len(ids) < excess:
                return bounds.error(
                    name,
                    f"{owner} has as many endpoints as it may have; report under the name of one "
                    "of them, or wait until one has been silent for an hour",
                )
            replaceable.update(ids)
    if replaceable:
        connection.execute(sa.delete(_endpoint).where(_endpoint.c.id.in_(replaceable)))
    return None


def _excess(
    connection: sa.Connection, condition: sa.ColumnElement[bool], maximum: int | None
) -> int:
    """Return how many endpoints must be deleted before one is inserted."""
    if maximum is None:
        return 0
    count = sa.select(sa.func.count()).select_from(_endpoint).where(condition)
    return (connection.scalar(count) or 0) + 1 - maximum


def _silent_endpoints(
    connection: sa.Connection, condition: sa.ColumnElement[bool], since: datetime, limit: int
) -> list[int]:
    query = (
        sa.select(_endpoint.c.id)
        .where(condition, _endpoint.c.last_seen <= since, _endpoint.c.drained.is_(False))
        .order_by(_endpoint.c.last_seen, _endpoint.c.id)
        .limit(limit)
        # A locked one is about to report again.
        .with_for_update(skip_locked=True)
    )
    return list(connection.scalars(query))
