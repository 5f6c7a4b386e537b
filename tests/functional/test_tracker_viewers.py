"""Whether the number of viewers is true: a simulated audience, and a network that loses things."""

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
from streaming_system.tracker.audience.viewers import ViewerCountCache, Viewers

from .audience import ROOMS, Audience
from .conftest import REPORTING

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
# Of the simulated players, each of so many speaks HTTP; for the others HTTP would only take time.
EACH_OVER_HTTP = 20


class Clock(datetime):
    """The clock of the workers, which the simulation sets."""

    moment = NOON

    @classmethod
    def now(cls, tz=None):
        return cls.moment


class Workers:
    """Two worker processes: reports go to one or the other.

    Most are brought to the service itself, in transactions of several: HTTP and a commit for each
    would only take time. Whatever changes hands is committed before.
    """

    def __init__(self, engine, apps):
        self.db = Session(engine)
        self.apps = itertools.cycle(apps)
        self.crowds = itertools.cycle([ViewerCountCache(), ViewerCountCache()])
        self.crowd = next(self.crowds)

    def deliver(self, report, seconds):
        Clock.moment = NOON + timedelta(seconds=seconds)
        if int(report.sid[-2:], 16) % EACH_OVER_HTTP:
            return PlaybackService(self.db, REPORTING, self.crowd).report(report, now=Clock.moment)
        self.change_hands()
        answer = next(self.apps).post_json(
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
        return answer.json["next"]

    def change_hands(self):
        self.db.commit()
        self.crowd = next(self.crowds)


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


# That a transaction holds several reports is only so here.
@pytest.mark.filterwarnings("ignore:Connection is already established")
def test_the_number_of_viewers_is_true_at_every_minute(engine, workers):
    random.seed(1)
    audience = Audience(workers.deliver, people=scaled(130, 200), seconds=60 * MINUTES, seed=1)
    counted, true = {None: [], "hall": [], "lab": []}, {None: [], "hall": [], "lab": []}
    for minute in audience.minutes():
        workers.change_hands()
        now = NOON + timedelta(seconds=minute)
        for room in counted:
            with Session(engine) as db:
                counted[room].append(Viewers(db).count(now=now, room=room))
            true[room].append(audience.truth(room))
    with Session(engine) as db:
        remembered = Viewers(db).over_time(
            begin=NOON + timedelta(minutes=1),
            end=NOON + timedelta(minutes=MINUTES),
            step=timedelta(minutes=1),
        )

    assert min(true[None]) > 50
    assert worst(counted[None], true[None]) <= 0.02
    # Of seventy viewers, one is more than 2 %.
    assert (
        max(abs(c - t) for room in ROOMS for c, t in zip(counted[room], true[room], strict=True))
        <= 2
    )
    # The past is smoother: whoever was away for seconds was there, and so was who had crashed.
    assert worst([count for _, count in remembered], true[None]) <= 0.03


def worst(counted, true):
    """Return the largest error, as a share of the truth."""
    return max(abs(c - t) / t for c, t in zip(counted, true, strict=True))
