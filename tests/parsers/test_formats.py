"""What each format says, on small feeds of our own."""

import json
import zipfile
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from streaming_system.plugin import FeedError, open_feed
from streaming_system.schedule_import.parsers import load_parsers, parse_and_validate, select_parser

from .samples import JSON, all_samples

BERLIN = ZoneInfo("Europe/Berlin")


def read(document, zone=BERLIN):
    """Let whichever parser recognises a document read it; return its name and the result."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    feed = open_feed(data, "https://e.example/feed")
    found = select_parser(feed, load_parsers())
    checked, _ = parse_and_validate(feed, found, zone)
    return found.parser.name, checked


def utc(text):
    return datetime.fromisoformat(f"2026-07-{text}").replace(tzinfo=UTC)


def told(checked):
    """Return what matters of each talk: rooms, start, end, title."""
    return [(talk.rooms, talk.start, talk.end, talk.title) for talk in checked.talks]


def reasons(checked):
    return [(skipped.reason, skipped.location) for skipped in checked.skipped]


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

    def test_a_list_of_events(self):
        name, checked = read([self.ITEM])

        assert name == "zookeepr"
        assert told(checked) == [(("Hall",), utc("04T08:00"), utc("04T08:45"), "Keynote")]
        [talk] = checked.talks
        assert (talk.speakers, talk.url, talk.abstract) == (
            ("Ada",),
            "https://e.example/1",
            "<p><em>Hello</em></p>",
        )
        assert "example.org" not in repr(talk)

    def test_lunch_on_two_days_is_two_talks(self):
        lunch = self.ITEM | {"Id": 6, "Start": "2026-07-05 10:00:00"}

        _, checked = read([self.ITEM, lunch])

        assert len({talk.guid for talk in checked.talks}) == 2

    def test_an_end_or_a_duration_of_a_day_and_more(self):
        _, checked = read(
            [
                self.ITEM | {"End": "2026-07-04 11:00:00"},
                self.ITEM | {"Id": 7, "Duration": "1 day, 0:45:00"},
            ]
        )

        assert [talk.end for talk in checked.talks] == [utc("04T09:00"), utc("05T08:45")]

    def test_what_is_not_decided_yet_is_a_placeholder(self):
        _, checked = read([self.ITEM, self.ITEM | {"Title": "miniconf schedules to be determined"}])

        assert reasons(checked) == [("placeholder", "item 2")]

    def test_a_broken_item_costs_that_item_only(self):
        bad = [
            self.ITEM | {"Duration": "-1 day, 23:15:00"},
            self.ITEM | {"Start": "2026-02-30 10:00:00"},
            self.ITEM | {"Title": 17},
            self.ITEM | {"Start": None},
        ]

        _, checked = read([self.ITEM] * 20 + bad)

        assert len(checked.talks) == 1
        assert reasons(checked)[:4] == [
            ("bad-value", "item 21"),
            ("bad-value", "item 22"),
            ("bad-value", "item 23"),
            ("no-time", "item 24"),
        ]

    def test_events_by_room(self):
        item = {
            "title": "Keynote",
            "start": "2026-07-04 10:00:00",
            "end": "2026-07-04 10:45:00",
            "event_id": 3,
            "schedule_id": 5,
            "abstract": "",
        }

        name, checked = read({"Hall": [item], "Lab": []})

        assert name == "zookeepr-rooms"
        assert told(checked) == [(("Hall",), utc("04T08:00"), utc("04T08:45"), "Keynote")]


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

    def test_a_plenary_is_one_talk_in_all_its_rooms(self):
        name, checked = read({"schedule": [self.SLOT]})

        assert name == "symposion"
        assert told(checked) == [(("Hall", "Lab"), utc("04T08:00"), utc("04T08:45"), "Keynote")]
        [talk] = checked.talks
        assert (talk.speakers, talk.do_not_record) == (("Ada",), None)
        assert "example.org" not in repr(talk)

    def test_a_comma_in_a_name_parts_no_rooms(self):
        bar = self.SLOT | {"room": "Edge Bar, Beach Road", "rooms": ["Edge Bar, Beach Road"]}

        _, checked = read({"schedule": [bar]})

        assert checked.talks[0].rooms == ("Edge Bar, Beach Road",)

    def test_empty_slots_and_what_is_cancelled_are_left_out(self):
        slots = [
            self.SLOT,
            self.SLOT | {"name": "Slot", "kind": "talk"},
            self.SLOT | {"name": "Slot", "kind": "lunch", "conf_key": 8},
            self.SLOT | {"cancelled": True},
            self.SLOT | {"rooms": [], "room": ""},
        ]

        _, checked = read({"schedule": slots})

        assert [talk.title for talk in checked.talks] == ["Keynote", "Lunch"]
        assert reasons(checked) == [
            ("placeholder", "item 2"),
            ("cancelled", "item 4"),
            ("no-room", "item 5"),
        ]

    def test_pycon_us_has_offsets_and_html(self):
        slot = self.SLOT | {
            "start": "2026-07-04T10:00:00-04:00",
            "end": "2026-07-04T10:45:00-04:00",
            "description": "<p>Hi <b>all</b></p>",
            "speakers": [{"id": 1, "name": "Bo"}],
        }
        del slot["abstract"]

        name, checked = read({"conference": {"content": ""}, "schedule": [slot]}, zone=None)

        assert name == "pyconus"
        [talk] = checked.talks
        assert (talk.start, talk.abstract, talk.speakers) == (
            utc("04T14:00"),
            "<p>Hi <b>all</b></p>",
            ("Bo",),
        )


class TestPycon:
    def test_keys_in_any_case_and_only_talks_and_plenaries(self):
        item = {
            "Room": "Hall",
            "Name": "Keynote",
            "start": "2026-07-04T10:00:00",
            "duration": "1:30",
            "conf_url": "https://e.example/1",
            "kind": "plenary",
            "authors": ["Ada"],
        }

        name, checked = read([item, item | {"kind": "poster"}])

        assert name == "pycon"
        assert told(checked) == [(("Hall",), utc("04T08:00"), utc("04T09:30"), "Keynote: Ada")]
        assert checked.entries == 1


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

    def test_episodes(self):
        name, checked = read([self.episode()])

        assert name == "veyepar"
        assert told(checked) == [(("Hall",), utc("04T08:00"), utc("04T08:45"), "Keynote")]
        assert checked.talks[0].speakers == ("Ada", "Bo")
        assert "example.org" not in repr(checked)

    def test_a_raw_dump_names_its_rooms_apart(self):
        room = {"pk": 9, "model": "main.location", "fields": {"name": "Hall"}}

        _, checked = read([room, self.episode(location=9, end="2026-07-04 11:00:00")])

        assert told(checked) == [(("Hall",), utc("04T08:00"), utc("04T09:00"), "Keynote")]


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

    def test_an_event(self):
        name, checked = read(
            self.document(self.EVENT, base_url="https://e.example/2026/"), zone=None
        )

        assert name == "schedule.json"
        assert told(checked) == [(("Hall",), utc("04T08:00"), utc("04T08:45"), "Keynote")]
        [talk] = checked.talks
        assert (talk.guid, talk.url, talk.speakers, talk.track, talk.do_not_record) == (
            "g1",
            "https://e.example/2026/talk/1",
            ("Ada", "Bo"),
            "Main",
            False,
        )

    def test_an_end_beats_a_duration(self):
        event = self.EVENT | {"end": "2026-07-05T12:00:00+02:00", "duration": "1:02:00"}

        _, checked = read(self.document(event))

        assert checked.talks[0].end == utc("05T10:00")

    def test_localised_texts_and_tracks_of_every_shape(self):
        _, checked = read(
            self.document(
                self.EVENT
                | {"title": {"de": "Saal", "en": "Hall"}, "track": {"name": {"en": "T"}}},
                self.EVENT | {"guid": "g2", "title": "B", "track": None},
            )
        )

        assert [(talk.title, talk.track) for talk in checked.talks] == [("Hall", "T"), ("B", "")]

    def test_without_room_the_day_s_room_counts(self):
        event = {key: value for key, value in self.EVENT.items() if key != "room"}

        _, checked = read(self.document(event))

        assert checked.talks[0].rooms == ("Hall",)

    @pytest.mark.parametrize(
        ("wish", "kept"), [(True, True), ("true", True), (None, None), ("perhaps", True)]
    )
    def test_a_wish_about_recording_has_three_states(self, wish, kept):
        _, checked = read(self.document(self.EVENT | {"do_not_record": wish}))

        assert checked.talks[0].do_not_record is kept

    @pytest.mark.parametrize(
        "look_alike",
        [
            {"schedule": {}},
            {"schedule": {"conference": {"days": []}}},
            {"schedule": {"conference": {"days": [{"rooms": []}]}}},
            {"schedule": {"monday": [{"title": "x"}]}},
            {"schedule": [{"title": "x", "start": "2026-07-04"}]},
            [{"title": "x"}],
            {"talks": [], "rooms": []},
        ],
    )
    def test_a_look_alike_is_recognised_as_nothing(self, look_alike):
        with pytest.raises(FeedError, match="no parser recognises"):
            read(look_alike)


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
    def test_an_event(self):
        _, checked = read(
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

        assert told(checked) == [(("Hall",), utc("04T08:00"), utc("04T08:30"), "Talk")]
        [talk] = checked.talks
        assert (talk.guid, talk.subtitle, talk.abstract, talk.speakers, talk.do_not_record) == (
            "g1",
            "Sub",
            "<p>Hi</p>",
            ("Ada", "Bo"),
            True,
        )
        assert talk.url == "https://e.example/talk/1"
        assert talk.feed_location.startswith("line ")

    def test_without_a_date_the_day_and_the_start_count(self):
        _, checked = read(xml(event()))

        assert checked.talks[0].start == utc("04T08:00")

    @pytest.mark.parametrize(
        ("conference", "day", "start", "found"),
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
    def test_a_time_before_the_day_changes_is_the_next_morning(self, conference, day, start, found):
        document = xml(
            event(start=start),
            conference=f"<title>C</title>{conference}",
            day=f'date="2026-07-04" {day}',
        )

        assert read(document)[1].talks[0].start == utc(found)

    def test_the_date_wins_over_the_start_and_the_day_with_a_warning(self):
        # wafer writes the date in UTC and the start in local time.
        document = xml(event(date="2026-07-05T08:00:00+00:00", start="09:00"))

        _, checked = read(document)

        assert checked.talks[0].start == utc("05T08:00")
        assert checked.warnings == (
            "1 events have a date that disagrees with their start; the date is taken",
        )

    def test_the_zone_that_the_feed_names_is_used(self):
        document = xml(
            event(), conference="<title>C</title><time_zone_name>Asia/Tokyo</time_zone_name>"
        )

        assert read(document)[1].talks[0].start == utc("04T01:00")

    def test_a_time_without_any_zone_is_left_out(self):
        aware = event(guid="g2", date="2026-07-04T10:00:00+02:00")

        _, checked = read(xml(event(date="2026-07-04T10:00:00"), event(), aware), zone=None)

        assert [skipped.reason for skipped in checked.skipped] == ["no-time", "no-time"]
        assert len(checked.talks) == 1

    @pytest.mark.parametrize(
        ("head", "minutes"), [("", 2 + 30 / 60), ("<generator name='pretalx'/>", 150)]
    )
    def test_three_parts_of_a_duration_mean_what_the_program_means(self, head, minutes):
        _, checked = read(xml(event(duration="00:02:30"), head=head))

        [talk] = checked.talks
        assert (talk.end - talk.start).total_seconds() == minutes * 60
        assert "1 durations of three parts" in checked.warnings[0]

    def test_without_duration_there_is_no_end(self):
        _, checked = read(xml(event(duration=""), event(guid="g2")))

        assert [skipped.reason for skipped in checked.skipped] == ["no-time"]

    def test_events_directly_below_the_day(self):
        document = xml().replace(b"</day>", event(room="Lab").encode() + b"</day>")

        assert read(document)[1].talks[0].rooms == ("Lab",)

    def test_a_namespace_hides_nothing(self):
        document = xml(event()).replace(b"<schedule>", b"<schedule xmlns='http://e.example/ns'>")

        assert len(read(document)[1].talks) == 1

    def test_an_event_without_room_is_left_out(self):
        document = xml(event(), event(guid="g2")).replace(b'<room name="Hall">', b"<room>", 1)

        assert [skipped.reason for skipped in read(document)[1].skipped] == ["no-room"]

    @pytest.mark.parametrize("spelling", ["optout", "opt_out"])
    def test_both_spellings_of_the_opt_out_are_read(self, spelling):
        document = xml(event(recording=f"<{spelling}>1</{spelling}>"))

        assert read(document)[1].talks[0].do_not_record is True

    @pytest.mark.parametrize(
        "look_alike",
        [
            b"<schedule><lesson/></schedule>",
            b"<schedule><conference/><day/></schedule>",
            b"<schedule><conference><title>x</title></conference></schedule>",
            b"<tv><programme/></tv>",
        ],
    )
    def test_a_look_alike_is_recognised_as_nothing(self, look_alike):
        with pytest.raises(FeedError, match="no parser recognises"):
            read(look_alike)


@pytest.mark.parametrize("name", all_samples())
def test_a_small_feed_of_every_format(name):
    found, checked = read(all_samples()[name])

    assert found == name
    first = checked.talks[0]
    assert (first.rooms[0], first.title.split(":")[0]) == ("Hall", "Keynote")
    if name != "sample-event":
        assert (first.start, first.start.minute) == (utc("04T08:00"), 0)


def test_breaks_and_plenaries_and_wishes_of_the_newer_formats():
    _, widget = read(JSON["pretalx-widget"])
    assert [(talk.title, talk.talk_type) for talk in widget.talks] == [
        ("Keynote", ""),
        ("Lunch", "break"),
    ]
    _, emf = read([JSON["emf"][0] | {"may_record": False}])
    assert emf.talks[0].do_not_record is True
    _, hub = read(JSON["schedule2.json"])
    assert (hub.talks[0].track, hub.talks[0].do_not_record) == ("Track", True)
    rooms = [{"id": 215, "name": "Hall"}, {"id": 216, "name": "Lab"}]
    _, plenum = read(JSON["sessionize-all"] | {"rooms": rooms})
    assert plenum.talks[0].rooms == ("Hall", "Lab")
    _, rejected = read([JSON["openevent"][0], JSON["openevent"][0] | {"state": "rejected"}])
    assert reasons(rejected) == [("not-accepted", "item 2")]
    _, inactive = read([JSON["sched"][0], JSON["sched"][0] | {"active": "N"}])
    assert reasons(inactive) == [("cancelled", "item 2")]


def test_sessions_in_a_zip_are_read_without_writing_anything(tmp_path):
    path = tmp_path / "event.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../event/sessions.json", json.dumps(JSON["openevent"]))
        archive.writestr("event/rooms.json", "[]")

    name, checked = read(path.read_bytes())

    assert (name, [talk.title for talk in checked.talks]) == ("openevent", ["Keynote"])
    assert [file.name for file in tmp_path.iterdir()] == ["event.zip"]


def test_a_table_with_columns_of_its_own_is_read_by_the_configured_map():
    feed = open_feed(b"Wo,Was,Tag,Von,Bis\nHall,Keynote,04.07.2026,22:00,01:00\n", "feed")
    columns = {"room": "Wo", "title": "Was", "date": "Tag", "start": "Von", "end": "Bis",
               "date-format": "%d.%m.%Y"}  # fmt: skip

    checked, _ = parse_and_validate(feed, load_parsers()["csv"], BERLIN, columns)

    assert told(checked) == [(("Hall",), utc("04T20:00"), utc("04T23:00"), "Keynote")]


def test_a_clock_that_goes_back_makes_no_talk_longer():
    item = TestZookeepr.ITEM | {"Start": "2026-10-25 02:30:00", "Duration": "1:00:00"}

    _, checked = read([item])

    [talk] = checked.talks
    assert (talk.end - talk.start).total_seconds() == 3600
    assert "happens twice in Europe/Berlin" in checked.warnings[0]
