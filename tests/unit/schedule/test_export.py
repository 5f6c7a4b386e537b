"""What goes out is what came in, in formats that others can read."""

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
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

SITE = ExportSite(title="Conf 2026", url="https://live.example.org")
BERLIN = ZoneInfo("Europe/Berlin")


def event(hour, title, **more):
    start = datetime(2026, 7, 4, hour, tzinfo=UTC)
    more = {"guid": f"00000000-0000-4000-8000-0000000000{hour:02}"} | more
    return Slot(start=start, end=start + timedelta(minutes=45), title=title, **more)


HALL = (
    event(0, "Not yet started", is_filler=True),
    event(8, "Keynote <1> & more", abstract="<p>About <b>it</b> &amp; more</p><p>Two</p>",
          speakers=("Ada", "Bo, Jr."), track="Main", language="de", subtitle="Sub",
          talk_type="talk", url="https://e.example/1", do_not_record=True),
    event(22, "Party", do_not_record=False, guid="party-7"),
)  # fmt: skip
LAB = (event(9, "Soldering"), event(8, "Keynote <1> & more", relayed_from="Hall", guid="other"))
SCHEDULE = Schedule(
    rooms={
        "hall": RoomSchedule(timezone=BERLIN, slots=HALL),
        "lab": RoomSchedule(timezone=BERLIN, slots=LAB),
        "gone": RoomSchedule(timezone=BERLIN, slots=LAB),
    }
)
ROOMS = {"hall": Room(id="hall", title="Hall"), "lab": Room(id="lab", title="Lab")}


def exported(form):
    return export_schedule(SCHEDULE, ROOMS, SITE, form)


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_an_export_imports_as_the_same_talks(form):
    feed = open_feed(exported(form))
    checked, _ = parse_and_validate(feed, select_parser(feed, load_parsers()))

    told = [(talk.rooms, talk.start, talk.end, talk.title, talk.track) for talk in checked.talks]
    assert told == [
        ((room,), talk.start, talk.end, talk.title, talk.track)
        for room, talk in (("Hall", HALL[1]), ("Lab", LAB[0]), ("Hall", HALL[2]))
    ]
    assert checked.skipped == ()
    if form == "ics":
        return
    keynote = checked.talks[0]
    for name in ("abstract", "speakers", "language", "subtitle", "talk_type", "url", "guid"):
        assert getattr(keynote, name) == getattr(HALL[1], name), name
    assert [talk.do_not_record for talk in checked.talks] == [True, None, False]


class TestXml:
    """The rules of the C3VOC's XML Schema, one by one."""

    @pytest.fixture
    def root(self):
        return etree.fromstring(exported("frab-xml"))

    def test_the_elements_of_a_schedule_come_in_their_order(self, root):
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

    def test_an_event_has_what_it_must_have_and_nothing_unknown(self, root):
        must = {"room", "title", "subtitle", "type", "date", "start", "duration", "abstract",
                "slug", "track"}  # fmt: skip
        may = {"logo", "persons", "language", "description", "recording", "links", "attachments",
               "video_download_url", "url"}  # fmt: skip
        for found in root.iter("event"):
            names = [child.tag for child in found]
            assert len(set(names)) == len(names)
            assert must <= set(names) <= must | may

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
    def test_its_values_have_the_form_they_must_have(self, root, path, pattern):
        found = root.findall(path)

        assert found
        assert [element.text for element in found if not re.fullmatch(pattern, element.text)] == []

    def test_guids_are_uuids_and_guids_ids_slugs_and_day_numbers_are_unique(self, root):
        guids = [found.get("guid") for found in root.iter("event")]
        assert all(
            re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", guid) for guid in guids
        )
        ids = [found.get("id") for found in root.iter("event")]
        slugs = [found.text for found in root.iter("slug")]
        days = [found.get("index") for found in root.iter("day")]
        for values in (guids, ids, slugs, days):
            assert len(set(values)) == len(values)

    def test_every_talk_links_to_its_room_s_page_and_stream(self, root):
        links = [link.get("href") for link in root.find(".//event/links")]

        assert links == ["https://live.example.org/hall#stream", "https://live.example.org/hall"]

    def test_an_empty_schedule_is_a_document_all_the_same(self):
        for form in EXPORT_FORMATS:
            assert export_schedule(Schedule(), {}, SITE, form)


def test_json_tells_the_days_and_rooms_as_the_schema_has_them():
    conference = json.loads(exported("json"))["schedule"]["conference"]

    assert [day["date"] for day in conference["days"]] == ["2026-07-04", "2026-07-05"]
    assert list(conference["days"][0]["rooms"]) == ["Hall", "Lab"]
    assert conference["daysCount"] == 2


class TestIcs:
    @pytest.fixture
    def calendar(self):
        return icalendar.Calendar.from_ical(exported("ics"))

    def test_its_times_are_in_a_zone_that_it_carries(self, calendar):
        [zone] = calendar.walk("VTIMEZONE")
        first = calendar.walk("VEVENT")[0]

        assert str(zone["TZID"]) == "Europe/Berlin"
        assert str(first["DTSTART"].params["TZID"]) == "Europe/Berlin"

    def test_a_talk_says_where_it_can_be_watched(self, calendar):
        first = calendar.walk("VEVENT")[0]

        assert str(first["DESCRIPTION"]) == (
            "Ada, Bo, Jr.\n\nAbout it & more\nTwo\n\nLive: https://live.example.org/hall"
        )
        assert str(first["UID"]) == HALL[1].guid


def test_the_same_schedule_gives_the_same_bytes():
    for form in EXPORT_FORMATS:
        assert exported(form) == exported(form)
