"""The number of viewers is accurate: a simulated audience on a lossy network."""

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from depth import scaled
from sqlalchemy.orm import Session
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker import services
from streaming_system.tracker.audience.playback import PlaybackService
from streaming_system.tracker.audience.viewer_history import ViewerHistory
from streaming_system.tracker.audience.viewers import ViewerCountCache, Viewers

from .audience import ROOMS, Audience
from .conftest import REPORTING

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
# One in so many simulated players uses HTTP, which would be slow for all of them.
HTTP_SHARE = 20


class Clock(datetime):
    """The workers' clock, which the simulation sets."""

    moment = NOON

    @classmethod
    def now(cls, tz=None):
        return cls.moment


class Workers:
    """Two simulated worker processes, which receive reports in turn.

    Most reports go to the service directly, and several share a transaction. It is committed before
    the other worker takes over.
    """

    def __init__(self, engine, apps):
        self.db = Session(engine)
        self.apps = itertools.cycle(apps)
        self.viewer_counts = itertools.cycle([ViewerCountCache(), ViewerCountCache()])
        self.viewer_count = next(self.viewer_counts)

    def deliver(self, report, seconds):
        Clock.moment = NOON + timedelta(seconds=seconds)
        if int(report.sid[-2:], 16) % HTTP_SHARE:
            service = PlaybackService(self.db, REPORTING, self.viewer_count)
            return service.report(report, now=Clock.moment)
        self.switch_worker()
        response = next(self.apps).post_json(
            f"/api/v1/rooms/{report.room}/playback",
            {
                "sid": report.sid,
                "cdn": report.endpoint,
                "quality": report.quality,
                "msd": report.startup_ms,
                "played": report.played_ms,
                "sta": "q" if report.leaving else "p",
            },
        )
        return response.json["next"]

    def switch_worker(self):
        self.db.commit()
        self.viewer_count = next(self.viewer_counts)


@pytest.fixture
def workers(engine, tracker_settings, monkeypatch):
    """Two instances of the app on one database."""
    monkeypatch.setattr(services, "datetime", Clock)
    apps = [tracker_app.main({}, **tracker_settings) for _ in range(2)]
    workers = Workers(engine, [TestApp(app) for app in apps])
    yield workers
    workers.db.close()
    for app in apps:
        app.registry["db.sessions"].kw["bind"].dispose()


MINUTES = scaled(4, 10)


# Sessions with several reports are particular to this test.
@pytest.mark.filterwarnings("ignore:Connection is already established")
def test_viewer_count_is_accurate_every_minute(engine, workers):
    random.seed(1)
    audience = Audience(workers.deliver, people=scaled(130, 200), seconds=60 * MINUTES, seed=1)
    counted, actual = {None: [], "hall": [], "lab": []}, {None: [], "hall": [], "lab": []}
    for minute in audience.minutes():
        workers.switch_worker()
        now = NOON + timedelta(seconds=minute)
        for room in counted:
            with Session(engine) as db:
                counted[room].append(Viewers(db).count(now=now, room=room))
            actual[room].append(audience.truth(room))
    with Session(engine) as db:
        history = ViewerHistory(db).series(
            begin=NOON + timedelta(minutes=1),
            end=NOON + timedelta(minutes=MINUTES + 1),
            step=timedelta(minutes=1),
        )

    assert min(actual[None]) > 50
    assert max_error(counted[None], actual[None]) <= 0.02
    # Of seventy viewers, one is more than 2 %.
    assert (
        max(abs(c - t) for room in ROOMS for c, t in zip(counted[room], actual[room], strict=True))
        <= 2
    )
    # History is smoother: it ignores absences of seconds.
    past = [sum(counts) for counts in zip(*history.viewers.values(), strict=True)]
    assert max_error(past[:-1], actual[None][:-1]) <= 0.03


def max_error(counted, actual):
    """Return the largest relative error."""
    return max(abs(c - t) / t for c, t in zip(counted, actual, strict=True))
