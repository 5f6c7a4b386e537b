"""Incident rules: when an incident opens, and when it is resolved."""

import concurrent.futures
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from streaming_system.schedule.fillers import Filler, FillerType
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
METRICS = {"clients": 3, "bitrate": 1_000_000, "cbitrate": 0, "stream_metrics": {}}


def seconds(number):
    return NOON + timedelta(seconds=number)


def talk(start=NOON, minutes=60, title="Keynote", **values):
    end = start + timedelta(minutes=minutes)
    return Slot(start=start, end=end, title=title, guid=title, **values)


@pytest.fixture
def write_schedule(tmp_path):
    """Return a function that writes the schedule of rooms; its ``path`` is the file."""

    def write_schedule(**rooms):
        schedules = {
            room: RoomSchedule(timezone=SYDNEY, slots=tuple(events))
            for room, events in rooms.items()
        }
        save_schedule(Schedule(rooms=schedules, imported_at=NOON), write_schedule.path)

    write_schedule.path = tmp_path / "schedule.json"
    return write_schedule


@pytest.fixture
def settings(tracker_settings):
    return load_settings({**tracker_settings, "alert.players": "10", "alert.rebuffering": "0.05"})


@pytest.fixture
def check(engine, settings, write_schedule):
    """Return a function that checks at a time and returns the open incidents."""
    schedule = ScheduleStore(write_schedule.path)

    def check(after=0):
        with Session(engine) as db, db.begin():
            incidents = Incidents(db, settings["conference"], schedule, settings)
            return [
                (i.kind, i.room, i.subject, i.summary) for i in incidents.check(now=seconds(after))
            ]

    return check


@pytest.fixture
def stream(engine):
    """Return a function that stores an endpoint with its last report."""

    def stream(seen=0, room="hall", name="203.0.113.5", since=-3600, left=None, **values):
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
                    **METRICS | values,
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
    """Return a function that configures fallbacks of the hall; call it first."""

    def fall_back(*fallbacks):
        path = Path(conference["config.public"])
        document = json.loads(path.read_text())
        document["config"]["groups"] = ["overflow"]
        document["hall"]["fallbacks"] = fallbacks
        path.write_text(json.dumps(document))

    return fall_back


@pytest.fixture(params=["https://cdn.example.org/", "youtube:dQw4w9WgXcQ"])
def external_fallback(request, fall_back):
    fall_back(request.param)


@pytest.fixture
def overflow(fall_back):
    fall_back("group:overflow")


class TestFallbacks:
    def test_room_with_an_external_fallback_needs_no_stream(
        self, external_fallback, check, write_schedule
    ):
        write_schedule(hall=[talk()])

        assert check(90) == []

    def test_stream_of_a_fallback_group_is_enough(self, overflow, check, write_schedule, stream):
        write_schedule(hall=[talk()])
        stream(seen=60, room="overflow")

        assert check(90) == []

    def test_silent_endpoint_of_a_fallback_group_opens_an_incident(self, overflow, check, stream):
        stream(seen=0, room="overflow")

        assert [(kind, room) for kind, room, *_ in check(70)] == [("silent-encoder", "hall")]

    def test_room_is_full_only_if_its_fallback_group_is_full(self, overflow, check, stream):
        stream(seen=0, capacity=1_000_000)
        stream(seen=0, room="overflow", capacity=9_000_000)
        assert check(1) == []

        stream(seen=0, room="overflow", capacity=1_000_000)
        assert [(kind, summary) for kind, _, _, summary in check(2)] == [
            ("full", "Every server of Great Hall is full (2 in all).")
        ]


class TestSlate:
    def test_slate_during_a_talk_opens_an_incident_after_a_minute(
        self, check, write_schedule, stream
    ):
        write_schedule(hall=[talk()])
        stream(seen=600, slate_since=seconds(545))

        assert check(604) == []
        assert check(605) == [
            ("slate", "hall", "", "Great Hall shows the slate, not “Keynote”: no input.")
        ]
        stream(seen=610)
        assert check(611) == []

    def test_slate_before_the_talk_counts_from_its_start(self, check, write_schedule, stream):
        write_schedule(hall=[talk()])
        stream(seen=50, slate_since=seconds(-900))

        assert check(59) == []
        assert [kind for kind, *_ in check(60)] == ["slate"]

    def test_one_server_with_input_is_enough(self, check, write_schedule, stream):
        write_schedule(hall=[talk()])
        stream(seen=600, slate_since=seconds(0))
        stream(seen=600, name="edge2")

        assert check(601) == []

    def test_slate_without_a_talk_is_no_incident(self, check, write_schedule, stream):
        stream(seen=600, slate_since=seconds(0))

        assert check(601) == []

    def test_setting_can_disable_it(self, check, write_schedule, stream, settings):
        settings["alert.slate"] = 0
        write_schedule(hall=[talk()])
        stream(seen=600, slate_since=seconds(0))

        assert check(601) == []


class TestNoStream:
    def test_talk_without_stream_opens_an_incident_after_a_minute(self, check, write_schedule):
        write_schedule(hall=[talk()])

        assert check(59) == []
        assert check(60) == [
            (
                "no-stream",
                "hall",
                "",
                "Great Hall has no stream; “Keynote” began there at 11:00 AEDT.",
            )
        ]

    def test_incident_is_resolved_once_the_stream_is_stable(self, check, write_schedule, stream):
        write_schedule(hall=[talk()])
        check(60)

        stream(seen=70, since=70)
        assert len(check(75)) == 1
        stream(seen=100, since=70)
        assert check(100) == []

    def test_endpoint_without_watchable_format_is_no_stream(self, check, write_schedule, stream):
        write_schedule(hall=[talk()])

        stream(seen=60, formats=["rtmp"])

        assert [kind for kind, *_ in check(60)] == ["no-stream"]

    def test_unstable_endpoint_opens_one_incident(self, check, write_schedule, stream, rows):
        write_schedule(hall=[talk()])
        for start in range(60, 1200, 120):
            stream(seen=start, since=start)
            for moment in range(start, start + 120, 10):
                check(moment)

        assert len([row for row in rows(IncidentRecord) if row["kind"] == "no-stream"]) == 1

    def test_restart_of_the_agent_opens_no_incident(self, check, write_schedule, stream):
        write_schedule(hall=[talk()])
        stream(seen=300, left=300)

        assert check(310) == []
        assert [kind for kind, *_ in check(331)] == ["no-stream"]

    def test_incident_is_resolved_when_the_talk_ends(self, check, write_schedule, rows):
        write_schedule(hall=[talk(minutes=10)])

        assert len(check(61)) == 1
        assert check(600) == []
        [row] = rows(IncidentRecord)
        assert (row["opened_at"], row["closed_at"]) == (seconds(61), seconds(600))

    def test_incident_continues_in_the_next_talk(self, check, write_schedule, rows):
        write_schedule(hall=[talk(minutes=10), talk(start=seconds(600), title="Panel")])
        for moment in range(60, 900, 30):
            check(moment)

        assert len(rows(IncidentRecord)) == 1

    @pytest.mark.parametrize(
        ("room", "event"),
        [
            ("hall", talk(filler=Filler(type=FillerType.BREAK))),
            ("hall", talk(relayed_from="Plenary")),
            ("hall", talk(start=seconds(3600))),
            ("tube", talk()),
            ("gone", talk()),
        ],
    )
    def test_fillers_and_talks_of_other_rooms_need_no_stream(
        self, check, write_schedule, room, event
    ):
        write_schedule(**{room: [event]})

        assert check(90) == []

    def test_rooms_need_no_stream_without_schedule(self, check):
        assert check() == []


class TestSilentEncoder:
    def test_endpoint_that_stops_reporting_opens_an_incident(self, check, stream):
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

    def test_drained_endpoint_may_be_silent(self, check, stream):
        stream(seen=0, drained=True)

        assert check(70) == []

    def test_deregistered_endpoint_may_be_silent(self, check, stream):
        stream(seen=0, left=0)

        assert check(70) == []

    def test_incident_is_resolved_when_the_endpoint_deregisters(self, check, stream):
        stream(seen=0)
        check(70)
        stream(seen=80, left=80)

        assert check(90) == []

    def test_incident_is_resolved_when_the_endpoint_is_stable(self, check, stream):
        stream(seen=0)
        check(70)
        stream(seen=100, since=100)

        assert len(check(110)) == 1
        stream(seen=130, since=100)
        assert check(130) == []

    def test_incident_is_resolved_after_an_hour(self, check, stream):
        stream(seen=0)

        assert len(check(70)) == len(check(3599)) == 1
        assert check(3600) == []

    def test_long_silence_opens_an_incident_only_during_a_talk(self, check, stream, write_schedule):
        stream(seen=0)
        stream(seen=1200, name="steady")

        assert check(1200) == []
        write_schedule(hall=[talk()])
        assert [subject for _, _, subject, _ in check(1201)] == ["203.0.113.5"]

    def test_endpoint_of_a_removed_room_opens_no_incident(self, check, stream):
        stream(seen=0, room="gone")

        assert check(70) == []


class TestFull:
    @pytest.fixture
    def loaded(self, stream):
        def loaded(*loads, capacity=1_000_000):
            for number, load in enumerate(loads):
                stream(name=f"s{number}", bitrate=int(load * 1_000_000), capacity=capacity)

        return loaded

    def test_room_with_full_endpoints_opens_an_incident(self, check, loaded):
        loaded(0.96, 1.2)

        assert check() == [("full", "hall", "", "Every server of Great Hall is full (2 in all).")]

    def test_incident_is_resolved_when_an_endpoint_has_headroom(self, check, loaded):
        loaded(0.96, 0.97)
        check()
        loaded(0.91, 0.97)
        assert len(check(1)) == 1
        loaded(0.89, 0.97)
        assert check(2) == []

    def test_one_endpoint_with_headroom_is_enough(self, check, loaded):
        loaded(0.5, 1.2)

        assert check() == []

    def test_endpoint_of_unknown_capacity_may_have_headroom(self, check, loaded, stream):
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

    def test_many_players_with_long_rebuffering_open_an_incident(self, check, players):
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

    def test_few_players_open_no_incident(self, check, players):
        players(9, waited=500)

        assert check(1) == []

    def test_ratio_below_the_threshold_opens_no_incident(self, check, players):
        players(20, waited=49)

        assert check(1) == []

    def test_incident_is_resolved_well_below_the_threshold(self, check, players):
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
    def test_component_with_a_bad_mood_opens_an_incident(self, check, add, mood):
        add(component(mood, detail="no\nsignal"), component("hungry", name="encoder"))

        assert check() == [
            (
                "component",
                "hall",
                "mixer on mix1",
                f"mixer on mix1 of Great Hall is {mood}: no signal.",
            )
        ]

    def test_incident_is_resolved_when_the_component_is_stable(self, check, add):
        add(component("sad"))
        check()
        add(component("happy", since=10, reported=20))
        assert len(check(20)) == 1
        assert check(40) == []

    def test_clock_in_the_future_keeps_no_incident_open(self, check, add):
        add(component("sad"))
        check()
        add(component("happy", since=7200, reported=20))

        assert check(20) == []

    def test_silent_machine_is_one_incident_for_all_its_components(self, check, add):
        add(component("sad"), component(name="encoder"))

        assert len(check(119)) == 1
        assert check(120) == [
            ("component", "hall", "mix1", "The machine mix1 stopped reporting at 00:00:00 UTC.")
        ]
        assert check(3600) == []


def test_concurrent_checks_open_one_incident(engine, settings, write_schedule, stream, rows):
    write_schedule(hall=[talk()], lab=[talk()])
    stream(seen=0)

    def check_once(number):
        with Session(engine) as db, db.begin():
            service = Incidents(
                db, settings["conference"], ScheduleStore(write_schedule.path), settings
            )
            return len(service.check(now=seconds(70)))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(check_once, range(16)))

    assert len(rows(IncidentRecord)) == 3
    assert set(counts) <= {1, 2, 3}


def test_latest_includes_resolved_incidents(engine, settings, check, stream):
    stream(seen=0)
    check(70)
    check(3600)
    with Session(engine) as db:
        service = Incidents(db, settings["conference"], None, settings)

        assert [i.closed_at for i in service.latest(now=seconds(4000))] == [seconds(3600)]
        assert service.latest(now=seconds(0) + timedelta(days=8)) == []
