"""Identifiers of talks and people in exports."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from lxml import etree

from streaming_system.config import Room
from streaming_system.schedule.export import export_schedule
from streaming_system.schedule.export_talks import ExportSite
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot

SITE = ExportSite(title="Live", url="https://live.example.org")
NINE = datetime(2026, 11, 24, 9, tzinfo=UTC)


def talk(number, guid, **fields):
    start = NINE + timedelta(hours=number)
    end = start + timedelta(minutes=45)
    return Slot(start=start, end=end, title=f"Talk {number}", guid=guid, number=number, **fields)


TALKS = (
    talk(7, "1", speakers=("Ada", "Bo"), speaker_ids=(70, 12)),
    talk(3, "talk-1@example.org", speakers=("Bo",), speaker_ids=(12,)),
)


def export(export_format, *talks, site=SITE, conference="Conf 2026"):
    rooms = {"hall": Room(id="hall", title="Hall", conference=conference)}
    schedule = Schedule(rooms={"hall": RoomSchedule(timezone=ZoneInfo("UTC"), slots=talks)})
    return export_schedule(schedule, rooms, site, export_format)


def uids(**fields):
    calendar = icalendar.Calendar.from_ical(export("ics", *TALKS, **fields))
    return [str(event["UID"]) for event in calendar.walk("VEVENT")]


def test_ids_in_xml_are_the_numbers_of_talks_and_people():
    root = etree.fromstring(export("frab-xml", *TALKS))

    assert [
        (event.get("id"), [(person.get("id"), person.text) for person in event.iter("person")])
        for event in sorted(root.iter("event"), key=lambda event: event.findtext("title"))
    ] == [("3", [("12", "Bo")]), ("7", [("70", "Ada"), ("12", "Bo")])]


def test_ids_in_json_are_the_numbers_of_talks_and_people():
    [day] = json.loads(export("json", *TALKS))["schedule"]["conference"]["days"]

    assert {
        event["id"]: [(person["id"], person["public_name"]) for person in event["persons"]]
        for event in day["rooms"]["Hall"]
    } == {3: [(12, "Bo")], 7: [(70, "Ada"), (12, "Bo")]}


def test_uid_with_a_host_is_the_one_of_the_feed():
    assert uids()[1] == "talk-1@example.org"


@pytest.mark.parametrize(
    "other",
    [
        {"conference": "Conf 2027"},
        {"conference": "", "site": ExportSite(title="Live", url="https://a.example")},
        {"conference": "", "site": ExportSite(title="Live", url="https://b.example:8000/x")},
    ],
)
def test_guid_of_two_events_gives_two_uids(other):
    assert uids(**other)[0] != uids()[0]
    assert uids(**other)[0] != "1"


def test_uid_does_not_depend_on_language_and_host_of_a_site_with_an_event():
    other_site = ExportSite(title="Direkt", url="http://localhost:8000")

    assert uids(site=other_site) == uids()


def test_talks_of_a_file_without_numbers_get_stable_ones():
    talks = [
        Slot(start=NINE, end=NINE + timedelta(hours=1), title=guid, guid=guid, speakers=("Ada",))
        for guid in ("a", "b")
    ]

    ids = {}
    for order in (talks, talks[::-1]):
        root = etree.fromstring(export("frab-xml", *order))
        for event in root.iter("event"):
            key = (event.get("id"), event.find(".//person").get("id"))
            ids.setdefault(event.findtext("title"), set()).add(key)

    assert [len(keys) for keys in ids.values()] == [1, 1]
    assert len({key for keys in ids.values() for key in keys}) == 2
