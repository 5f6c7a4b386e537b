"""What the crew is told is wrong, and when it is over."""

import concurrent.futures
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule
from streaming_system.schedule.store import ScheduleStore
from streaming_system.tracker.incidents.incidents import Incidents
from streaming_system.tracker.models import Component, Endpoint, IncidentRecord, Playback, Player
from streaming_system.tracker.settings import load_settings

pytestmark = pytest.mark.both_databases

# 11:00 in Sydney.
NOON = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
SYDNEY = ZoneInfo("Australia/Sydney")
FIGURES = {"clients": 3, "bitrate": 1_000_000, "cbitrate": 0, "figures": {}}


def seconds(number):
    return NOON + timedelta(seconds=number)


def talk(start=NOON, minutes=60, title="Keynote", **more):
    end = start + timedelta(minutes=minutes)
    return Slot(start=start, end=end, title=title, guid=title, **more)


@pytest.fixture
def plan(tmp_path):
    """Return a function that writes the programme of rooms, and the file it writes."""

    def plan(**rooms):
        planned = {
            room: RoomSchedule(timezone=SYDNEY, slots=tuple(events))
            for room, events in rooms.items()
        }
        save_schedule(Schedule(rooms=planned, imported_at=NOON), plan.path)

    plan.path = tmp_path / "schedule.json"
    return plan


@pytest.fixture
def settings(tracker_settings):
    return load_settings({**tracker_settings, "alert.players": "10", "alert.rebuffering": "0.05"})


@pytest.fixture
def check(engine, settings, plan):
    """Return a function that checks at some moment and returns what is open."""
    schedule = ScheduleStore(plan.path)

    def check(after=0):
        with Session(engine) as db, db.begin():
            found = Incidents(db, settings["conference"], schedule, settings)
            return [(i.kind, i.room, i.subject, i.summary) for i in found.check(now=seconds(after))]

    return check


@pytest.fixture
def stream(engine):
    """Return a function that lets an endpoint have reported."""

    def stream(seen=0, room="hall", name="203.0.113.5", since=-3600, left=None, **more):
        with Session(engine) as db, db.begin():
            db.query(Endpoint).filter_by(room=room, name=name).delete()
            db.add(
                Endpoint(
                    room=room,
                    name=name,
                    host="203.0.113.5",
                    since=seconds(since),
                    last_seen=seconds(seen),
                    left_at=None if left is None else seconds(left),
                    **FIGURES | more,
                )
            )

    return stream


@pytest.fixture
def add(engine):
    def add(*values):
        with Session(engine) as db, db.begin():
            for value in values:
                db.merge(value)

    return add


@pytest.fixture
def fall_back(conference):
    """Return a function that gives the hall fallbacks; call it before anything else."""

    def fall_back(*fallbacks):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document["config"]["groups"] = ["overflow"]
        document["hall"]["fallbacks"] = fallbacks
        path.write_text(json.dumps(document))

    return fall_back


@pytest.fixture(params=["https://cdn.example.org/", "youtube:dQw4w9WgXcQ"])
def elsewhere(request, fall_back):
    fall_back(request.param)


@pytest.fixture
def overflow(fall_back):
    fall_back("group:overflow")


class TestFallbacks:
    def test_a_room_that_can_be_watched_elsewhere_is_not_missed(self, elsewhere, check, plan):
        plan(hall=[talk()])

        assert check(90) == []

    def test_nor_is_one_whose_fallback_group_streams(self, overflow, check, plan, stream):
        plan(hall=[talk()])
        stream(seen=60, room="overflow")

        assert check(90) == []

    def test_a_server_of_the_group_that_falls_silent_is_named(self, overflow, check, stream):
        stream(seen=0, room="overflow")

        assert [(kind, room) for kind, room, *_ in check(70)] == [("silent-encoder", "hall")]

    def test_it_is_full_only_when_its_fallback_group_is_too(self, overflow, check, stream):
        stream(seen=0, capacity=1_000_000)
        stream(seen=0, room="overflow", capacity=9_000_000)
        assert check(1) == []

        stream(seen=0, room="overflow", capacity=1_000_000)
        assert [(kind, summary) for kind, _, _, summary in check(2)] == [
            ("full", "Every server of Great Hall is full (2 in all).")
        ]


class TestNoStream:
    def test_a_room_with_a_talk_and_no_stream_is_missed_after_a_minute(self, check, plan):
        plan(hall=[talk()])

        assert check(59) == []
        assert check(60) == [
            (
                "no-stream",
                "hall",
                "",
                "Great Hall has no stream; “Keynote” began there at 11:00 AEDT.",
            )
        ]

    def test_all_is_well_once_the_stream_is_steady(self, check, plan, stream):
        plan(hall=[talk()])
        check(60)

        stream(seen=70, since=70)
        assert len(check(75)) == 1
        stream(seen=100, since=70)
        assert check(100) == []

    def test_a_server_that_has_nothing_for_viewers_is_no_stream(self, check, plan, stream):
        plan(hall=[talk()])

        stream(seen=60, formats=["rtmp"])

        assert [kind for kind, *_ in check(60)] == ["no-stream"]

    def test_a_server_that_comes_and_goes_does_not_flap(self, check, plan, stream, rows):
        plan(hall=[talk()])
        for start in range(60, 1200, 120):
            stream(seen=start, since=start)
            for moment in range(start, start + 120, 10):
                check(moment)

        assert len([row for row in rows(IncidentRecord) if row["kind"] == "no-stream"]) == 1

    def test_a_restart_of_the_encoder_is_no_alarm(self, check, plan, stream):
        plan(hall=[talk()])
        stream(seen=300, left=300)

        assert check(310) == []
        assert [kind for kind, *_ in check(331)] == ["no-stream"]

    def test_it_is_over_when_the_talk_is(self, check, plan, rows):
        plan(hall=[talk(minutes=10)])

        assert len(check(61)) == 1
        assert check(600) == []
        [row] = rows(IncidentRecord)
        assert (row["opened_at"], row["closed_at"]) == (seconds(61), seconds(600))

    def test_the_next_talk_begins_no_new_alarm(self, check, plan, rows):
        plan(hall=[talk(minutes=10), talk(start=seconds(600), title="Panel")])
        for moment in range(60, 900, 30):
            check(moment)

        assert len(rows(IncidentRecord)) == 1

    @pytest.mark.parametrize(
        ("room", "event"),
        [
            ("hall", talk(is_filler=True)),
            ("hall", talk(relayed_from="Plenary")),
            ("hall", talk(start=seconds(3600))),
            ("tube", talk()),
            ("gone", talk()),
        ],
    )
    def test_gaps_and_talks_elsewhere_need_no_stream(self, check, plan, room, event):
        plan(**{room: [event]})

        assert check(90) == []

    def test_without_a_programme_no_room_is_missed(self, check):
        assert check() == []


class TestSilentEncoder:
    def test_one_that_stops_without_goodbye_is_named(self, check, stream):
        stream(seen=0)

        assert check(59) == []
        assert check(60) == [
            (
                "silent-encoder",
                "hall",
                "203.0.113.5",
                "The server 203.0.113.5 of Great Hall stopped reporting at 11:00 AEDT.",
            )
        ]

    def test_one_that_the_crew_has_drained_may_be_switched_off(self, check, stream):
        stream(seen=0, drained=True)

        assert check(70) == []

    def test_one_that_said_goodbye_is_not(self, check, stream):
        stream(seen=0, left=0)

        assert check(70) == []

    def test_it_is_over_when_it_says_goodbye(self, check, stream):
        stream(seen=0)
        check(70)
        stream(seen=80, left=80)

        assert check(90) == []

    def test_it_is_over_when_it_is_back_for_a_while(self, check, stream):
        stream(seen=0)
        check(70)
        stream(seen=100, since=100)

        assert len(check(110)) == 1
        stream(seen=130, since=100)
        assert check(130) == []

    def test_it_is_over_after_an_hour(self, check, stream):
        stream(seen=0)

        assert len(check(70)) == len(check(3599)) == 1
        assert check(3600) == []

    def test_an_old_silence_alarms_only_while_a_talk_is_on(self, check, stream, plan):
        stream(seen=0)
        stream(seen=1200, name="steady")

        assert check(1200) == []
        plan(hall=[talk()])
        assert [subject for _, _, subject, _ in check(1201)] == ["203.0.113.5"]

    def test_a_room_that_is_gone_alarms_nobody(self, check, stream):
        stream(seen=0, room="gone")

        assert check(70) == []


class TestFull:
    @pytest.fixture
    def loaded(self, stream):
        def loaded(*loads, capacity=1_000_000):
            for number, load in enumerate(loads):
                stream(name=f"s{number}", bitrate=int(load * 1_000_000), capacity=capacity)

        return loaded

    def test_a_room_whose_servers_are_all_full(self, check, loaded):
        loaded(0.96, 1.2)

        assert check() == [("full", "hall", "", "Every server of Great Hall is full (2 in all).")]

    def test_it_lasts_until_one_has_some_room(self, check, loaded):
        loaded(0.96, 0.97)
        check()
        loaded(0.91, 0.97)
        assert len(check(1)) == 1
        loaded(0.89, 0.97)
        assert check(2) == []

    def test_one_with_room_is_enough(self, check, loaded):
        loaded(0.5, 1.2)

        assert check() == []

    def test_a_server_of_unknown_capacity_may_have_room(self, check, loaded, stream):
        loaded(0.99)
        stream(name="other", bitrate=10**9)

        assert check() == []


class TestRebuffering:
    @pytest.fixture
    def players(self, add):
        def players(count, waited, room="hall", after=0):
            add(*(
                row
                for n in range(count)
                for row in (
                    Player(sid=f"{room}{n}", room=room, endpoint="", format="hls", quality="",
                           begun=seconds(after), moved=seconds(after), last_seen=seconds(after),
                           until=seconds(after + 900), startup_ms=None, played_ms=0, rebuffer_ms=0,
                           rebuffers=0, dropped=0, errors=0),
                    Playback(at=seconds(after), room=room, endpoint="", format="hls", quality="",
                             starts=0, played_ms=1000 - waited, rebuffer_ms=waited, rebuffers=0,
                             dropped=0, errors=0, startup_ms=None, bitrate=None),
                )
            ))  # fmt: skip

        return players

    def test_many_who_wait_long_are_an_alarm(self, check, players):
        players(12, waited=100)

        assert check(1) == [
            (
                "rebuffering",
                "hall",
                "",
                "Viewers of Great Hall waited for 10% of their time in the five minutes before "
                "11:00 AEDT (12 players).",
            )
        ]

    def test_few_players_are_none(self, check, players):
        players(9, waited=500)

        assert check(1) == []

    def test_a_share_below_the_threshold_is_none(self, check, players):
        players(20, waited=49)

        assert check(1) == []

    def test_it_lasts_until_it_is_well_below_the_threshold(self, check, players):
        players(12, waited=60)
        check(1)
        players(12, waited=30, after=10)
        assert len(check(11)) == 1
        players(24, waited=10, after=20)
        assert check(21) == []


def component(mood="happy", since=-600, reported=0, name="mixer", machine="mix1", room="hall",
              detail=""):  # fmt: skip
    return Component(
        machine=machine, name=name, kind="mixer", room=room, mood=mood, since=seconds(since),
        detail=detail, reported_at=seconds(reported),
    )  # fmt: skip


class TestComponents:
    @pytest.mark.parametrize("mood", ["sad", "lost"])
    def test_one_that_is_unwell_is_named(self, check, add, mood):
        add(component(mood, detail="no\nsignal"), component("hungry", name="encoder"))

        assert check() == [
            (
                "component",
                "hall",
                "mixer on mix1",
                f"mixer on mix1 of Great Hall is {mood}: no signal.",
            )
        ]

    def test_it_is_over_when_it_has_been_well_for_a_while(self, check, add):
        add(component("sad"))
        check()
        add(component("happy", since=10, reported=20))
        assert len(check(20)) == 1
        assert check(40) == []

    def test_a_clock_that_is_ahead_keeps_no_alarm_open(self, check, add):
        add(component("sad"))
        check()
        add(component("happy", since=7200, reported=20))

        assert check(20) == []

    def test_a_silent_machine_is_one_alarm_for_all_its_components(self, check, add):
        add(component("sad"), component(name="encoder"))

        assert len(check(119)) == 1
        assert check(120) == [
            ("component", "hall", "mix1", "The machine mix1 stopped reporting at 00:00:00 UTC.")
        ]
        assert check(3600) == []


def test_processes_that_check_at_once_open_one_incident(engine, settings, plan, stream, rows):
    plan(hall=[talk()], lab=[talk()])
    stream(seen=0)

    def look(number):
        with Session(engine) as db, db.begin():
            service = Incidents(db, settings["conference"], ScheduleStore(plan.path), settings)
            return len(service.check(now=seconds(70)))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(look, range(16)))

    assert len(rows(IncidentRecord)) == 3
    assert set(counts) <= {1, 2, 3}


def test_the_latest_ones_include_what_is_over(engine, settings, check, stream):
    stream(seen=0)
    check(70)
    check(3600)
    with Session(engine) as db:
        service = Incidents(db, settings["conference"], None, settings)

        assert [i.closed_at for i in service.latest(now=seconds(4000))] == [seconds(3600)]
        assert service.latest(now=seconds(0) + timedelta(days=8)) == []
