"""The health of the pipelines: what is kept of reports, and what the crew sees."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import Component, ComponentMood
from streaming_system.tracker.pipeline.pipeline import ComponentState, Mood, Pipeline
from streaming_system.tracker.pipeline.timeline import timeline

from .conftest import SECRET

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def ago(**span):
    return NOON - timedelta(**span)


@pytest.fixture
def db(database):
    engine = make_engine({"sqlalchemy.url": database})
    with Session(engine) as db:
        yield db
    engine.dispose()


@pytest.fixture
def pipeline(db):
    return Pipeline(db)


@pytest.fixture
def report(db, pipeline):
    """Return a function that reports the components of a machine, each as mood and since."""

    def report(history=(), *, machine="mix1", kind="mixer", room="", now=NOON, **components):
        pipeline.report(
            machine=machine,
            kind=kind,
            room=room,
            components=[
                ComponentState(name=name, mood=mood, since=since)
                for name, (mood, since) in components.items()
            ],
            history=[
                Mood(component=name, mood=mood, since=since, seconds=seconds)
                for name, mood, since, seconds in history
            ],
            now=now,
        )
        db.commit()

    return report


class TestReport:
    def test_the_newest_state_is_kept(self, report, pipeline):
        report(camera=("waking", ago(minutes=5)), now=ago(minutes=1))
        report(camera=("happy", ago(seconds=30)))

        [camera] = pipeline.current(now=NOON)
        assert (camera.machine, camera.name, camera.mood) == ("mix1", "camera", "happy")
        assert (camera.since, camera.reported_at) == (ago(seconds=30), NOON)

    def test_a_component_that_is_not_reported_any_more_is_gone(self, report, pipeline):
        report(camera=("happy", NOON), sound=("happy", NOON))
        report(machine="mix2", sound=("happy", NOON))
        report(kind="recorder", disk=("happy", NOON))
        report(camera=("happy", NOON))

        assert [(c.machine, c.name) for c in pipeline.current(now=NOON)] == [
            ("mix1", "camera"),
            ("mix1", "disk"),
            ("mix2", "sound"),
        ]

    def test_a_repeated_history_is_stored_once(self, report, rows):
        past = [("camera", "sad", ago(minutes=4), 60.0)]
        report(past, camera=("happy", ago(minutes=3)), now=ago(minutes=1))
        report(past, camera=("happy", ago(minutes=3)))

        moods = sorted(rows(ComponentMood), key=lambda row: row["since"])
        assert [(row["mood"], row["seconds"]) for row in moods] == [("sad", 60), ("happy", 180)]

    def test_a_shorter_duration_in_a_later_report_is_ignored(self, report, rows):
        report([("camera", "sad", ago(minutes=4), 60.0)])
        report([("camera", "sad", ago(minutes=4), 20.0), ("camera", "sad", ago(minutes=4), 30.0)])

        assert [row["seconds"] for row in rows(ComponentMood)] == [60]

    def test_a_machine_silent_for_a_day_is_forgotten(self, report, pipeline):
        report(camera=("happy", NOON), now=ago(days=1))

        assert pipeline.current(now=NOON) == []


class TestTimeline:
    @pytest.fixture
    def stretches(self, pipeline):
        """Return a function that tells the last ten minutes, in seconds before noon."""

        def stretches(now=NOON):
            [component] = pipeline.current(now=now)
            return [
                (
                    stretch.mood,
                    (now - stretch.begin).total_seconds(),
                    (now - stretch.end).total_seconds(),
                )
                for stretch in timeline(component, pipeline.history(now=now), now=now)
            ]

        return stretches

    def test_moods_follow_each_other_and_gaps_stay_gaps(self, report, stretches):
        report(
            [
                ("camera", "happy", ago(minutes=20), 60.0),
                ("camera", "happy", ago(minutes=12), 300.0),
                ("camera", "sad", ago(minutes=5), 60.0),
            ],
            camera=("happy", ago(minutes=4)),
        )

        assert stretches() == [("happy", 600, 420), ("sad", 300, 240), ("happy", 240, 0)]

    def test_an_age_that_reaches_into_the_next_mood_is_cut(self, report, stretches):
        # Some senders mean the time since it began.
        report([("camera", "sad", ago(minutes=5), 300.0)], camera=("happy", ago(minutes=4)))

        assert stretches() == [("sad", 300, 240), ("happy", 240, 0)]

    def test_a_silent_machine_is_lost_from_its_last_word_on(self, report, stretches):
        report(camera=("happy", ago(minutes=9)), now=ago(seconds=61))

        assert stretches() == [("happy", 540, 61), ("lost", 61, 0)]

    def test_a_minute_of_silence_is_none(self, report, stretches):
        report(camera=("happy", ago(minutes=9)), now=ago(seconds=60))

        assert stretches() == [("happy", 540, 0)]

    def test_a_clock_that_is_ahead_does_no_harm(self, report, stretches):
        future = NOON + timedelta(hours=1)
        report([("camera", "sad", future, 1e300)], camera=("happy", future))

        assert stretches() == []
        assert stretches(now=NOON + timedelta(seconds=30)) == [("happy", 30, 0)]


class TestPage:
    @pytest.fixture
    def send(self, tracker):
        """Return a function that posts a report of Flumotion, from now on or some seconds ago."""

        def send(current, history=None, *, identifier="mix1", clock=0):
            now = datetime.now(UTC).timestamp() + clock
            data = {
                "current": {name: [mood, now - age] for name, (mood, age) in current.items()},
                "history": {
                    name: [[mood, now - begin, age] for mood, begin, age in moods]
                    for name, moods in (history or {}).items()
                },
            }
            form = {
                "secret": SECRET,
                "identifier": identifier,
                "type": "worker",
                "recorded_time": str(now),
                "data": json.dumps(data),
            }
            response = tracker.post("/flumotion/log", form)
            assert response.text == "OK\n"
            return response

        return send

    @pytest.fixture
    def silent(self, database):
        """Return a function that lets every machine have reported some seconds ago."""
        engine = make_engine({"sqlalchemy.url": database})

        def silent(**span):
            with Session(engine) as db, db.begin():
                for component in db.query(Component):
                    component.reported_at -= timedelta(**span)

        yield silent
        engine.dispose()

    def test_components_are_rows_and_machines_columns(self, tracker, send):
        send({"camera": (0, 300), "sound": ("sad", 30)}, {"camera": [(5, 400, 100)]})
        send({"camera": (2, 10)}, identifier="mix2")

        page = tracker.get("/flumotion/stats").html

        table = page.select_one("table.pipeline")
        heads = [head.contents[0].strip() for head in table.select("thead th")]
        assert heads == ["Component", "mix1", "mix2"]
        cells = {
            row.select_one("th").get_text(): [
                cell.select_one(".mood").get_text() if cell.select_one(".mood") else ""
                for cell in row.select("td")
            ]
            for row in table.select("tbody tr")
        }
        assert cells == {"camera": ["happy", "waking"], "sound": ["sad", ""]}

    def test_what_is_wrong_comes_first_in_words(self, tracker, send):
        send({"camera": ("happy", 300), "sound": ("sad", 30), "disk": ("waking", 180)})

        page = tracker.get("/flumotion/stats").html

        assert [" ".join(item.get_text().split()) for item in page.select(".wrong li")] == [
            "sad sound on mix1, for 30 s",
            "waking disk on mix1, for 3 min",
        ]

    def test_the_last_ten_minutes_are_there_for_those_who_cannot_see_them(self, tracker, send):
        send({"camera": ("happy", 300)}, {"camera": [("sad", 400, 100)]})

        page = tracker.get("/flumotion/stats").html

        strip = page.select_one("svg[role=img]")
        assert [bar["class"] for bar in strip.select("rect")] == [["sad"], ["happy"]]
        assert strip["aria-label"].startswith("sad ")
        assert [row.select("td")[2].get_text() for row in page.select(".history tbody tr")] == [
            "sad",
            "happy",
        ]

    def test_a_silent_machine_is_shown_as_lost(self, tracker, send, silent):
        send({"camera": ("happy", 300)})
        silent(seconds=61)

        page = tracker.get("/flumotion/stats").html

        assert page.select_one("td .mood").get_text() == "lost"
        assert "silent since" in page.select_one("thead").get_text()

    def test_a_wrong_clock_is_shown(self, tracker, send):
        send({"camera": ("happy", 0)}, clock=3600)
        send({"camera": ("happy", 0)}, identifier="mix2", clock=-50)

        text = tracker.get("/flumotion/stats").text

        assert text.count("its clock is 3,600 s ahead") == 1  # In the head of its column.
        assert "behind" not in text

    def test_an_empty_page_says_so(self, tracker):
        page = tracker.get("/flumotion/stats").html

        assert "No machine has reported within a day." in page.get_text()

    def test_the_page_loads_nothing_from_elsewhere(self, tracker, send):
        send({"camera": ("happy", 0)})

        response = tracker.get("/flumotion/stats")

        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert 'style="' not in response.text
        for sheet in response.html.select("link[rel=stylesheet]"):
            tracker.get(sheet["href"])
