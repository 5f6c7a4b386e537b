"""What the tests of history and of pruning share."""

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.history import maintenance
from streaming_system.tracker.history.time_series import TimeSeriesQuery

from .reports import MINUTE, NOW, RETENTION


@pytest.fixture
def add(engine):
    """Return a function that adds rows."""

    def add(model, rows):
        with engine.begin() as connection:
            connection.execute(sa.insert(model), rows)

    return add


@pytest.fixture
def prune(tracker_settings):
    """Return a function that prunes as the timer does, at some moment."""

    def prune(now=NOW, **keep):
        settings = {"retention.samples_hours": "1", "retention.minutes_days": "1"} | keep
        return maintenance.run_maintenance(
            tracker_settings | settings, clock=lambda: now, sleep=lambda seconds: None
        )

    return prune


@pytest.fixture
def lines(engine):
    """Return a function that reads the figures of a span."""

    def lines(minutes, step, now=NOW, room=None):
        with Session(engine) as db:
            return TimeSeriesQuery(db, RETENTION).fetch(
                begin=now - minutes * MINUTE, end=now, step=step, room=room
            )

    return lines
