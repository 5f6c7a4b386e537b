"""Exports in the formats of phone apps."""

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from lxml import etree

from streaming_system.config import Room
from streaming_system.schedule.export import EXPORT_FORMATS, export_schedule
from streaming_system.schedule.export_talks import ExportSite
from streaming_system.schedule.fillers import Filler, FillerType
from streaming_system.schedule.model import Link, RoomSchedule, Schedule, Slot

SITE = ExportSite(title="Conf 2026", url="https://live.example.org")
BERLIN = ZoneInfo("Europe/Berlin")
LAB_GUID = "11111111-1111-4111-8111-111111111111"


UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def slot(hour, title, **more):
    start = datetime(2026, 7, 4, hour, tzinfo=UTC)
    more = {"guid": f"00000000-0000-4000-8000-0000000000{hour:02}"} | more
    return Slot(start=start, end=start + timedelta(minutes=45), title=title, **more)


HALL = (
    slot(0, "Not yet started", filler=Filler(type=FillerType.BEFORE_DAY)),
    slot(8, "Keynote <1> & more", abstract="<p>About <b>it</b> &amp; more</p><p>Two</p>",
          speakers=("Ada", "Bo, Jr."), track="Main", language="de", subtitle="Sub",
          talk_type="talk", url="https://e.example/1", do_not_record=True,
          recording_license="CC-BY", feedback_url="https://e.example/1/feedback",
          links=(Link(url="https://e.example/slides", title="Slides"),),
          attachments=(Link(url="https://e.example/paper.pdf", title="Paper"),),
          changed_at=datetime(2026, 7, 1, 9, 30, tzinfo=UTC), revision=3),
    slot(22, "Party", do_not_record=False, guid="party-7"),
)  # fmt: skip
LAB = (slot(9, "Soldering"), slot(8, "Keynote <1> & more", relayed_from="Hall", guid="other"))
SCHEDULE = Schedule(
    rooms={
        "hall": RoomSchedule(timezone=BERLIN, slots=HALL),
        "lab": RoomSchedule(timezone=BERLIN, slots=LAB, guid=LAB_GUID),
        "gone": RoomSchedule(timezone=BERLIN, slots=LAB),
    }
)
ROOMS = {"hall": Room(id="hall", title="Hall"), "lab": Room(id="lab", title="Lab")}


def export(export_format):
    return export_schedule(SCHEDULE, ROOMS, SITE, export_format)


class TestXml:
    """The rules of the C3VOC's XML Schema."""

    @pytest.fixture
    def root(self):
        return etree.fromstring(export("frab-xml"))

    def test_elements_are_in_the_order_of_the_schema(self, root):
        assert [child.tag for child in root] == [
            "generator", "version", "conference", "day",
        ]  # fmt: skip
        conference = {child.tag: child.text for child in root.find("conference")}
        assert conference == {
            "acronym": "conf_2026",
            "title": "Conf 2026",
            "start": "2026-07-04",
            "end": "2026-07-04",
            "days": "1",
            "day_change": "05:00",
            "timeslot_duration": "00:05",
            "base_url": "https://live.example.org/",
            "time_zone_name": "Europe/Berlin",
        }

    def test_event_has_all_required_elements_and_no_unknown_ones(self, root):
        required = {
            "room", "title", "subtitle", "type", "date", "start", "duration", "abstract", "track",
        }  # fmt: skip
        optional = {
            "logo", "persons", "language", "description", "recording", "links", "attachments",
            "video_download_url", "url", "feedback_url", "origin_url", "slug",
        }  # fmt: skip
        own = {"end", "feed_guid"}
        for element in root.iter("event"):
            names = [child.tag for child in element]
            assert len(set(names)) == len(names)
            assert required <= set(names) <= required | optional | own

    @pytest.mark.parametrize(
        ("path", "pattern"),
        [
            (".//event/date", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"),
            (".//event/start", r"[0-2]\d:[0-5]\d"),
            (".//event/duration", r"\d{1,2}:\d\d(:\d\d)?"),
            (".//event/url", r"https?://.*"),
            (".//event/recording/optout", r"true|false"),
        ],
    )
    def test_values_have_the_formats_of_the_schema(self, root, path, pattern):
        elements = root.findall(path)

        assert elements
        assert [
            element.text for element in elements if not re.fullmatch(pattern, element.text)
        ] == []

    def test_guids_are_uuids_and_all_identifiers_are_unique(self, root):
        guids = [event.get("guid") for event in root.iter("event")]
        assert all(
            re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", guid) for guid in guids
        )
        ids = [event.get("id") for event in root.iter("event")]
        slugs = [slug.text for slug in root.iter("slug")]
        days = [day.get("index") for day in root.iter("day")]
        for values in (guids, ids, slugs, days):
            assert len(set(values)) == len(values)

    def test_talk_links_to_its_room_and_stream_and_those_of_the_feed(self, root):
        links = [(link.text, link.get("href")) for link in root.find(".//event/links")]

        assert links == [
            ("Live stream", "https://live.example.org/hall#stream"),
            ("The room's page", "https://live.example.org/hall"),
            ("Slides", "https://e.example/slides"),
        ]

    def test_talk_without_url_has_the_url_of_its_page(self, root):
        urls = [url.text for url in root.iter("url")]

        assert urls[0] == "https://e.example/1"
        assert urls[2] == f"https://live.example.org/talk/{LAB[0].guid}"

    def test_abstract_has_no_empty_description_beside_it(self, root):
        assert root.find(".//description") is None

    def test_empty_schedule_is_exported_as_a_document(self):
        for export_format in EXPORT_FORMATS:
            assert export_schedule(Schedule(), {}, SITE, export_format)


@pytest.mark.parametrize("export_format", EXPORT_FORMATS)
def test_empty_schedule_has_a_day_with_start_and_end(export_format):
    document = export_schedule(Schedule(), {}, SITE, export_format)

    if export_format == "frab-xml":
        [day] = etree.fromstring(document).iter("day")
        assert day.get("start") < day.get("end")
    elif export_format != "ics":
        [day] = json.loads(document)["schedule"]["conference"]["days"]
        assert day.get("day_start", day.get("start")) < day.get("day_end", day.get("end"))


def test_rooms_of_a_day_have_the_order_of_the_configuration():
    rooms = {name: ROOMS[name] for name in ("lab", "hall")}
    document = export_schedule(SCHEDULE, rooms, SITE, "json")

    conference = json.loads(document)["schedule"]["conference"]
    assert [list(day["rooms"]) for day in conference["days"]] == [["Lab", "Hall"]]
    assert [room["name"] for room in conference["rooms"]] == ["Lab", "Hall"]


def test_room_without_talks_on_the_first_day_keeps_its_place():
    # Apps list the rooms in the order in which they first occur.
    late = Slot(
        start=datetime(2026, 7, 5, 9, tzinfo=UTC),
        end=datetime(2026, 7, 5, 10, tzinfo=UTC),
        title="Late",
        guid="late",
    )
    schedule = Schedule(
        rooms={
            "hall": RoomSchedule(timezone=BERLIN, slots=(late,)),
            "lab": RoomSchedule(timezone=BERLIN, slots=LAB[:1]),
        }
    )

    root = etree.fromstring(export_schedule(schedule, ROOMS, SITE, "frab-xml"))

    assert [[room.get("name") for room in day] for day in root.iter("day")] == [
        ["Hall", "Lab"],
        ["Hall", "Lab"],
    ]


class TestJson:
    """The rules of the C3VOC's JSON Schemas."""

    @pytest.fixture
    def conference(self):
        return json.loads(export("json"))["schedule"]["conference"]

    def test_talks_after_midnight_are_on_the_day_before(self, conference):
        [day] = conference["days"]

        assert (day["date"], conference["daysCount"]) == ("2026-07-04", 1)
        assert day["day_start"] == "2026-07-04T05:00:00+02:00"
        assert day["day_end"] == "2026-07-05T05:00:00+02:00"
        assert [talk["title"] for talk in day["rooms"]["Hall"]] == ["Keynote <1> & more", "Party"]

    def test_rooms_have_guids(self, conference):
        guids = {room["name"]: room["guid"] for room in conference["rooms"]}

        assert guids["Lab"] == LAB_GUID
        assert UUID.fullmatch(guids["Hall"])

    def test_objects_have_no_keys_unknown_to_the_schema(self, conference):
        assert set(conference) <= {
            "acronym", "title", "start", "end", "daysCount", "timeslot_duration",
            "time_zone_name", "rooms", "days",
        }  # fmt: skip
        talks = [talk for room in conference["days"][0]["rooms"].values() for talk in room]
        for talk in talks:
            assert set(talk) - {"feedback_url"} == {
                "guid", "id", "date", "start", "end", "duration", "room", "slug", "url", "title",
                "subtitle", "track", "type", "language", "abstract", "do_not_record",
                "recording_license", "persons", "links", "attachments",
            }  # fmt: skip
            assert re.fullmatch(r"\d+:\d\d", talk["duration"])
            assert re.fullmatch(r"[a-z0-9_-]+[a-z0-9]", talk["slug"])
            assert UUID.fullmatch(talk["guid"])

    def test_feedback_licence_links_and_attachments_are_exported(self, conference):
        talk = conference["days"][0]["rooms"]["Hall"][0]

        assert talk["feedback_url"] == "https://e.example/1/feedback"
        assert talk["recording_license"] == "CC-BY"
        assert talk["links"][-1] == {"url": "https://e.example/slides", "title": "Slides"}
        assert talk["attachments"] == [{"url": "https://e.example/paper.pdf", "title": "Paper"}]


class TestHubJson:
    @pytest.fixture
    def schedule(self):
        return json.loads(export("hub-json"))["schedule"]

    def test_events_have_the_keys_of_the_schema_and_no_other(self, schedule):
        for event in schedule["events"]:
            assert set(event) == {
                "type", "guid", "start", "end", "room", "url", "slug", "title", "subtitle",
                "language", "track", "abstract", "description", "participants", "links",
                "attachments",
            }  # fmt: skip
            assert event["type"] in {"TALK", "OTHER"}
            assert event["room"]["guid"] in {
                room["guid"] for room in schedule["conference"]["rooms"]
            }

    def test_event_refers_to_its_room_by_slug(self, schedule):
        slugs = {room["slug"]: room["name"] for room in schedule["conference"]["rooms"]}

        assert slugs == {"hall": "Hall", "lab": "Lab"}
        assert [slugs[event["room"]["slug"]] for event in schedule["events"]] == [
            "Hall", "Lab", "Hall",
        ]  # fmt: skip

    def test_event_refers_to_its_track_by_slug(self, schedule):
        assert schedule["conference"]["tracks"] == [{"name": "Main", "slug": "main"}]
        assert schedule["events"][0]["track"] == {"slug": "main"}

    def test_tracks_with_similar_names_have_different_slugs(self):
        slots = tuple(slot(hour, "T", track=track) for hour, track in ((8, "C"), (9, "C++")))
        schedule = Schedule(rooms={"hall": RoomSchedule(timezone=BERLIN, slots=slots)})
        document = json.loads(export_schedule(schedule, ROOMS, SITE, "hub-json"))

        slugs = [track["slug"] for track in document["schedule"]["conference"]["tracks"]]
        assert len(set(slugs)) == 2
        assert all(re.fullmatch(r"[a-z0-9_-]+[a-z0-9]", slug) for slug in slugs)

    def test_feedback_form_is_a_link(self, schedule):
        assert {"type": "FEEDBACK", "url": "https://e.example/1/feedback"} in schedule["events"][0][
            "links"
        ]


class TestIcs:
    @pytest.fixture
    def calendar(self):
        return icalendar.Calendar.from_ical(export("ics"))

    def test_calendar_contains_the_time_zone_of_its_times(self, calendar):
        [zone] = calendar.walk("VTIMEZONE")
        first = calendar.walk("VEVENT")[0]

        assert str(zone["TZID"]) == "Europe/Berlin"
        assert str(first["DTSTART"].params["TZID"]) == "Europe/Berlin"

    def test_talk_description_contains_the_address_of_the_stream(self, calendar):
        first = calendar.walk("VEVENT")[0]

        assert str(first["DESCRIPTION"]) == (
            "Sub\n\nAda, Bo, Jr.\n\nAbout it & more\nTwo\n\nLive: https://live.example.org/hall"
        )
        assert str(first["UID"]) == HALL[1].guid

    def test_subtitle_language_and_recording_wish_are_kept(self, calendar):
        keynote, party = calendar.walk("VEVENT")[:2]

        assert keynote["SUMMARY"].params["LANGUAGE"] == "de"
        assert str(keynote["X-TALK-SUBTITLE"]) == "Sub"
        assert str(keynote["X-TALK-DO-NOT-RECORD"]) == "TRUE"
        assert str(party["X-TALK-DO-NOT-RECORD"]) == "FALSE"

    @pytest.mark.parametrize("language", ["German\\", "de, en", "Deutsch: formal"])
    def test_language_that_is_no_tag_does_not_cost_the_title(self, language):
        talk = slot(8, "Keynote", language=language)
        schedule = Schedule(rooms={"hall": RoomSchedule(timezone=BERLIN, slots=(talk,))})
        calendar = icalendar.Calendar.from_ical(export_schedule(schedule, ROOMS, SITE, "ics"))

        [event] = calendar.walk("VEVENT")
        assert event["SUMMARY"] == "Keynote"
        assert event["X-TALK-LANGUAGE"] == language

    def test_revision_and_time_of_the_last_change_are_those_of_the_import(self, calendar):
        keynote = calendar.walk("VEVENT")[0]

        assert keynote["SEQUENCE"] == 3
        assert keynote["DTSTAMP"].dt == keynote["LAST-MODIFIED"].dt == HALL[1].changed_at

    @pytest.mark.parametrize(
        ("minutes", "start", "end"),
        [
            # At 01:00 UTC, clocks in Berlin go back from 03:00 to 02:00.
            (-60, "DTSTART:20261025T000000Z", "DTEND:20261025T004500Z"),
            (0, "DTSTART:20261025T010000Z", "DTEND:20261025T014500Z"),
            (-30, "DTSTART:20261025T003000Z", "DTEND:20261025T011500Z"),
            (-90, "DTSTART:20261024T233000Z", "DTEND:20261025T001500Z"),
            (
                60,
                "DTSTART;TZID=Europe/Berlin:20261025T030000",
                "DTEND;TZID=Europe/Berlin:20261025T034500",
            ),
        ],
    )
    def test_times_are_in_utc_where_the_hour_comes_twice(self, minutes, start, end):
        begin = datetime(2026, 10, 25, 1, tzinfo=UTC) + timedelta(minutes=minutes)
        talk = Slot(start=begin, end=begin + timedelta(minutes=45), title="Night", guid="night")
        schedule = Schedule(rooms={"hall": RoomSchedule(timezone=BERLIN, slots=(talk,))})

        lines = export_schedule(schedule, ROOMS, SITE, "ics").decode().splitlines()

        assert start in lines
        assert end in lines

    def test_schedule_in_utc_needs_no_time_zone(self):
        schedule = Schedule(rooms={"hall": RoomSchedule(timezone=ZoneInfo("UTC"), slots=HALL)})

        lines = export_schedule(schedule, ROOMS, SITE, "ics").decode().splitlines()

        assert "DTSTART:20260704T080000Z" in lines
        assert "BEGIN:VTIMEZONE" not in lines


def test_export_is_deterministic():
    for export_format in EXPORT_FORMATS:
        assert export(export_format) == export(export_format)
