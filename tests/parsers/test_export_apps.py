"""What EventFahrplan, Giggity and ConfClerk make of our schedule.xml, by their own rules."""

from datetime import UTC, date, datetime, timedelta

import pytest

from streaming_system.schedule.days import schedule_day
from streaming_system.schedule.export import export_schedule
from streaming_system.schedule.export_talks import collect_export

from .app_readers import RefusedError, confclerk, eventfahrplan, giggity
from .round_trip import SITE, import_feed
from .test_manifest import real_feeds, zone_of

MINUTE = timedelta(minutes=1)
FEED = """<?xml version="1.0" encoding="utf-8"?>
<schedule><generator name="frab"/><version>3</version>
<conference><title>Conf</title><time_zone_name>Europe/Berlin</time_zone_name>
<base_url>https://e.example/conf/</base_url></conference>
<day index="1" date="2026-11-24">
<room name="Zoo" guid="11111111-1111-4111-8111-111111111111">
<event guid="00000000-0000-4000-8000-000000000001" id="101">
<date>2026-11-24T10:00:00+01:00</date><start>10:00</start><duration>0:30</duration>
<title>Opening</title><abstract>&lt;p&gt;Hello &lt;b&gt;all&lt;/b&gt;&lt;/p&gt;</abstract>
<persons><person id="7">Ada</person><person id="8">Béla</person></persons>
<links><link href="https://e.example/slides">Slides</link></links>
<attachments><attachment href="/a.pdf">Paper</attachment></attachments>
<recording><license>CC-BY</license><optout>true</optout></recording>
<url>https://e.example/101</url><feedback_url>https://e.example/101/rate</feedback_url></event>
<event id="102"><date>2026-11-25T00:30:00+01:00</date><start>00:30</start>
<duration>01:00</duration><title>Night show</title>
<persons><person id="8">Béla</person></persons></event>
</room>
<room name="Atrium">
<event id="103"><date>2026-11-24T10:00:00+01:00</date><start>10:00</start>
<duration>120:00</duration><title>Exhibition</title></event>
<event guid="plain-104" id="104"><date>2026-11-24T11:00:00+01:00</date><start>11:00</start>
<duration>00:20:30</duration><title>Lightning talk</title></event>
</room></day>
<day index="2" date="2026-11-25"><room name="Atrium">
<event id="105"><date>2026-11-25T05:30:00+01:00</date><start>05:30</start>
<duration>00:30</duration><title>Sunrise</title></event></room></day>
</schedule>"""
ROOMS = ["Zoo", "Atrium"]
DAY_1, DAY_2 = date(2026, 11, 24), date(2026, 11, 25)
DAYS = {
    "Opening": DAY_1, "Night show": DAY_1, "Exhibition": DAY_1, "Lightning talk": DAY_1,
    "Sunrise": DAY_2,
}  # fmt: skip
STREAM = ("Live stream", "https://live.example.org/r0#stream")


@pytest.fixture(scope="module")
def document():
    schedule, rooms, _ = import_feed(FEED.encode())
    return export_schedule(schedule, rooms, SITE, "frab-xml")


def by_title(talks):
    return {talk.title: talk for talk in talks}


class TestEventFahrplan:
    @pytest.fixture
    def talks(self, document):
        return by_title(eventfahrplan(document)[0])

    def test_durations_are_read_as_they_are_meant(self, talks):
        assert {title: talk.length for title, talk in talks.items()} == {
            "Opening": 30 * MINUTE,
            "Night show": 60 * MINUTE,
            "Exhibition": timedelta(days=5),
            "Lightning talk": 20 * MINUTE,
            "Sunrise": 30 * MINUTE,
        }

    def test_talks_are_on_the_days_of_the_pages(self, talks):
        assert {title: talk.day for title, talk in talks.items()} == DAYS

    def test_rooms_have_the_order_of_the_configuration_and_guids(self, document, talks):
        assert eventfahrplan(document)[1] == ROOMS
        assert talks["Opening"].room_guid == "11111111-1111-4111-8111-111111111111"
        assert talks["Exhibition"].room_guid != ""

    def test_talk_has_its_details(self, talks):
        talk = talks["Opening"]

        assert talk.id == "101"
        assert talk.guid == "00000000-0000-4000-8000-000000000001"
        assert talk.speakers == ("Ada", "Béla")
        assert talk.text == "<p>Hello <b>all</b></p>"
        assert talk.url == "https://e.example/101"
        assert talk.feedback_url == "https://e.example/101/rate"
        assert (talk.recording_license, talk.do_not_record) == ("CC-BY", True)
        assert {STREAM, ("Slides", "https://e.example/slides")} <= set(talk.links)

    def test_day_without_end_is_refused_by_the_app(self, document):
        with pytest.raises(RefusedError, match="no end"):
            eventfahrplan(document.replace(b" end=", b" closing="))


class TestGiggity:
    @pytest.fixture
    def talks(self, document):
        return by_title(giggity(document)[0])

    def test_durations_below_a_day_are_read_as_they_are_meant(self, talks):
        lengths = {title: talk.length / MINUTE for title, talk in talks.items()}

        del lengths["Exhibition"]  # Giggity cannot show a talk of several days.
        assert lengths == {"Opening": 30, "Night show": 60, "Lightning talk": 20, "Sunrise": 30}

    def test_talks_are_on_the_days_of_the_pages(self, talks):
        assert {title: talk.day for title, talk in talks.items()} == DAYS

    def test_rooms_have_the_order_of_the_configuration(self, document):
        assert giggity(document)[1] == ROOMS

    def test_talk_has_its_details(self, talks):
        talk = talks["Opening"]

        assert talk.start == datetime(2026, 11, 24, 9, tzinfo=UTC)
        assert talk.speakers == ("Ada", "Béla")
        assert talk.text == "<p>Hello <b>all</b></p>"
        assert {STREAM, ("Slides", "https://e.example/slides")} <= set(talk.links)

    def test_duration_with_hours_above_23_is_refused_by_the_app(self, document):
        with pytest.raises(RefusedError, match="120:00"):
            giggity(document.replace(b">5:00:00<", b">120:00<"))


class TestConfClerk:
    @pytest.fixture
    def talks(self, document):
        return by_title(confclerk(document))

    def test_each_talk_has_its_own_speakers(self, talks):
        assert {title: talk.speakers for title, talk in talks.items()} == {
            "Opening": ("Ada", "Béla"),
            "Night show": ("Béla",),
            "Exhibition": (),
            "Lightning talk": (),
            "Sunrise": (),
        }

    def test_speakers_without_ids_are_mixed_up_by_the_app(self, document):
        without_ids = document.replace(b'<person id="7">', b"<person>")
        without_ids = without_ids.replace(b'<person id="8">', b"<person>")

        assert by_title(confclerk(without_ids))["Night show"].speakers == ("Ada",)

    def test_durations_below_a_day_are_read_as_they_are_meant(self, talks):
        lengths = {title: talk.length / MINUTE for title, talk in talks.items()}

        del lengths["Exhibition"]  # ConfClerk cannot show a talk of several days.
        assert lengths == {"Opening": 30, "Night show": 60, "Lightning talk": 20, "Sunrise": 30}

    def test_talks_are_on_the_days_of_the_pages(self, talks):
        assert {title: talk.day for title, talk in talks.items()} == DAYS


@pytest.mark.slow
@pytest.mark.parametrize("row", real_feeds())
def test_apps_read_all_talks_of_exported_real_feeds(shared, row):
    data = (shared / "feeds" / "real" / row["file"]).read_bytes()
    schedule, rooms, _ = import_feed(data, zone_of(row))
    export = collect_export(schedule, rooms, SITE)
    document = export_schedule(schedule, rooms, SITE, "frab-xml")
    expected = {str(talk.number): talk for talk in export.talks}

    readers = {
        "EventFahrplan": eventfahrplan(document)[0],
        "Giggity": giggity(document)[0],
        "ConfClerk": confclerk(document),
    }

    for app, talks in readers.items():
        assert {talk.id for talk in talks} == set(expected), app
        for talk in talks:
            slot = expected[talk.id].slot
            assert talk.day == schedule_day(slot.start, export.zone), app
            assert talk.speakers == slot.speakers or app == "ConfClerk"
            if app != "ConfClerk":
                assert talk.start == slot.start
            if slot.end - slot.start < timedelta(days=1) or app == "EventFahrplan":
                assert talk.length == expected[talk.id].minutes * MINUTE, app
