"""Exports in the formats of phone apps."""

import json
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from lxml import etree

from streaming_system.config import Room
from streaming_system.plugin import open_feed
from streaming_system.schedule.export import EXPORT_FORMATS, export_schedule
from streaming_system.schedule.export_talks import ExportSite
from streaming_system.schedule.fillers import Filler, FillerType
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

SITE = ExportSite(title="Conf 2026", url="https://live.example.org")
BERLIN = ZoneInfo("Europe/Berlin")


def slot(hour, title, **more):
    start = datetime(2026, 7, 4, hour, tzinfo=UTC)
    more = {"guid": f"00000000-0000-4000-8000-0000000000{hour:02}"} | more
    return Slot(start=start, end=start + timedelta(minutes=45), title=title, **more)


HALL = (
    slot(0, "Not yet started", filler=Filler(type=FillerType.BEFORE_DAY)),
    slot(8, "Keynote <1> & more", abstract="<p>About <b>it</b> &amp; more</p><p>Two</p>",
          speakers=("Ada", "Bo, Jr."), track="Main", language="de", subtitle="Sub",
          talk_type="talk", url="https://e.example/1", do_not_record=True),
    slot(22, "Party", do_not_record=False, guid="party-7"),
)  # fmt: skip
LAB = (slot(9, "Soldering"), slot(8, "Keynote <1> & more", relayed_from="Hall", guid="other"))
SCHEDULE = Schedule(
    rooms={
        "hall": RoomSchedule(timezone=BERLIN, slots=HALL),
        "lab": RoomSchedule(timezone=BERLIN, slots=LAB),
        "gone": RoomSchedule(timezone=BERLIN, slots=LAB),
    }
)
ROOMS = {"hall": Room(id="hall", title="Hall"), "lab": Room(id="lab", title="Lab")}


def export(export_format):
    return export_schedule(SCHEDULE, ROOMS, SITE, export_format)


@pytest.mark.parametrize("export_format", EXPORT_FORMATS)
def test_import_of_an_export_gives_the_same_talks(export_format):
    feed = open_feed(export(export_format))
    validated, _ = parse_and_validate(feed, select_parser(feed, load_parsers()))

    exported_talks = [
        (talk.rooms, talk.start, talk.end, talk.title, talk.track) for talk in validated.talks
    ]
    assert exported_talks == [
        ((room,), talk.start, talk.end, talk.title, talk.track)
        for room, talk in (("Hall", HALL[1]), ("Lab", LAB[0]), ("Hall", HALL[2]))
    ]
    assert validated.skipped == ()
    if export_format == "ics":
        return
    keynote = validated.talks[0]
    for name in ("abstract", "speakers", "language", "subtitle", "talk_type", "url", "guid"):
        assert getattr(keynote, name) == getattr(HALL[1], name), name
    assert [talk.do_not_record for talk in validated.talks] == [True, None, False]


class TestXml:
    """The rules of the C3VOC's XML Schema."""

    @pytest.fixture
    def root(self):
        return etree.fromstring(export("frab-xml"))

    def test_elements_are_in_the_order_of_the_schema(self, root):
        assert [child.tag for child in root] == [
            "generator", "version", "conference", "day", "day",
        ]  # fmt: skip
        conference = {child.tag: child.text for child in root.find("conference")}
        assert conference == {
            "acronym": "conf-2026",
            "title": "Conf 2026",
            "start": "2026-07-04",
            "end": "2026-07-05",
            "days": "2",
            "timeslot_duration": "00:05",
            "base_url": "https://live.example.org/",
            "time_zone_name": "Europe/Berlin",
        }

    def test_event_has_all_required_elements_and_no_unknown_ones(self, root):
        required = {
            "room", "title", "subtitle", "type", "date", "start", "duration", "abstract", "slug",
            "track",
        }  # fmt: skip
        optional = {
            "logo", "persons", "language", "description", "recording", "links", "attachments",
            "video_download_url", "url",
        }  # fmt: skip
        for element in root.iter("event"):
            names = [child.tag for child in element]
            assert len(set(names)) == len(names)
            assert required <= set(names) <= required | optional

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

    def test_talk_links_to_its_room_and_stream(self, root):
        links = [link.get("href") for link in root.find(".//event/links")]

        assert links == ["https://live.example.org/hall#stream", "https://live.example.org/hall"]

    def test_empty_schedule_is_exported_as_a_document(self):
        for export_format in EXPORT_FORMATS:
            assert export_schedule(Schedule(), {}, SITE, export_format)


def test_json_export_has_the_days_and_rooms_of_the_schema():
    conference = json.loads(export("json"))["schedule"]["conference"]

    assert [day["date"] for day in conference["days"]] == ["2026-07-04", "2026-07-05"]
    assert list(conference["days"][0]["rooms"]) == ["Hall", "Lab"]
    assert conference["daysCount"] == 2


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
            "Ada, Bo, Jr.\n\nAbout it & more\nTwo\n\nLive: https://live.example.org/hall"
        )
        assert str(first["UID"]) == HALL[1].guid


def test_export_is_deterministic():
    for export_format in EXPORT_FORMATS:
        assert export(export_format) == export(export_format)
