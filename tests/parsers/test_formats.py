"""Parsers of all formats, with small samples."""

import json
import zipfile
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streaming_system.plugin import FeedError, open_feed
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

from .samples import JSON, all_samples

BERLIN = ZoneInfo("Europe/Berlin")


def parse(document, zone=BERLIN):
    """Parse a document; return the name of the parser that recognises it, and the talks."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    feed = open_feed(data, "https://e.example/feed")
    selected = select_parser(feed, load_parsers())
    validated, _ = parse_and_validate(feed, selected, zone)
    return selected.parser.name, validated


def utc(text):
    return datetime.fromisoformat(f"2026-07-{text}").replace(tzinfo=UTC)


def summary(validated):
    """Return rooms, start, end and title of each talk."""
    return [(talk.rooms, talk.start, talk.end, talk.title) for talk in validated.talks]


def reasons(validated):
    return [(skipped.reason, skipped.location) for skipped in validated.skipped]


class TestZookeepr:
    ITEM = {
        "Id": 5,
        "Event": 2,
        "Title": " Keynote ",
        "Room Name": "Hall",
        "Start": "2026-07-04 10:00:00",
        "Duration": "0:45:00",
        "Description": "*Hello*",
        "Presenters": "Ada",
        "Presenter_emails": "ada@example.org",
        "URL": "https://e.example/1",
    }

    def test_zookeepr_list_is_parsed(self):
        name, validated = parse([self.ITEM])

        assert name == "zookeepr"
        assert summary(validated) == [(("Hall",), utc("04T08:00"), utc("04T08:45"), "Keynote")]
        [talk] = validated.talks
        assert (talk.speakers, talk.url, talk.abstract) == (
            ("Ada",),
            "https://e.example/1",
            "<p><em>Hello</em></p>",
        )
        assert "example.org" not in repr(talk)

    def test_repeated_event_gets_two_guids(self):
        lunch = self.ITEM | {"Id": 6, "Start": "2026-07-05 10:00:00"}

        _, validated = parse([self.ITEM, lunch])

        assert len({talk.guid for talk in validated.talks}) == 2

    def test_end_and_long_duration_are_parsed(self):
        _, validated = parse(
            [
                self.ITEM | {"End": "2026-07-04 11:00:00"},
                self.ITEM | {"Id": 7, "Duration": "1 day, 0:45:00"},
            ]
        )

        assert [talk.end for talk in validated.talks] == [utc("04T09:00"), utc("05T08:45")]

    def test_undecided_entry_is_skipped_as_placeholder(self):
        _, validated = parse(
            [self.ITEM, self.ITEM | {"Title": "miniconf schedules to be determined"}]
        )

        assert reasons(validated) == [("placeholder", "item 2")]

    def test_broken_item_is_skipped_alone(self):
        bad = [
            self.ITEM | {"Duration": "-1 day, 23:15:00"},
            self.ITEM | {"Start": "2026-02-30 10:00:00"},
            self.ITEM | {"Title": ["a"]},
            self.ITEM | {"Start": None},
        ]

        _, validated = parse([self.ITEM] * 20 + bad)

        assert len(validated.talks) == 1
        assert reasons(validated)[:4] == [
            ("bad-value", "item 21"),
            ("bad-value", "item 22"),
            ("bad-value", "item 23"),
            ("no-time", "item 24"),
        ]

    def test_zookeepr_rooms_are_parsed(self):
        item = {
            "title": "Keynote",
            "start": "2026-07-04 10:00:00",
            "end": "2026-07-04 10:45:00",
            "event_id": 3,
            "schedule_id": 5,
            "abstract": "",
        }

        name, validated = parse({"Hall": [item], "Lab": []})

        assert name == "zookeepr-rooms"
        assert summary(validated) == [(("Hall",), utc("04T08:00"), utc("04T08:45"), "Keynote")]


class TestSymposion:
    SLOT = {
        "conf_key": 7,
        "name": "Keynote",
        "kind": "plenary",
        "room": "Hall, Lab",
        "rooms": ["Hall", "Lab"],
        "start": "2026-07-04T10:00:00",
        "end": "2026-07-04T10:45:00",
        "duration": 45,
        "abstract": "**Hello**",
        "authors": [{"name": "Ada", "contact": "ada@example.org"}],
        "contact": ["ada@example.org"],
        "conf_url": "https://e.example/1",
        "released": False,
    }

    def test_plenary_is_one_talk_in_all_its_rooms(self):
        name, validated = parse({"schedule": [self.SLOT]})

        assert name == "symposion"
        assert summary(validated) == [
            (("Hall", "Lab"), utc("04T08:00"), utc("04T08:45"), "Keynote")
        ]
        [talk] = validated.talks
        assert (talk.speakers, talk.do_not_record) == (("Ada",), None)
        assert "example.org" not in repr(talk)

    def test_room_name_can_contain_a_comma(self):
        bar = self.SLOT | {"room": "Edge Bar, Beach Road", "rooms": ["Edge Bar, Beach Road"]}

        _, validated = parse({"schedule": [bar]})

        assert validated.talks[0].rooms == ("Edge Bar, Beach Road",)

    def test_empty_and_cancelled_slots_are_skipped(self):
        slots = [
            self.SLOT,
            self.SLOT | {"name": "Slot", "kind": "talk"},
            self.SLOT | {"name": "Slot", "kind": "lunch", "conf_key": 8},
            self.SLOT | {"cancelled": True},
            self.SLOT | {"rooms": [], "room": ""},
        ]

        _, validated = parse({"schedule": slots})

        assert [talk.title for talk in validated.talks] == ["Keynote", "Lunch"]
        assert reasons(validated) == [
            ("placeholder", "item 2"),
            ("cancelled", "item 4"),
            ("no-room", "item 5"),
        ]

    def test_pycon_us_times_have_offsets_and_abstracts_are_html(self):
        slot = self.SLOT | {
            "start": "2026-07-04T10:00:00-04:00",
            "end": "2026-07-04T10:45:00-04:00",
            "description": "<p>Hi <b>all</b></p>",
            "speakers": [{"id": 1, "name": "Bo"}],
        }
        del slot["abstract"]

        name, validated = parse({"conference": {"content": ""}, "schedule": [slot]}, zone=None)

        assert name == "pyconus"
        [talk] = validated.talks
        assert (talk.start, talk.abstract, talk.speakers) == (
            utc("04T14:00"),
            "<p>Hi <b>all</b></p>",
            ("Bo",),
        )


class TestPycon:
    def test_keys_can_be_upper_case_and_only_talks_and_plenaries_are_imported(self):
        item = {
            "Room": "Hall",
            "Name": "Keynote",
            "start": "2026-07-04T10:00:00",
            "duration": "1:30",
            "conf_url": "https://e.example/1",
            "kind": "plenary",
            "authors": ["Ada"],
        }

        name, validated = parse([item, item | {"kind": "poster"}])

        assert name == "pycon"
        assert summary(validated) == [(("Hall",), utc("04T08:00"), utc("04T09:30"), "Keynote: Ada")]
        assert validated.entries == 1


class TestVeyepar:
    FIELDS = {
        "name": "Keynote",
        "location": "Hall",
        "start": "2026-07-04 10:00:00",
        "duration": "00:45:00",
        "description": "",
        "authors": "Ada, Bo",
        "emails": "ada@example.org",
        "public_url": "https://e.example/1",
    }

    def episode(self, pk=1, **fields):
        return {"pk": pk, "model": "main.episode", "fields": self.FIELDS | fields}

    def test_veyepar_episodes_are_parsed(self):
        name, validated = parse([self.episode()])

        assert name == "veyepar"
        assert summary(validated) == [(("Hall",), utc("04T08:00"), utc("04T08:45"), "Keynote")]
        assert validated.talks[0].speakers == ("Ada", "Bo")
        assert "example.org" not in repr(validated)

    def test_raw_dump_has_rooms_in_separate_objects(self):
        room = {"pk": 9, "model": "main.location", "fields": {"name": "Hall"}}

        _, validated = parse([room, self.episode(location=9, end="2026-07-04 11:00:00")])

        assert summary(validated) == [(("Hall",), utc("04T08:00"), utc("04T09:00"), "Keynote")]


class TestScheduleJson:
    EVENT = {
        "guid": "g1",
        "date": "2026-07-04T10:00:00+02:00",
        "duration": "00:45",
        "room": "Hall",
        "title": "Keynote",
        "track": "Main",
        "language": "de",
        "persons": [{"public_name": "Ada"}, None, {"name": "Bo"}],
        "url": "talk/1",
        "do_not_record": "false",
    }

    def document(self, *events, **conference):
        days = [{"index": 1, "rooms": {"Hall": list(events), "Empty": []}}]
        return {"schedule": {"conference": {"days": days, **conference}}}

    def test_event_is_parsed(self):
        name, validated = parse(
            self.document(self.EVENT, base_url="https://e.example/2026/"), zone=None
        )

        assert name == "schedule.json"
        assert summary(validated) == [(("Hall",), utc("04T08:00"), utc("04T08:45"), "Keynote")]
        [talk] = validated.talks
        assert (talk.guid, talk.url, talk.speakers, talk.track, talk.do_not_record) == (
            "g1",
            "https://e.example/2026/talk/1",
            ("Ada", "Bo"),
            "Main",
            False,
        )

    def test_end_is_preferred_to_duration(self):
        event = self.EVENT | {"end": "2026-07-05T12:00:00+02:00", "duration": "1:02:00"}

        _, validated = parse(self.document(event))

        assert validated.talks[0].end == utc("05T10:00")

    def test_localised_texts_and_all_kinds_of_tracks_are_parsed(self):
        _, validated = parse(
            self.document(
                self.EVENT
                | {"title": {"de": "Saal", "en": "Hall"}, "track": {"name": {"en": "T"}}},
                self.EVENT | {"guid": "g2", "title": "B", "track": None},
            )
        )

        assert [(talk.title, talk.track) for talk in validated.talks] == [("Hall", "T"), ("B", "")]

    def test_room_of_the_list_is_the_default(self):
        event = {key: value for key, value in self.EVENT.items() if key != "room"}

        _, validated = parse(self.document(event))

        assert validated.talks[0].rooms == ("Hall",)

    @pytest.mark.parametrize(
        ("wish", "expected"), [(True, True), ("true", True), (None, None), ("perhaps", True)]
    )
    def test_recording_wish_has_three_states(self, wish, expected):
        _, validated = parse(self.document(self.EVENT | {"do_not_record": wish}))

        assert validated.talks[0].do_not_record is expected

    @pytest.mark.parametrize(
        "document",
        [
            {"schedule": {}},
            {"schedule": {"conference": {"days": [{"rooms": ["Hall"]}]}}},
            {"schedule": {"monday": [{"title": "x"}]}},
            {"schedule": [{"title": "x", "start": "2026-07-04"}]},
            [{"title": "x"}],
            {"talks": [], "rooms": []},
        ],
    )
    def test_similar_documents_are_not_recognised(self, document):
        with pytest.raises(FeedError, match="no parser recognises"):
            parse(document)


def xml(*events, conference="<title>C</title>", day='date="2026-07-04"', head=""):
    rooms = "".join(f'<room name="Hall">{event}</room>' for event in events)
    return (
        f"<schedule>{head}<conference>{conference}</conference><day {day}>{rooms}</day></schedule>"
    ).encode()


def event(**fields):
    guid = fields.pop("guid", "g1")
    fields = {"title": "Talk", "duration": "00:30", "start": "10:00"} | fields
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items() if value != "")
    return f'<event guid="{guid}">{inner}</event>'


class TestScheduleXml:
    def test_event_is_parsed(self):
        _, validated = parse(
            xml(
                event(
                    date="2026-07-04T10:00:00+02:00",
                    subtitle="Sub",
                    abstract="&lt;p&gt;Hi&lt;/p&gt;",
                    persons="<person>Ada</person><person public_name='Bo'/>",
                    recording="<optout>true</optout>",
                    url="/talk/1",
                    track="Main",
                ),
                conference="<title>C</title><base_url>https://e.example/2026/</base_url>",
            ),
            zone=None,
        )

        assert summary(validated) == [(("Hall",), utc("04T08:00"), utc("04T08:30"), "Talk")]
        [talk] = validated.talks
        assert (talk.guid, talk.subtitle, talk.abstract, talk.speakers, talk.do_not_record) == (
            "g1",
            "Sub",
            "<p>Hi</p>",
            ("Ada", "Bo"),
            True,
        )
        assert talk.url == "https://e.example/talk/1"
        assert talk.feed_location.startswith("line ")

    def test_day_and_start_are_used_without_a_date(self):
        _, validated = parse(xml(event()))

        assert validated.talks[0].start == utc("04T08:00")

    @pytest.mark.parametrize(
        ("conference", "day", "start", "expected"),
        [
            ("<day_change>09:00:00</day_change>", "", "08:59", "05T06:59"),
            ("<day_change>09:00:00</day_change>", "", "09:00", "04T07:00"),
            ("", "", "00:15", "03T22:15"),
            (
                "",
                'start="2026-07-04T11:00:00+02:00" end="2026-07-05T03:00:00+02:00"',
                "00:15",
                "04T22:15",
            ),
        ],
    )
    def test_time_before_the_day_change_is_on_the_next_day(self, conference, day, start, expected):
        document = xml(
            event(start=start),
            conference=f"<title>C</title>{conference}",
            day=f'date="2026-07-04" {day}',
        )

        assert parse(document)[1].talks[0].start == utc(expected)

    def test_date_overrides_start_and_day_with_a_warning(self):
        # wafer writes the date in UTC and the start in local time.
        document = xml(event(date="2026-07-05T08:00:00+00:00", start="09:00"))

        _, validated = parse(document)

        assert validated.talks[0].start == utc("05T08:00")
        assert validated.warnings == (
            "1 events have a date that disagrees with their start; the date is taken",
        )

    def test_zone_of_the_feed_is_used(self):
        document = xml(
            event(), conference="<title>C</title><time_zone_name>Asia/Tokyo</time_zone_name>"
        )

        assert parse(document)[1].talks[0].start == utc("04T01:00")

    def test_time_without_a_zone_is_skipped(self):
        aware = event(guid="g2", date="2026-07-04T10:00:00+02:00")

        _, validated = parse(xml(event(date="2026-07-04T10:00:00"), event(), aware), zone=None)

        assert [skipped.reason for skipped in validated.skipped] == ["no-time", "no-time"]
        assert len(validated.talks) == 1

    @pytest.mark.parametrize(
        ("head", "minutes"), [("", 2 + 30 / 60), ("<generator name='pretalx'/>", 150)]
    )
    def test_meaning_of_three_part_durations_depends_on_the_generator(self, head, minutes):
        _, validated = parse(xml(event(duration="00:02:30"), head=head))

        [talk] = validated.talks
        assert (talk.end - talk.start).total_seconds() == minutes * 60
        assert "1 durations of three parts" in validated.warnings[0]

    def test_event_without_duration_is_skipped(self):
        _, validated = parse(xml(event(duration=""), event(guid="g2")))

        assert [skipped.reason for skipped in validated.skipped] == ["no-time"]

    def test_events_directly_below_the_day_are_parsed(self):
        document = xml().replace(b"</day>", event(room="Lab").encode() + b"</day>")

        assert parse(document)[1].talks[0].rooms == ("Lab",)

    def test_namespaces_are_ignored(self):
        document = xml(event()).replace(b"<schedule>", b"<schedule xmlns='http://e.example/ns'>")

        assert len(parse(document)[1].talks) == 1

    def test_event_without_room_is_skipped(self):
        document = xml(event(), event(guid="g2")).replace(b'<room name="Hall">', b"<room>", 1)

        assert [skipped.reason for skipped in parse(document)[1].skipped] == ["no-room"]

    @pytest.mark.parametrize("spelling", ["optout", "opt_out"])
    def test_both_spellings_of_the_opt_out_are_parsed(self, spelling):
        document = xml(event(recording=f"<{spelling}>1</{spelling}>"))

        assert parse(document)[1].talks[0].do_not_record is True

    @pytest.mark.parametrize(
        "document",
        [
            b"<schedule><lesson/></schedule>",
            b"<schedule><conference/><day/></schedule>",
            b"<schedule><conference><acronym>x</acronym></conference></schedule>",
            b"<tv><programme/></tv>",
        ],
    )
    def test_similar_documents_are_not_recognised(self, document):
        with pytest.raises(FeedError, match="no parser recognises"):
            parse(document)


@pytest.mark.parametrize("name", all_samples())
def test_sample_of_each_format_is_recognised_and_parsed(name):
    parser, validated = parse(all_samples()[name])

    assert parser == name
    first = validated.talks[0]
    assert (first.rooms[0], first.title.split(":")[0]) == ("Hall", "Keynote")
    if name != "sample-event":
        assert (first.start, first.start.minute) == (utc("04T08:00"), 0)


def test_newer_formats_have_breaks_plenaries_and_recording_wishes():
    _, widget = parse(JSON["pretalx-widget"])
    assert [(talk.title, talk.talk_type) for talk in widget.talks] == [
        ("Keynote", ""),
        ("Lunch", "break"),
    ]
    _, emf = parse([JSON["emf"][0] | {"may_record": False}])
    assert emf.talks[0].do_not_record is True
    _, hub = parse(JSON["schedule2.json"])
    assert (hub.talks[0].track, hub.talks[0].do_not_record) == ("Track", True)
    rooms = [{"id": 215, "name": "Hall"}, {"id": 216, "name": "Lab"}]
    _, plenum = parse(JSON["sessionize-all"] | {"rooms": rooms})
    assert plenum.talks[0].rooms == ("Hall", "Lab")
    _, rejected = parse([JSON["openevent"][0], JSON["openevent"][0] | {"state": "rejected"}])
    assert reasons(rejected) == [("not-accepted", "item 2")]
    _, inactive = parse([JSON["sched"][0], JSON["sched"][0] | {"active": "N"}])
    assert reasons(inactive) == [("cancelled", "item 2")]


def test_zip_file_is_parsed_in_memory(tmp_path):
    path = tmp_path / "event.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../event/sessions.json", json.dumps(JSON["openevent"]))
        archive.writestr("event/rooms.json", "[]")

    name, validated = parse(path.read_bytes())

    assert (name, [talk.title for talk in validated.talks]) == ("openevent", ["Keynote"])
    assert [file.name for file in tmp_path.iterdir()] == ["event.zip"]


def test_table_is_parsed_with_the_configured_column_map():
    feed = open_feed(b"Wo,Was,Tag,Von,Bis\nHall,Keynote,04.07.2026,22:00,01:00\n", "feed")
    columns = {"room": "Wo", "title": "Was", "date": "Tag", "start": "Von", "end": "Bis",
               "date-format": "%d.%m.%Y"}  # fmt: skip

    validated, _ = parse_and_validate(feed, load_parsers()["csv"], BERLIN, columns)

    assert summary(validated) == [(("Hall",), utc("04T20:00"), utc("04T23:00"), "Keynote")]


def test_duration_is_exact_when_clocks_go_back():
    item = TestZookeepr.ITEM | {"Start": "2026-10-25 02:30:00", "Duration": "1:00:00"}

    _, validated = parse([item])

    [talk] = validated.talks
    assert (talk.end - talk.start).total_seconds() == 3600
    assert "happens twice in Europe/Berlin" in validated.warnings[0]
