"""Calendars: series, cancellations, time zones, and sloppy parts."""

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streaming_system.plugin import FeedError, open_feed
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

PARSERS = load_parsers()
BERLIN = ";TZID=Europe/Berlin:"


def event(uid="talk", start="20261124T100000", end="20261124T103000", zone=BERLIN, **properties):
    """Return the lines of an event; a property ``None`` removes its line."""
    lines = {
        "UID": uid,
        "DTSTART": start and zone + start,
        "DTEND": end and zone + end,
        "SUMMARY": uid.capitalize(),
        "LOCATION": "Hall",
    } | {name.replace("_", "-").upper(): value for name, value in properties.items()}
    body = [
        name + (value if value.startswith((":", ";")) else f":{value}")
        for name, value in lines.items()
        if value is not None
    ]
    return "\n".join(["BEGIN:VEVENT", *body, "END:VEVENT"])


def calendar(*parts, header=""):
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *header.split(), *parts, "END:VCALENDAR\n"])


def parse(document, zone=None):
    data = document if isinstance(document, bytes) else document.encode()
    feed = open_feed(data.replace(b"\n", b"\r\n"), "calendar.ics")
    selected = select_parser(feed, PARSERS)
    assert selected.parser.name == "icalendar"
    return parse_and_validate(feed, selected, zone)


def starts(document, zone=None):
    """Return the title and the start in UTC of each talk."""
    validated, _ = parse(document, zone)
    return [f"{talk.title} {talk.start:%d %H:%M}" for talk in validated.talks]


def skips(document):
    validated, _ = parse(document)
    return [(entry.reason, entry.title, entry.detail) for entry in validated.skipped]


def warnings(document, zone=None):
    return list(parse(document, zone)[0].warnings)


OTHER = event("other", "20261128T100000", "20261128T110000")
SERIES = event(rrule="FREQ=DAILY;COUNT=3")
DAILY = ["Talk 24 09:00", "Talk 25 09:00", "Talk 26 09:00"]


class TestSeries:
    @pytest.mark.parametrize(
        "identifier",
        [
            f"{BERLIN}20261125T100000",
            ":20261125T090000Z",
            ":20261125T100000",
            ";VALUE=DATE:20261125",
            ";TZID=W. Europe Standard Time:20261125T100000",
        ],
    )
    def test_moved_occurrence_replaces_its_original(self, identifier):
        moved = event(
            start="20261125T140000",
            end="20261125T143000",
            recurrence_id=identifier,
            summary="Later",
        )

        assert starts(calendar(SERIES, moved)) == ["Talk 24 09:00", "Later 25 13:00", DAILY[2]]
        assert starts(calendar(moved, SERIES)) == ["Talk 24 09:00", "Later 25 13:00", DAILY[2]]
        assert starts(calendar(moved) + calendar(SERIES)) == [DAILY[0], "Later 25 13:00", DAILY[2]]

    def test_guid_of_an_occurrence_stays_when_it_moves(self):
        moved = event(
            start="20261127T140000",
            end="20261127T143000",
            recurrence_id=":20261125T090000Z",
        )

        before, _ = parse(calendar(SERIES))
        after, _ = parse(calendar(SERIES, moved))

        assert {talk.guid for talk in after.talks} == {talk.guid for talk in before.talks}
        assert after.talks[-1].guid == before.talks[1].guid == "talk-20261125T1000"

    def test_occurrence_that_moves_before_the_series_is_found(self):
        moved = event(
            start="20261120T140000", end="20261120T150000", recurrence_id=":20261124T090000Z"
        )

        assert starts(calendar(SERIES, moved)) == ["Talk 20 13:00", *DAILY[1:]]

    def test_change_takes_over_what_it_does_not_mention(self):
        change = event(
            start="20261125T120000",
            end=None,
            summary=None,
            location=None,
            recurrence_id=":20261125T090000Z",
        )

        validated, _ = parse(calendar(SERIES, change))

        talk = validated.talks[1]
        assert (talk.title, talk.rooms) == ("Talk", ("Hall",))
        assert (talk.start.hour, talk.end.hour, talk.end.minute) == (11, 11, 30)

    def test_change_of_this_and_future_occurrences_shifts_them(self):
        change = event(
            start="20261125T120000",
            end="20261125T130000",
            summary="Later",
            recurrence_id=";RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261125T100000",
        )

        validated, _ = parse(calendar(SERIES, change))

        assert starts(calendar(SERIES, change)) == [DAILY[0], "Later 25 11:00", "Later 26 11:00"]
        assert [talk.guid for talk in validated.talks] == [
            talk.guid for talk in parse(calendar(SERIES))[0].talks
        ]

    def test_latest_revision_of_a_change_counts(self):
        first, second = (
            event(
                start=f"20261125T1{hour}0000",
                end=f"20261125T1{hour}3000",
                recurrence_id=":20261125T090000Z",
                sequence=str(sequence),
            )
            for hour, sequence in ((4, 2), (6, 1))
        )

        assert starts(calendar(SERIES, first, second)) == [DAILY[0], "Talk 25 13:00", DAILY[2]]
        assert skips(calendar(SERIES, first, second)) == [
            ("duplicate", "Talk", "an older revision of this occurrence")
        ]

    def test_change_of_an_older_revision_of_the_series_is_left_out(self):
        series = event(start="20261124T110000", rrule="FREQ=DAILY;COUNT=2", sequence="2",
                       end="20261124T113000")  # fmt: skip
        change = event(
            start="20261125T140000",
            end="20261125T143000",
            recurrence_id=":20261125T090000Z",
            sequence="1",
        )

        assert starts(calendar(series, change)) == ["Talk 24 10:00", "Talk 25 10:00"]

    def test_change_without_its_series_is_a_talk(self):
        assert starts(calendar(event(recurrence_id=":20261125T090000Z"))) == ["Talk 24 09:00"]

    @pytest.mark.parametrize(
        "dates",
        [":20261125T090000Z", f"{BERLIN}20261125T100000", ";VALUE=DATE:20261125",
         ";TZID=W. Europe Standard Time 1:20261125T100000"],
    )  # fmt: skip
    def test_excluded_dates_are_left_out(self, dates):
        document = calendar(event(rrule="FREQ=DAILY;COUNT=3", exdate=dates))

        assert starts(document) == [DAILY[0], DAILY[2]]

    def test_additional_dates_are_taken(self):
        dates = event(rdate=f"{BERLIN}20261126T100000,20261125T100000")
        periods = event(rdate=";VALUE=PERIOD:20261125T090000Z/PT3H")

        assert starts(calendar(dates)) == DAILY
        assert [talk.end.hour for talk in parse(calendar(periods))[0].talks] == [9, 12]

    @pytest.mark.parametrize("until", ["20261126", "20261126T100000", "20261126T090000Z"])
    def test_last_occurrence_is_that_of_the_end(self, until):
        assert starts(calendar(event(rrule=f"FREQ=DAILY;UNTIL={until}"))) == DAILY

    def test_local_end_is_in_the_zone_of_the_series(self):
        series = event(zone=";TZID=America/New_York:", rrule="FREQ=DAILY;UNTIL=20261125T100000")

        assert starts(calendar(series)) == ["Talk 24 15:00", "Talk 25 15:00"]

    def test_series_has_the_same_local_time_after_a_clock_change(self):
        series = event(start="20261020T100000", end="20261020T110000", rrule="FREQ=WEEKLY;COUNT=2")

        assert starts(calendar(series)) == ["Talk 20 08:00", "Talk 27 09:00"]

    @pytest.mark.parametrize(
        ("rule", "detail"),
        [
            ("FREQ=DAILY", "repeats for ever"),
            ("FREQ=DAILY;COUNT=1000000000", "repeats 1000000000 times"),
            ("FREQ=DAILY;UNTIL=99991231T000000Z", "repeats too often"),
            ("FREQ=MINUTELY;COUNT=3", "repeats minutely"),
            ("FREQ=DAILY;COUNT=3;BYHOUR=1,2,3", "repeats more than once a day"),
            ("FREQ=DAILY;COUNT=3;INTERVAL=0", "repeats without an interval"),
            ("every day", "repeats by no frequency"),
        ],
    )
    def test_unbounded_rule_costs_only_its_series(self, rule, detail):
        document = calendar(event(rrule=rule), OTHER)

        assert starts(document) == ["Other 28 09:00"]
        assert skips(document) == [("bad-value", "Talk", detail)]

    def test_rule_can_contain_spaces(self):
        series = event(rrule="FREQ=DAILY; COUNT=3; BYDAY=TU, WE, TH")

        assert starts(calendar(series)) == DAILY

    def test_only_the_first_year_of_a_series_is_taken(self):
        series = event(rrule="FREQ=YEARLY;COUNT=3")

        assert starts(calendar(series)) == ["Talk 24 09:00"]
        assert "event 1: repeats for more than a year: only the first one is taken" in warnings(
            calendar(series)
        )

    def test_rule_that_never_matches_takes_no_time(self):
        # dateutil searches up to the year 9999, which takes several seconds for each series.
        series = [
            event(f"talk{number}", rrule="FREQ=DAILY;COUNT=5;BYMONTH=2;BYMONTHDAY=30")
            for number in range(10)
        ]
        before = time.process_time()

        assert len(starts(calendar(*series))) == 10
        assert time.process_time() - before < 10

    def test_thousands_of_dates_cost_only_their_series(self):
        dates = ",".join(["20261125T090000Z"] * 2000)

        assert starts(calendar(event(rdate=dates), OTHER)) == ["Other 28 09:00"]


class TestRevisionsAndCancellations:
    def test_highest_sequence_counts(self):
        document = calendar(
            event(sequence="1", summary="New", start="20261124T150000", end="20261124T160000"),
            event(summary="Old"),
            OTHER,
        )

        assert starts(document) == ["New 24 14:00", "Other 28 09:00"]
        assert skips(document) == [("duplicate", "Old", "SEQUENCE 0 is older than 1")]

    @pytest.mark.parametrize("modified", [None, "20261002T080000Z"])
    def test_different_talks_with_one_uid_are_all_taken(self, modified):
        first = event(last_modified=modified and "20261001T080000Z")
        second = event(
            start="20261125T100000",
            end="20261125T103000",
            summary="Second",
            last_modified=modified,
        )

        assert starts(calendar(first, second)) == ["Talk 24 09:00", "Second 25 09:00"]

    def test_last_modified_revision_at_the_same_time_counts(self):
        new = event(summary="New", last_modified="20261002T080000Z")
        old = event(summary="Old", last_modified="20261001T080000Z")

        assert starts(calendar(new, old)) == ["New 24 09:00"]
        assert skips(calendar(new, old)) == [
            ("duplicate", "Old", "another revision was modified later")
        ]

    @pytest.mark.parametrize("status", ["CANCELLED", "cancelled", "CANCELED"])
    def test_cancelled_occurrence_is_left_out(self, status):
        cancellation = event(
            start=None,
            end=None,
            summary=None,
            recurrence_id=":20261125T090000Z",
            status=status,
        )

        assert starts(calendar(SERIES, cancellation)) == [DAILY[0], DAILY[2]]
        assert skips(calendar(SERIES, cancellation)) == [("cancelled", "Talk", "cancelled")]

    def test_cancelled_series_is_left_out_with_its_changes(self):
        change = event(recurrence_id=":20261125T090000Z", start="20261125T140000", summary="Later",
                       end="20261125T150000")  # fmt: skip
        cancelled = event(rrule="FREQ=DAILY;COUNT=3", status="CANCELLED", sequence="1")

        assert starts(calendar(cancelled, change, OTHER)) == ["Other 28 09:00"]

    def test_cancellation_can_be_revoked(self):
        document = calendar(event(status="CANCELLED"), event(sequence="1"))

        assert starts(document) == ["Talk 24 09:00"]

    @pytest.mark.parametrize("sequence", ["0", "1"])
    def test_calendar_with_the_method_cancel_cancels(self, sequence):
        cancel = calendar(event(sequence=sequence), header="METHOD:CANCEL")

        assert starts(calendar(event(), OTHER) + cancel) == ["Other 28 09:00"]
        with pytest.raises(FeedError, match="cancelled"):
            parse(cancel)

    def test_calendar_with_the_method_cancel_cancels_an_occurrence(self):
        cancel = calendar(
            event(start=None, end=None, recurrence_id=":20261125T090000Z"), header="METHOD:CANCEL"
        )

        assert starts(calendar(SERIES) + cancel) == [DAILY[0], DAILY[2]]

    def test_private_entries_are_left_out_by_name(self):
        document = calendar(
            event("a", **{"class": "PRIVATE"}),
            event("b", **{"class": "confidential"}),
            event("c", rrule="FREQ=DAILY;COUNT=3", **{"class": "PRIVATE"}),
            event("d", **{"class": "PUBLIC"}),
        )

        assert starts(document) == ["D 24 09:00"]
        assert [skip[:2] for skip in skips(document)] == [
            ("private", "A"),
            ("private", "B"),
            ("private", "C"),
        ]


class TestTimeZones:
    @pytest.mark.parametrize(
        ("name", "start"),
        [
            ("Europe/Berlin", "08:00"),
            ("/mozilla.org/20050126_1/Europe/Berlin", "08:00"),
            ("W. Europe Standard Time", "08:00"),
            ("W. Europe Standard Time 1", "08:00"),
            ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "08:00"),
            ('"(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna"', "08:00"),
            ("Berlin", "08:00"),
            ("Eastern Time (US & Canada)", "14:00"),
            ("UTC", "10:00"),
        ],
    )
    def test_zone_names_of_other_programs_are_known(self, name, start):
        document = calendar(event("t", "20260724T100000", "20260724T110000", f";TZID={name}:"))

        assert starts(document) == [f"T 24 {start}"]
        assert warnings(document) == []

    def test_unknown_zone_is_named(self):
        document = calendar(event(zone=";TZID=Europe/Berln:"))

        with pytest.raises(FeedError, match="'Europe/Berln' is unknown: correct it in the feed"):
            parse(document)
        assert starts(document, ZoneInfo("Europe/Berlin")) == ["Talk 24 09:00"]
        assert warnings(document, ZoneInfo("Europe/Berlin")) == [
            "the time zone 'Europe/Berln' (TZID) is unknown: its times are taken in Europe/Berlin"
        ]

    def test_unknown_zone_does_not_matter_for_a_time_in_utc(self):
        talk = event(start="20261124T100000Z", end="20261124T103000Z", zone=";TZID=Mars:")

        assert starts(calendar(talk)) == ["Talk 24 10:00"]
        assert warnings(calendar(talk)) == [
            "the time zone 'Mars' (TZID) is unknown: its times end with Z and are taken in UTC"
        ]

    def test_offset_has_no_summer_time_and_a_warning_says_so(self):
        document = calendar(event("t", "20260724T100000", "20260724T110000", ";TZID=UTC+01:00:"))

        assert starts(document) == ["T 24 09:00"]
        assert "'UTC+01:00' (TZID) has no rules" in warnings(document)[0]

    def test_zone_and_utc_contradict_each_other(self):
        document = calendar(event(start="20261124T100000Z", end="20261124T103000Z"))

        assert starts(document) == ["Talk 24 09:00"]
        assert warnings(document) == [
            "times in the zone 'Europe/Berlin' end with Z, which means UTC: taken as local times"
        ]
        assert warnings(document.replace("Europe/Berlin", "Etc/GMT")) == []

    RULES = """BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""

    @pytest.mark.parametrize("name", ["Customized Time Zone", "UTC+01:00", "(UTC+01:00) Here"])
    def test_zone_that_the_calendar_defines_is_known(self, name):
        talk = event("t", "20260724T100000", "20260724T110000", f";TZID={name}:")
        rules = self.RULES.format(name=name)

        assert starts(calendar(rules, talk)) == ["T 24 08:00"]
        assert starts(calendar(talk, rules)) == ["T 24 08:00"]
        assert warnings(calendar(rules, talk)) == []

    def test_zone_of_one_calendar_is_unknown_in_another(self):
        talk = event(zone=";TZID=Mine:")
        first = calendar(self.RULES.format(name="Mine"), talk)

        assert starts(first) == ["Talk 24 09:00"]
        with pytest.raises(FeedError, match="'Mine' is unknown"):
            parse(calendar(talk))

    def test_second_name_of_a_zone_is_known_too(self):
        rules = self.RULES.format(name="Mine\nTZID:Yours")

        assert starts(calendar(rules, event(zone=";TZID=Yours:"))) == ["Talk 24 09:00"]

    def test_definition_that_contradicts_the_zone_database_is_a_warning(self):
        rules = self.RULES.format(name="Asia/Tokyo")
        document = calendar(rules, event(zone=";TZID=Asia/Tokyo:"))

        assert starts(document) == ["Talk 24 01:00"]
        assert "defines 'Asia/Tokyo' as UTC+01:00" in warnings(document)[0]

    def test_definition_that_would_take_too_long_is_ignored(self):
        rules = self.RULES.format(name="Mine").replace("FREQ=YEARLY", "FREQ=SECONDLY")

        assert starts(calendar(rules, event(zone=";TZID=Mine:"), OTHER)) == ["Other 28 09:00"]

    def test_zone_of_each_calendar_is_for_its_own_times(self):
        tokyo = calendar(event("a", zone=":"), header="X-WR-TIMEZONE:Asia/Tokyo")
        berlin = calendar(event("b", zone=":"), header="X-WR-TIMEZONE:Berlin")

        assert starts(tokyo + berlin) == ["A 24 01:00", "B 24 09:00"]

    def test_pages_use_the_zone_of_the_times(self):
        _, context = parse(calendar(event(), event("u", zone=";TZID=Asia/Tokyo:"), OTHER))

        assert context.feed_timezone == ZoneInfo("Europe/Berlin")


class TestSloppyParts:
    @pytest.mark.parametrize(
        "document",
        [
            calendar("BEGIN:VFREEBUSY", "FREEBUSY:nonsense", "DTSTART:x", "END:VFREEBUSY", event()),
            calendar("BEGIN:VTODO", "UID:x", "DUE:never", "END:VTODO", event()),
            calendar("X-WR-CALNAME:", "X-ANYTHING;A=B:\\;\\", event(x_note="a:b;c")),
            calendar(event(rdate=":", description="")),
            calendar(event(attendee=";CN=x:guest", geo=":here", dtstamp=":x", created=":y")),
            calendar(event()).replace("\n", "\r\r\n"),
            calendar(event()).replace("\n", "\r"),
            calendar(event()).replace("BEGIN", "begin").replace("VEVENT", "vevent"),
            calendar(event()).replace("SUMMARY:Talk", "SUMMARY:Ta\n lk"),
            calendar(event()).replace("SUMMARY:Talk", "SUMMARY:Ta\n\tlk"),
        ],
    )
    def test_part_that_nothing_depends_on_is_ignored(self, document):
        assert starts(document) == ["Talk 24 09:00"]

    @pytest.mark.parametrize(
        ("document", "warning"),
        [
            ("PHP Notice: x\n" + calendar(event()), "line 1 is no property of a calendar"),
            (calendar("=====", event()), "line 3 is no property of a calendar"),
            (calendar(event()) + "<!-- 0.2 s -->\n", "line 11 is no property of a calendar"),
            (calendar("END:VTIMEZONE", event()), "line 3 is no property of a calendar"),
            (
                calendar(event(status="CONFIRMED\nBEGIN:VALARM\nTRIGGER:x")),
                "line 10: VALARM has no END",
            ),
            (
                "BEGIN:VCALENDAR\nVERSION:2.0\n" + calendar(event()),
                "line 1: VCALENDAR has no END",
            ),
            (calendar(event(dtstart=f"{BERLIN}20261124T100000\nDTSTART:20261124T080000Z")),
             "event 1: DTSTART occurs twice: the first one is taken"),
            (calendar(event(duration="PT3H")), "event 1: has DTEND and DURATION: DTEND is taken"),
            (calendar(event()).replace("END:VEVENT", "END:VEVETN"), "'END:VEVETN'"),
            (calendar(event()).replace("END:VCALENDAR", "END:VCALENDARD"), "'END:VCALENDARD'"),
            (calendar(event(rdate=":20261124T090000Z", exrule="FREQ=DAILY;COUNT=2")),
             "event 1: EXRULE has no effect: use EXDATE"),
            (calendar(event(sequence="two")), "event 1: SEQUENCE 'two' has an invalid value"),
        ],
    )  # fmt: skip
    def test_sloppy_part_costs_only_itself_and_is_named(self, document, warning):
        assert starts(document) == ["Talk 24 09:00"]
        assert [line for line in warnings(document) if warning in line]

    def test_two_calendars_in_one_feed_are_read(self):
        assert starts(calendar(event()) + calendar(OTHER)) == ["Talk 24 09:00", "Other 28 09:00"]

    def test_fold_can_be_inside_a_character(self):
        data = calendar(event(summary="Größe")).encode().replace("ö".encode(), b"\xc3\n \xb6")

        assert starts(data) == ["Größe 24 09:00"]
        assert warnings(data) == []

    def test_byte_of_another_encoding_costs_only_its_line(self):
        data = calendar(event(summary="Café"), OTHER).encode().replace("é".encode(), b"\xe9")

        first, second = starts(data)
        assert first.startswith("Caf")
        assert second == "Other 28 09:00"

    def test_description_that_is_not_folded_is_complete(self):
        description = "Dear all,\nplease come early.\nSpeaker: Ada\nhttps://e.example/"
        document = calendar(event(description=description))

        [talk] = parse(document)[0].talks
        assert talk.abstract == f"<p>{description}</p>".replace("\n", "<br>")
        assert "lines 10, 11, 12 are not folded" in warnings(document)[0]

    @pytest.mark.parametrize("document", [calendar(), calendar("BEGIN:VTODO", "END:VTODO")])
    def test_empty_calendar_lists_no_talk(self, document):
        with pytest.raises(FeedError, match="lists no talk"):
            parse(document)

    @pytest.mark.parametrize(
        "document",
        [
            calendar(event()).removesuffix("END:VCALENDAR\n"),
            calendar(event()).partition("END:VEVENT")[0],
            calendar(event().removesuffix("END:VEVENT"), event("b")),
            calendar(event().removeprefix("BEGIN:VEVENT\n"), event("b")),
            "BEGIN:VCALENDAR\n" + "BEGIN:X-A\n" * 1000,
        ],
    )
    def test_incomplete_calendar_is_refused(self, document):
        with pytest.raises(FeedError, match=r"^not valid iCalendar: [^\n]*line \d+"):
            parse(document)


class TestTimes:
    @pytest.mark.parametrize(
        ("changes", "skip"),
        [
            ({"dtend": "None"}, ("bad-value", "DTEND 'None' is no time")),
            ({"dtstart": "tomorrow"}, ("bad-value", "DTSTART 'tomorrow' is no time")),
            ({"dtstart": "PT1H"}, ("bad-value", "DTSTART 'PT1H' is no time")),
            ({"dtend": None, "duration": "1 hour"},
             ("bad-value", "DURATION '1 hour' is no duration")),
            ({"dtend": None, "duration": "-PT1H"}, ("ends-before-start", "ends-before-start")),
            ({"dtend": None}, ("no-time", "neither DTEND nor DURATION")),
            ({"dtstart": None}, ("no-time", "no DTSTART")),
            ({"dtstart": ";VALUE=DATE:20261124"}, ("all-day", "all-day")),
            ({"dtstart": ";VALUE=DATE:20261124", "rrule": "FREQ=DAILY;COUNT=2"},
             ("all-day", "all-day")),
            ({"dtstart": "20261124"}, ("all-day", "all-day")),
        ],
    )  # fmt: skip
    def test_talk_without_a_usable_time_is_left_out_in_our_words(self, changes, skip):
        document = calendar(event(**changes), OTHER)

        assert starts(document) == ["Other 28 09:00"]
        assert skips(document) == [(skip[0], "Talk", skip[1])]

    @pytest.mark.parametrize(
        ("duration", "end"), [("PT45M", "24 09:45"), ("P1DT2H", "25 11:00"), ("P1W", "01 09:00")]
    )
    def test_duration_replaces_the_end(self, duration, end):
        [talk] = parse(calendar(event(end=None, duration=duration)))[0].talks

        assert f"{talk.end:%d %H:%M}" == end

    def test_times_with_offsets_are_read(self):
        document = calendar(
            event(zone="", start=":2026-11-24T10:00:00+01:00", end=":20261124T103000+0100")
        )

        assert starts(document) == ["Talk 24 09:00"]

    @pytest.mark.parametrize(
        ("start", "end", "expected"),
        [
            # 02:30 happens twice: the end is the first one after the start.
            ("20261025T013000", "20261025T023000", ("24 23:30", "25 00:30")),
            ("20261025T023000", "20261025T021500", ("25 00:30", "25 01:15")),
            ("20261025T023000", "20261025T033000", ("25 00:30", "25 02:30")),
            # 02:30 does not exist.
            ("20260329T023000", "20260329T040000", ("29 01:30", "29 02:00")),
        ],
    )
    def test_clock_changes(self, start, end, expected):
        [talk] = parse(calendar(event(start=start, end=end)))[0].talks

        assert (f"{talk.start:%d %H:%M}", f"{talk.end:%d %H:%M}") == expected

    def test_duration_over_a_clock_change_is_exact(self):
        [talk] = parse(calendar(event(start="20261025T013000", end=None, duration="PT3H")))[0].talks

        assert talk.end == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
