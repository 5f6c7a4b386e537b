"""Calendars and zone names that were reported for other programs, with the expected results."""

from zoneinfo import ZoneInfo

import pytest

from streaming_system.plugin import FeedError, open_feed
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

PARSERS = load_parsers()
BERLIN = ZoneInfo("Europe/Berlin")
OPENING = "Opening 24 09:00"

TALKS = {
    "ics_description_raw_newlines.ics": [OPENING],
    "ics_dtend_none.ics": [OPENING],
    "ics_fold_inside_character.ics": [
        "Begrüßung und ein langer Titel, der über die fünfundsiebzig Oktette hinausgeht – ja "
        "24 09:00"
    ],
    "ics_recurrence_moved.ics": [
        "Morning briefing 24 08:00",
        "Morning briefing (in the afternoon) 25 13:00",
        "Morning briefing 26 08:00",
    ],
    "ics_same_uid_higher_sequence.ics": [OPENING, "Panel (new time) 24 14:00"],
    "ics_two_vcalendars.ics": [OPENING, "Second day opener 24 10:00"],
    "ics_tzid_and_z.ics": ["Opening 24 08:00"],
    "ics_tzid_misspelt.ics": [OPENING],
    "ics_tzid_slash_no_vtimezone.ics": [OPENING],
    "ics_tzid_utc_text.ics": [OPENING],
    "ics_unscheduled.ics": [OPENING],
    "ics_utf8_bom_lf.ics": [OPENING],
    "ics_vtimezone_two_tzids.ics": [OPENING],
    "ics_weekly_no_end.ics": [OPENING],
    "ics_xwr_timezone_floating.ics": ["Opening 24 15:00"],
    "xml_zone_rails_name.xml": ["Talk 1 24 09:00"],
}
WARNINGS = {
    "ics_description_raw_newlines.ics": "not folded",
    "ics_tzid_and_z.ics": "end with Z, which means UTC",
    "ics_tzid_misspelt.ics": "'Europe/Berln' (TZID) is unknown",
}
LEFT_OUT = {
    "ics_dtend_none.ics": "No end: DTEND 'None' is no time",
    "ics_same_uid_higher_sequence.ics": "Panel: SEQUENCE 0 is older than 2",
    "ics_unscheduled.ics": "Not scheduled yet: no DTSTART",
    "ics_weekly_no_end.ics": "Stand-up: repeats for ever",
}
REFUSED = {"ics_method_cancel.ics": "cancelled", "ics_no_vevent.ics": "lists no talk at all"}


@pytest.fixture(scope="session")
def reports(shared):
    return shared / "reports" / "feeds"


def parse(path, zone=None):
    feed = open_feed(path.read_bytes(), path.name)
    return parse_and_validate(feed, select_parser(feed, PARSERS), zone)


@pytest.mark.parametrize("name", TALKS)
def test_report_has_the_expected_result(reports, name):
    # The only one without a usable zone.
    zone = BERLIN if name == "ics_tzid_misspelt.ics" else None

    validated, _ = parse(reports / name, zone)

    assert [f"{talk.title} {talk.start:%d %H:%M}" for talk in validated.talks] == TALKS[name]
    skipped = "; ".join(f"{entry.title}: {entry.detail}" for entry in validated.skipped)
    assert skipped == LEFT_OUT.get(name, "")
    if name in WARNINGS:
        assert len(validated.warnings) == 1
        assert WARNINGS[name] in validated.warnings[0]
    else:
        assert validated.warnings == ()


@pytest.mark.parametrize("name", REFUSED)
def test_report_without_a_talk_is_refused_with_the_reason(reports, name):
    with pytest.raises(FeedError, match=REFUSED[name]):
        parse(reports / name)


def test_misspelt_zone_is_named_without_a_configured_one(reports):
    with pytest.raises(FeedError, match="its time zone 'Europe/Berln' is unknown"):
        parse(reports / "ics_tzid_misspelt.ics")


@pytest.mark.parametrize("name", ["ics_tzid_utc_text.ics", "xml_zone_rails_name.xml"])
def test_pages_use_the_zone_of_the_feed(reports, name):
    _, context = parse(reports / name)

    assert context.feed_timezone == BERLIN
