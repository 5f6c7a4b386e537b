"""Inputs of public bug reports: what one odd part of a feed costs, and what durations mean."""

import json
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from streaming_system.plugin import FeedError, open_feed
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

PARSERS = load_parsers()
BERLIN = ZoneInfo("Europe/Berlin")

XML = (
    '<?xml version="1.0" encoding="utf-8"?>\n<schedule><conference><title>C</title>'
    "<time_zone_name>Europe/Berlin</time_zone_name></conference>{days}</schedule>"
)


def parse(document, columns=None, format_=""):
    """Parse bytes, text or JSON; return the validated talks."""
    if isinstance(document, dict | list):
        document = json.dumps(document)
    data = document if isinstance(document, bytes) else document.encode()
    feed = open_feed(data, "https://e.example/feed")
    selected = select_parser(feed, PARSERS, format_)
    return parse_and_validate(feed, selected, BERLIN, columns)[0]


def xml(*events, attributes='date="2026-11-24"'):
    room = f'<room name="Hall">{"".join(events)}</room>'
    return XML.format(days=f"<day {attributes}>{room}</day>")


def xml_event(number=1, hour=10, **fields):
    fields = {
        "date": f"2026-11-24T{hour:02}:00:00+01:00",
        "start": f"{hour:02}:00",
        "duration": "00:30",
        "room": "Hall",
        "title": f"Talk {number}",
        **fields,
    }
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f'<event guid="g{number}">{inner}</event>'


def json_feed(*days, **more):
    conference = {"title": "C", "time_zone_name": "Europe/Berlin", "days": list(days)}
    return {"schedule": {"conference": conference}, **more}


def json_day(*events, **fields):
    return {"date": "2026-11-24", "rooms": {"Hall": list(events)}, **fields}


def json_event(number=1, hour=10, **fields):
    return {
        "guid": f"g{number}",
        "date": f"2026-11-24T{hour:02}:00:00+01:00",
        "start": f"{hour:02}:00",
        "duration": "00:30",
        "room": "Hall",
        "title": f"Talk {number}",
        **fields,
    }


def titles(validated):
    return [talk.title for talk in validated.talks]


def minutes(validated):
    return [(talk.end - talk.start) / timedelta(minutes=1) for talk in validated.talks]


class TestSharedReports:
    """The files of the reports, with the results that their users expect."""

    @pytest.fixture
    def report(self, shared):
        def report(name, **options):
            return parse((shared / "reports" / "feeds" / name).read_bytes(), **options)

        return report

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("json_bom_utf16le.json", ["Talk 1"]),
            ("json_empty_day_rooms_list.json", ["Talk 1"]),
            ("json_title_number.json", ["1984", "Talk 2"]),
            ("json_room_guid_null.json", ["Talk 1"]),
            ("pretalx_api_schedule_slots.json", ["Opening", "Coffee break"]),
            ("emf_2026_occurrences.json", ["Opening", "Opening"]),
            ("xml_date_only_date.xml", ["Talk 1"]),
            ("xml_day_no_offset.xml", ["Talk 1"]),
            ("xml_mixed_offsets.xml", ["Talk 1", "Talk 2"]),
            ("xml_duration_absurd.xml", ["Talk 2"]),
            ("xml_duration_float.xml", ["Talk 2"]),
            ("xml_nbsp_entity.xml", ["Talk 1"]),
            ("ics_one_latin1_byte.ics", ["Opening", "Café"]),
        ],
    )
    def test_talks_of_a_report_are_read(self, report, name, expected):
        assert titles(report(name)) == expected

    @pytest.mark.parametrize("name", ["xml_no_days.xml", "xml_only_empty_days.xml"])
    def test_empty_schedule_lists_no_talk(self, report, name):
        with pytest.raises(FeedError, match=r"^the feed lists no talk at all$"):
            report(name)

    def test_room_can_be_a_number(self, report):
        assert report("json_room_number.json").talks[0].rooms == ("5",)

    def test_fold_inside_a_character_loses_nothing(self, report):
        [talk] = report("ics_fold_inside_character.ics").talks

        assert talk.title.startswith("Begrüßung und ein langer Titel")
        assert talk.title.endswith("hinausgeht – ja")

    def test_entities_of_a_calendar_are_resolved(self, report):
        [talk] = report("ics_html_entities.ics").talks

        assert (talk.title, talk.rooms) == ("Q&A with l'équipe", ("R&D room",))
        assert "<p>Second paragraph</p>" in talk.abstract

    def test_days_come_first_in_long_durations_of_emf(self, report):
        validated = report("xml_days_first_zero_minutes.xml")

        assert minutes(validated) == [30, 54 * 60]
        assert "taken as days first" in validated.warnings[0]

    def test_equal_abstract_and_description_appear_once(self, report):
        [talk] = report("json_abstract_equals_description.json").talks

        assert talk.abstract.count("The same text.") == 1

    def test_markup_below_an_abstract_is_its_content(self, report):
        [talk] = report("xml_abstract_nested_markup.xml").talks

        assert talk.abstract == "<p>Nested <b>paragraph</b> text.</p><p>Two.</p>"

    def test_room_of_the_list_is_taken_with_a_warning(self, report):
        validated = report("xml_room_slug_vs_name.xml")

        assert validated.talks[0].rooms == ("Hall A",)
        assert "another room ('halla')" in validated.warnings[0]

    def test_table_with_semicolons_is_read(self, report):
        columns = {"room": "Raum", "title": "Titel", "date": "Datum", "start": "Von",
                   "end": "Bis", "date-format": "%d.%m.%Y"}  # fmt: skip

        [talk] = report("csv_semicolon_utf8.csv", columns=columns, format_="csv").talks

        assert (talk.rooms, talk.title) == (("Großer Saal",), "Begrüßung")


class TestEncodings:
    CSV = "Title,Room,Start,End\n{},Hall,2026-11-24T10:00+01:00,2026-11-24T10:30+01:00\n"
    ICS = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20261124T090000Z\r\n"
        "DTEND:20261124T093000Z\r\nSUMMARY:{}\r\nLOCATION:Hall\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )

    @pytest.fixture(params=["csv", "ics", "json", "xml"])
    def document(self, request):
        """Return a function that returns a feed with a title, in one of the formats."""
        texts = {
            "csv": self.CSV.format,
            "ics": self.ICS.format,
            "json": lambda title: json.dumps(
                json_feed(json_day(json_event(title=title))), ensure_ascii=False
            ),
            "xml": lambda title: xml(xml_event(title=title)).partition("\n")[2],
        }
        return texts[request.param]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    def test_unicode_is_read_with_and_without_mark(self, document, encoding):
        validated = parse(document("Größe 🎉").encode(encoding))

        assert titles(validated) == ["Größe 🎉"]
        assert validated.warnings == ()

    def test_incomplete_character_at_the_end_costs_nothing(self, document):
        assert titles(parse(document("Größe").encode("utf-16") + b"\n")) == ["Größe"]

    @pytest.mark.parametrize(
        ("title", "encoding"),
        [("Café – „Größe“", "windows-1252"), ("Открытие конференции", "windows-1251")],
    )
    def test_other_encoding_is_detected_with_a_warning(self, document, title, encoding):
        validated = parse(document(title).encode(encoding))

        assert titles(validated) == [title]
        assert validated.warnings[0].endswith(f"read as {encoding}")
        assert "line " in validated.warnings[0]

    def test_bad_byte_in_utf8_costs_one_character(self, document):
        data = document("Größe und Übung BAD").encode().replace(b"BAD", b"x\xe2\x82y\xff")

        validated = parse(data)

        [title] = titles(validated)
        assert title.startswith("Größe und Übung x\ufffdy")
        assert len(title) == len("Größe und Übung x?y?")
        places = [warning for warning in validated.warnings if "a byte is not UTF-8" in warning]
        assert len(places) == 2
        assert all(place.startswith("line ") for place in places)

    @pytest.mark.parametrize(
        ("declared", "encoding"),
        [("ISO-8859-15", "iso8859-15"), ("windows-1252", "cp1252"), ("Shift_JIS", "shift_jis")],
    )
    def test_declared_encoding_is_used_without_a_warning(self, declared, encoding):
        title = "会場" if encoding == "shift_jis" else "Größe €"
        document = xml(xml_event(title=title)).replace("utf-8", declared)

        validated = parse(document.encode(encoding))

        assert (titles(validated), validated.warnings) == ([title], ())

    def test_wrong_declaration_is_a_warning(self):
        validated = parse(xml(xml_event(title="Größe")).replace("utf-8", "ISO-8859-1"))

        assert titles(validated) == ["Größe"]
        assert validated.warnings == (
            "the feed declares the encoding cp1252, but is UTF-8: read as UTF-8",
        )

    def test_control_character_costs_only_itself(self, document):
        validated = parse(document("aXb").encode().replace(b"aXb", b"a\x08b"))

        assert titles(validated) == ["a b"]
        assert "a control character" in validated.warnings[0]

    def test_many_bad_bytes_are_summarised(self):
        bad = b"\xff\xfea" * 40

        validated = parse(self.CSV.format("ü" * 200 + "BAD").encode().replace(b"BAD", bad))

        assert len(validated.warnings) == 11
        assert validated.warnings[-1] == "30 more characters were replaced"

    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_separator_of_a_table_is_detected(self, separator):
        document = self.CSV.format("Talk").replace(",", separator)

        assert titles(parse(document)) == ["Talk"]
        assert titles(parse(f"sep={separator}\n{document}")) == ["Talk"]

    def test_row_with_a_broken_quote_costs_only_itself(self):
        rows = self.CSV.format('"A, B"') + '"C,Hall,2026-11-24T11:00Z,2026-11-24T11:30Z\n'

        validated = parse(rows + "D,Hall,2026-11-24T12:00Z,2026-11-24T12:30Z\n")

        assert titles(validated) == ["A, B", "D"]
        assert [(entry.location, entry.detail) for entry in validated.skipped] == [
            ("line 3", "the quotation marks do not match")
        ]


class TestDurations:
    @pytest.mark.parametrize(
        ("durations", "expected", "warning"),
        [
            # Always three parts, and some can only be hours.
            (["00:45:00", "01:00:00", "02:00:00"], [45, 60, 120], ""),
            # Whole hours only; days would cover the next talks.
            (["01:00:00", "01:00:00", "02:00:00"], [60, 60, 120], ""),
            # Two parts below a day, so the third is for days.
            (["1:30", "0:45", "1:12:00"], [90, 45, 36 * 60], "days first"),
            # Two parts for most, and talks that follow each other.
            (["1:00:00", "1:00:00", "0:45"], [60, 60, 45], "hours first"),
            # Seconds would be shorter than any talk.
            (["0:00:45", "0:01:00", "0:01:30"], [45, 60, 90], "days first"),
            # No program writes zero days if it also writes two parts.
            (["1:30", "0:20:30"], [90, 20.5], "hours first"),
        ],
    )
    @pytest.mark.parametrize("format_", ["xml", "json"])
    def test_whole_feed_decides(self, format_, durations, expected, warning):
        make = xml_event if format_ == "xml" else json_event
        events = [make(number, 10 + number, duration=d) for number, d in enumerate(durations)]

        validated = parse(xml(*events) if format_ == "xml" else json_feed(json_day(*events)))

        assert minutes(validated) == expected
        messages = [text for text in validated.warnings if "three parts" in text]
        assert bool(messages) == bool(warning)
        assert all(f"taken as {warning}" in text for text in messages)

    def test_end_of_the_event_limits_days(self):
        bounds = 'date="2026-11-24" start="2026-11-24T08:00+01:00" end="2026-11-24T20:00+01:00"'
        events = [xml_event(1, 10, duration="1:30"), xml_event(2, 12, duration="3:00:00")]

        validated = parse(xml(*events, attributes=bounds))

        assert minutes(validated) == [90, 180]
        assert "taken as hours first" in validated.warnings[0]

    def test_pretalx_writes_days_first(self):
        feed = json_feed(json_day(json_event(duration="1:02:00")), generator={"name": "pretalx"})

        assert minutes(parse(feed)) == [26 * 60]

    def test_end_overrides_a_duration_that_disagrees(self):
        validated = parse(json_feed(json_day(json_event(end="2026-11-24T12:00:00+01:00"))))

        assert minutes(validated) == [120]
        assert "an end that disagrees with their duration" in validated.warnings[0]

    def test_duration_replaces_an_end_that_cannot_be_read(self):
        validated = parse(json_feed(json_day(json_event(end="noon"))))

        assert minutes(validated) == [30]
        assert validated.warnings == ("1 ends cannot be read; the duration is taken",)


class TestTexts:
    def test_markup_in_names_loses_no_words(self):
        event = xml_event(
            title="The <i>art</i> of <b>vi<u>de</u>o</b>",
            persons="<person>Ada <b>E</b></person>",
            track="<em>Main</em> track",
        )

        [talk] = parse(xml(event)).talks

        assert (talk.title, talk.speakers, talk.track) == (
            "The art of video",
            ("Ada E",),
            "Main track",
        )

    def test_entities_and_inline_tags_are_resolved_in_names(self):
        event = json_event(
            title="Q&amp;A &#8211; <i>l&#39;été</i>",
            subtitle="AT&T &copy2",
            persons=[{"name": "Ada &amp; Bo"}],
            room="R&amp;D",
        )
        day = {"date": "2026-11-24", "rooms": {"R&amp;D": [event]}}

        [talk] = parse(json_feed(day)).talks

        assert (talk.title, talk.subtitle) == ("Q&A – l'été", "AT&T &copy2")
        assert (talk.rooms, talk.speakers) == (("R&D",), ("Ada & Bo",))

    def test_lone_tag_in_a_title_is_text(self):
        assert titles(parse(json_feed(json_day(json_event(title="Why <b> is bad"))))) == [
            "Why <b> is bad"
        ]

    def test_markdown_beside_html_is_rendered(self):
        event = json_event(abstract="**Bold**", description="<p>One</p>\n\nTwo *words*")

        [talk] = parse(json_feed(json_day(event))).talks

        assert "<strong>Bold</strong>" in talk.abstract
        assert "<p>One</p>" in talk.abstract
        assert "<em>words</em>" in talk.abstract

    def test_numbers_are_texts_and_texts_are_numbers(self):
        event = json_event(
            title=1984, subtitle=5, duration=45.0, track=7, persons=[{"name": 5}, 6, None]
        )

        [talk] = parse(json_feed(json_day(event))).talks

        assert (talk.title, talk.subtitle, talk.track) == ("1984", "5", "7")
        assert (talk.speakers, talk.end - talk.start) == (("5", "6"), timedelta(minutes=45))

    def test_bare_ampersand_in_xml_costs_nothing(self):
        validated = parse(xml(xml_event(title="R&D &nbsp;&eacute;t&eacute; &foo; <![CDATA[&b]]>")))

        assert titles(validated) == ["R&D été &foo; &b"]
        assert "bare ampersands" in validated.warnings[0]


class TestOddValues:
    @pytest.mark.parametrize(
        "odd", [None, [], {}, {"index": 2}, {"rooms": []}, {"rooms": None}, {"rooms": {"Hall": []}}]
    )
    def test_empty_day_is_an_empty_day(self, odd):
        validated = parse(json_feed(json_day(json_event()), odd))

        assert (titles(validated), validated.skipped) == (["Talk 1"], ())

    @pytest.mark.parametrize("odd", ["Monday", 5, {"rooms": "Hall"}, {"rooms": {"Hall": ["x"]}}])
    def test_odd_day_is_reported_and_costs_only_itself(self, odd):
        validated = parse(json_feed(json_day(json_event()), odd))

        assert titles(validated) == ["Talk 1"]
        assert [entry.location.split(",")[0] for entry in validated.skipped] == ["day 2"]
        assert "instead of an object" in validated.skipped[0].detail

    def test_list_that_php_wrote_as_an_object_is_read(self):
        day = {"date": "2026-11-24", "rooms": {"Hall": {"0": json_event(), "2": json_event(2, 11)}}}

        assert titles(parse(json_feed(day))) == ["Talk 1", "Talk 2"]

    def test_days_can_have_their_dates_as_keys(self):
        feed = json_feed()
        feed["schedule"]["conference"]["days"] = {
            "2026-11-24": json_day(json_event(room={"id": 3, "name": "Hall"})),
            "2026-11-25": {"rooms": []},
        }

        validated = parse(feed)

        assert (titles(validated), validated.warnings) == (["Talk 1"], ())

    @pytest.mark.parametrize(
        "document",
        [
            [],
            [None],
            json_feed(),
            json_feed({"date": "2026-11-24", "rooms": []}),
            {"schedule": []},
            {"schedule": {"conference": {"rooms": []}, "events": []}},
            {"sessions": [], "speakers": [], "rooms": [], "categories": []},
            [{"date": "2026-11-24", "rooms": [], "timeSlots": []}],
            {"_type": "HTTPAPIResult", "results": []},
            {"_type": "HTTPAPIResult", "results": {"5": []}},
            {"count": 0, "next": None, "previous": None, "results": []},
            {"talks": [], "rooms": [], "tracks": [], "speakers": [], "timezone": "Europe/Berlin",
             "event_start": "2026-11-24"},
            "Title,Room,Start,End\n",
        ],
    )  # fmt: skip
    def test_empty_schedule_of_any_format_lists_no_talk(self, document):
        with pytest.raises(FeedError, match=r"^the feed lists no talk at all$"):
            parse(document)

    def test_odd_item_hides_no_format(self):
        emf = {"id": 1, "title": "A", "start_date": "2026-11-24 10:00:00", "source": "database",
               "end_date": "2026-11-24 11:00:00", "venue": 5}  # fmt: skip
        zookeepr = {"Id": 1, "Title": "A", "Room Name": "Hall", "Start": "2026-11-24 10:00:00",
                    "Duration": "1:00:00"}  # fmt: skip
        episode = {"pk": 1, "model": "main.episode", "fields": {
            "name": "A", "location": "9", "start": "2026-11-24 10:00:00",
            "duration": 60}}  # fmt: skip
        location = {"pk": 9, "model": "main.location", "fields": {"name": "Hall"}}

        for document in ([emf, "odd"], [zookeepr, "odd"], [episode, location, None]):
            validated = parse(document)
            assert (titles(validated), minutes(validated)) == (["A"], [60])
            assert len(validated.skipped) == 1

    @pytest.mark.parametrize("odd", [None, "x", {"id": 2, "name": True, "sessions": None}])
    def test_odd_room_of_a_grid_costs_only_itself(self, odd):
        session = {"id": 1, "title": "A", "startsAt": "2026-11-24T10:00:00",
                   "endsAt": "2026-11-24T11:00:00", "speakers": None}  # fmt: skip
        room = {"id": 1, "name": "Hall", "sessions": [session]}
        days = [{"date": "2026-11-24", "rooms": [room, odd], "timeSlots": []}, None]

        validated = parse(days)

        assert [talk.rooms for talk in validated.talks] == [("Hall",)]

    @pytest.mark.parametrize("value", [["x"], {"a": ["b"]}, True])
    @pytest.mark.parametrize("key", ["title", "date", "duration", "room", "abstract", "language"])
    def test_odd_value_is_explained_without_names_of_programming(self, key, value):
        event = json_event(2, 12, **{key: value})

        validated = parse(json_feed(json_day(json_event(), event)))

        details = " ".join(entry.detail for entry in validated.skipped)
        assert "Talk 1" in titles(validated)
        assert not any(word in details for word in ("object has no attribute", "NoneType", "dict"))


class TestTimes:
    def test_date_without_time_needs_the_start(self):
        events = [json_event(date="2026-11-24"), json_event(2, 12, date=None)]

        validated = parse(json_feed(json_day(*events)))

        assert [talk.start.hour for talk in validated.talks] == [9, 11]

    def test_night_talk_with_a_date_only_is_on_the_next_morning(self):
        bounds = 'date="2026-11-24" start="2026-11-24T08:00+01:00" end="2026-11-25T04:00+01:00"'
        days_date = xml_event(1, date="2026-11-24", start="00:30")
        own_date = xml_event(2, date="2026-11-25", start="01:30")

        validated = parse(xml(days_date, own_date, attributes=bounds))

        assert [talk.start.isoformat()[:16] for talk in validated.talks] == [
            "2026-11-24T23:30",
            "2026-11-25T00:30",
        ]

    @pytest.mark.parametrize(
        ("fields", "warning"),
        [
            ({"start": "11:00"}, "1 events have a date that disagrees with their start"),
            ({"date": "2026-11-24T10:00:00Z"}, "1 events have a date that disagrees with"),
            ({"date": "2026-11-24T10:00:00-05:00"}, "1 times have another UTC offset than"),
            ({"date": "2026-11-28T10:00:00+01:00"}, "1 events have a date outside of their day"),
            ({"room": "halla"}, "1 events name another room ('halla') than"),
        ],
    )
    def test_contradiction_is_a_warning(self, fields, warning):
        validated = parse(json_feed(json_day(json_event(**fields))))

        assert len(validated.talks) == 1
        assert [text for text in validated.warnings if text.startswith(warning)]

    def test_times_in_another_zone_than_the_configured_one_are_reported(self):
        feed = json_feed(json_day(json_event(date="2026-11-24T10:00:00")))
        feed["schedule"]["conference"]["time_zone_name"] = "Asia/Tokyo"

        validated = parse(feed)

        assert validated.talks[0].start.hour == 1
        assert "Asia/Tokyo, not in the configured one, Europe/Berlin" in validated.warnings[0]


class TestPretalxApi:
    SLOT = {
        "id": 7,
        "room": {"id": 1, "name": {"en": "Hall"}},
        "start": "2026-11-24T10:00:00+01:00",
        "end": "2026-11-24T10:30:00+01:00",
        "duration": 30,
        "description": None,
        "submission": {
            "code": "ABC",
            "title": "Opening",
            "state": "confirmed",
            "speakers": [{"code": "S1", "name": "Ada"}],
            "track": {"id": 3, "name": {"en": "Main"}},
            "abstract": "*Words*",
            "do_not_record": True,
            "content_locale": "de",
        },
    }

    def page(self, *results, **more):
        return {"count": len(results), "next": None, "previous": None, "results": results, **more}

    def test_slots_are_talks_and_breaks(self):
        lunch = self.SLOT | {
            "id": 8,
            "start": "2026-11-24T12:00:00+01:00",
            "end": "2026-11-24T13:00:00+01:00",
            "submission": None,
            "description": {"en": "Lunch"},
        }

        talk, rest = parse(self.page(self.SLOT, lunch)).talks

        assert (talk.rooms, talk.title, talk.speakers, talk.track) == (
            ("Hall",),
            "Opening",
            ("Ada",),
            "Main",
        )
        assert (talk.abstract, talk.do_not_record, talk.language) == (
            "<p><em>Words</em></p>",
            True,
            "de",
        )
        assert (rest.title, rest.talk_type) == ("Lunch", "break")

    def test_submissions_are_read_in_both_versions(self):
        slot = {"start": self.SLOT["start"], "end": self.SLOT["end"], "room": {"en": "Hall"}}
        submission = self.SLOT["submission"] | {"code": "DEF", "slots": [self.SLOT]}
        old = self.SLOT["submission"] | {"slot": slot}
        rejected = submission | {"code": "GHI", "state": "rejected"}
        unscheduled = old | {"code": "JKL", "slot": None}

        validated = parse(self.page(submission, old, rejected, unscheduled))

        assert [talk.rooms for talk in validated.talks] == [("Hall",), ("Hall",)]
        assert [entry.reason for entry in validated.skipped] == ["not-accepted", "no-time"]

    def test_guid_survives_a_new_release(self):
        [before] = parse(self.page(self.SLOT)).talks
        [after] = parse(self.page(self.SLOT | {"id": 99, "room": {"name": "Lab"}})).talks

        assert before.guid == after.guid

    def test_references_are_refused_with_the_parameter_to_add(self):
        with pytest.raises(FeedError, match=r"add \?expand=room,submission,submission.speakers"):
            parse(self.page(self.SLOT | {"submission": "ABC", "room": 3}))

    def test_rooms_as_numbers_are_taken_with_a_warning(self):
        validated = parse(self.page(self.SLOT | {"room": 3}))

        assert validated.talks[0].rooms == ("3",)
        assert "rooms are numbers: add ?expand=room," in validated.warnings[0]

    def test_saved_page_of_several_is_a_warning(self):
        validated = parse(self.page(self.SLOT, count=120, next="https://e.example/?page=2"))

        assert "this is one page with 1 of 120 entries" in validated.warnings[0]

    def test_pages_are_one_feed(self):
        second = self.SLOT | {"submission": self.SLOT["submission"] | {"title": "Second"}}

        assert titles(parse([self.page(self.SLOT), self.page(second)])) == ["Opening", "Second"]


class TestEmf2026:
    ITEM = {
        "id": 1,
        "type": "talk",
        "names": "Ada",
        "title": "Opening",
        "description": "Words",
        "video_privacy": "public",
        "link": "https://e.example/1",
        "occurrences": [
            {"occurrence_num": 1, "start_date": "2026-11-24 10:00:00", "venue": "Stage A",
             "end_date": "2026-11-24 10:30:00", "video_privacy": "public"},
            {"occurrence_num": 2, "start_date": "2026-11-25 10:00:00", "venue": "Stage B",
             "end_date": "2026-11-25 10:30:00", "video_privacy": "none"},
        ],
    }  # fmt: skip

    def test_each_occurrence_is_a_talk(self):
        validated = parse([self.ITEM])

        assert [(talk.rooms, talk.guid, talk.do_not_record) for talk in validated.talks] == [
            (("Stage A",), "emf-1-1", False),
            (("Stage B",), "emf-1-2", True),
        ]
        assert validated.talks[0].speakers == ("Ada",)

    def test_times_are_british_without_a_configured_zone(self):
        feed = open_feed(json.dumps([self.ITEM]).encode())
        summer = feed.json[0]["occurrences"][0]
        summer.update(start_date="2026-10-24 10:00:00", end_date="2026-10-24 11:00:00")

        validated, context = parse_and_validate(feed, PARSERS["emf"])

        assert validated.talks[0].start.hour == 9
        assert context.feed_timezone == ZoneInfo("Europe/London")

    def test_event_without_occurrence_is_not_scheduled(self):
        validated = parse([self.ITEM, self.ITEM | {"id": 2, "occurrences": []}])

        assert len(validated.talks) == 2
        assert [(entry.reason, entry.detail) for entry in validated.skipped] == [
            ("no-time", "not scheduled")
        ]
