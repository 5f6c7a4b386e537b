"""Incidents about what viewers see and hear, from synthetic measurements."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.fillers import Filler, FillerType
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.tracker.incidents.component_rules import find_component_problems
from streaming_system.tracker.incidents.media_rules import find_media_problems
from streaming_system.tracker.incidents.programme import Programme
from streaming_system.tracker.models import Component

# 11:00 in Sydney.
NOON = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
SETTINGS = {
    "alert.black": 30.0,
    "alert.frozen": 900.0,
    "alert.frozen_silent": 60.0,
    "alert.silence": 120.0,
}
HALL = SimpleNamespace(id="hall", title="Great Hall", schedule_timezone=None)


def seconds(number):
    return NOON + timedelta(seconds=number)


def talk(start=0, minutes=60, title="Keynote", **values):
    begin = seconds(start)
    return Slot(
        start=begin, end=begin + timedelta(minutes=minutes), title=title, guid=title, **values
    )


KEYNOTE = talk()


def component(name, condition="", *, since=0, reported=None, mood=None, room="hall", detail=""):
    return Component(
        machine="site:pictures", name=name, kind="streamer", room=room, condition=condition,
        mood=mood or ("hungry" if condition else "happy"), since=seconds(since), detail=detail,
        reported_at=None if reported is None else seconds(reported), clock_offset=None,
    )  # fmt: skip


def picture(condition="", **values):
    return component("hall picture", condition, **values)


def sound(condition="", **values):
    return component("hall sound", condition, **values)


@pytest.fixture
def find():
    """Return a function that finds problems some seconds after the start of a talk."""

    def find(*components, after, slots=(KEYNOTE,), **settings):
        for each in components:
            each.reported_at = each.reported_at or seconds(after)
        schedule = Schedule(rooms={"hall": RoomSchedule(timezone=ZoneInfo("Australia/Sydney"),
                                                        slots=tuple(slots))})  # fmt: skip
        programme = Programme({"hall": HALL}, schedule)
        settings = SETTINGS | {f"alert.{name}": value for name, value in settings.items()}
        return list(find_media_problems(components, programme, settings, seconds(after)))

    return find


def kinds(findings, *, should_open=True):
    return [finding.kind for finding in findings if finding.should_open is should_open]


class TestThresholds:
    @pytest.mark.parametrize(
        ("components", "after", "expected"),
        [
            ([picture("black")], 29, []),
            ([picture("black")], 30, ["black"]),
            ([sound("silence")], 119, []),
            ([sound("silence")], 120, ["silence"]),
            # Slides that stay, while the speaker speaks.
            ([picture("frozen"), sound()], 899, []),
            ([picture("frozen"), sound()], 900, ["frozen"]),
            # A frozen encoder sends neither.
            ([picture("frozen"), sound("silence")], 59, []),
            ([picture("frozen"), sound("silence")], 60, ["frozen"]),
            # The speaker stopped speaking later.
            ([picture("frozen", since=-600), sound("silence", since=40)], 99, []),
            ([picture("frozen", since=-600), sound("silence", since=40)], 100, ["frozen"]),
            ([picture(), sound()], 3000, []),
        ],
    )
    def test_condition_opens_an_incident_after_its_delay(self, find, components, after, expected):
        assert kinds(find(*components, after=after)) == expected

    def test_summary_names_the_talk_and_the_observer(self, find):
        [black, silence] = find(picture("black", since=60), sound("silence", since=120), after=600)

        assert (black.room, black.subject) == ("hall", "")
        assert black.summary == (
            "The picture of Great Hall has been black since 11:01 AEDT, during “Keynote” "
            "(hall picture on site:pictures)."
        )
        assert silence.summary.startswith("Great Hall has been silent since 11:02 AEDT,")

    def test_delays_are_configurable(self, find):
        assert kinds(find(picture("black"), after=5, black=5.0)) == ["black"]
        assert kinds(find(picture("black"), after=3000, black=0.0)) == []
        assert kinds(find(picture("frozen"), sound("silence"), after=3000, frozen=0.0,
                          frozen_silent=0.0)) == ["silence"]  # fmt: skip


class TestFalseAlarms:
    @pytest.mark.parametrize(
        "slots",
        [
            [],
            [talk(start=3600)],
            [talk(start=-7200)],
            [talk(filler=Filler(type=FillerType.BREAK))],
            [talk(relayed_from="Plenary")],
        ],
    )
    def test_nothing_opens_without_a_talk(self, find, slots):
        assert find(picture("black"), sound("silence"), after=1800, slots=slots) == []

    def test_time_before_the_talk_does_not_count(self, find):
        silent = sound("silence", since=-3600)

        assert kinds(find(silent, after=119)) == []
        assert kinds(find(silent, after=120)) == ["silence"]

    def test_outdated_measurement_opens_nothing(self, find):
        assert find(picture("black", since=0, reported=0), after=121) == []

    def test_clock_in_the_future_opens_nothing(self, find):
        assert find(picture("black", since=7200), after=1800) == []

    def test_unknown_room_opens_nothing(self, find):
        assert find(picture("black", room="gone"), after=1800) == []


class TestContinuation:
    def test_incident_continues_in_the_next_talk(self, find):
        slots = [talk(minutes=10), talk(start=600, title="Panel")]

        findings = find(picture("black", since=300), after=610, slots=slots)

        assert kinds(findings) == []
        assert kinds(findings, should_open=False) == ["black"]

    def test_incident_is_resolved_when_the_picture_is_stable(self, find):
        assert "black" in kinds(find(picture(since=600), after=619), should_open=False)
        assert find(picture(since=600), after=620) == []

    def test_slide_that_changes_resolves_the_incident(self, find):
        # The picture stands still again, since a moment ago.
        assert find(picture("frozen", since=600), sound(since=-60), after=640) == []


class TestFaults:
    """Faults that do not depend on a talk."""

    @pytest.fixture
    def find_faults(self):
        def find_faults(*components, after=60):
            for each in components:
                each.reported_at = seconds(after)
            programme = Programme({"hall": HALL}, Schedule())
            return list(find_component_problems(components, programme, seconds(after)))

        return find_faults

    @pytest.mark.parametrize(
        ("condition", "mood", "detail", "summary"),
        [
            ("stalled", "sad", "the playlist is stuck for 9 s at segment 12",
             "The stream hall hls on site:pictures of Great Hall does not play: the playlist is "
             "stuck for 9 s at segment 12."),
            ("disk", "hungry", "1.0 GB of 100.0 GB are free",
             "A disk fills: hall hls on site:pictures of Great Hall: 1.0 GB of 100.0 GB are free."),
            ("segments", "hungry", "the last segment has 0.5 s instead of 2.0 s",
             "Segments are cut off: hall hls on site:pictures of Great Hall: the last segment has "
             "0.5 s instead of 2.0 s."),
        ],
    )  # fmt: skip
    def test_fault_opens_an_incident_with_its_reason(
        self, find_faults, condition, mood, detail, summary
    ):
        [fault] = find_faults(component("hall hls", condition, mood=mood, detail=detail))

        assert (fault.kind, fault.room, fault.subject, fault.should_open) == (
            condition,
            "hall",
            "hall hls on site:pictures",
            True,
        )
        assert fault.summary == summary

    @pytest.mark.parametrize("condition", ["black", "frozen", "silence"])
    def test_media_conditions_are_no_faults_of_their_own(self, find_faults, condition):
        assert find_faults(component("hall picture", condition)) == []

    def test_recovered_component_keeps_its_incident_open_for_a_while(self, find_faults):
        recovered = component("hall hls", since=45)

        assert "stalled" in [finding.kind for finding in find_faults(recovered, after=60)]
        assert not any(finding.should_open for finding in find_faults(recovered, after=60))
        assert find_faults(recovered, after=65) == []
