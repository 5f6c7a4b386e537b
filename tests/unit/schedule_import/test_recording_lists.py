"""Lists of recordings, and the talks that they belong to."""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from streaming_system.config import ConferenceConfig, Room, SiteConfig
from streaming_system.plugin.feed import FeedError
from streaming_system.schedule.model import Link, RoomSchedule, Schedule, Slot
from streaming_system.schedule.recordings import (
    RecordingsStore,
    feed_recordings,
    load_recordings,
    recordings_file,
)
from streaming_system.schedule.storage import save_schedule
from streaming_system.schedule_import.recording_list import RecordingEntry, parse_recording_list
from streaming_system.schedule_import.recording_matching import match_recordings
from streaming_system.schedule_import.recordings_fetch import fetch_recordings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GUID = "5b4f9c2e-1111-4222-8333-444455556666"
_numbers = count(101)


def talk(title, guid="", **more):
    number = next(_numbers)
    start = NOW - timedelta(hours=2)
    return Slot(start=start, end=start + timedelta(hours=1), title=title,
                guid=guid or f"guid-{number}", number=number, **more)  # fmt: skip


def entry(url="https://v.example/1", **more):
    return RecordingEntry(url=url, location="entry 1", **more)


def atom(*entries, head=""):
    return f"""<?xml version="1.0"?>{head}
    <feed xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015">
    <title>A playlist</title>{"".join(entries)}</feed>""".encode()


class TestFormats:
    def test_conference_of_media_ccc_de(self):
        document = {
            "acronym": "conf26",
            "title": "Conf",
            "events": [
                {"guid": GUID, "title": "Café", "slug": "conf26-12-cafe",
                 "link": "https://conf.example/12.html",
                 "frontend_link": "https://media.ccc.de/v/conf26-12-cafe"},
                {"guid": "2", "title": "Hostile", "frontend_link": "javascript:alert(1)"},
                {"title": "None"}, "no object", None,
            ],
        }  # fmt: skip

        parsed = parse_recording_list(json.dumps(document).encode())

        assert parsed.format == "media.ccc.de"
        assert parsed.entries == (
            RecordingEntry(
                url="https://media.ccc.de/v/conf26-12-cafe", location="event 1", guid=GUID,
                talk_url="https://conf.example/12.html", slug="conf26-12-cafe", acronym="conf26",
                title="Café",
            ),
        )  # fmt: skip
        assert len(parsed.problems) == 4
        assert parsed.problems[0] == (
            "event 2: 'Hostile': its link is no http:// or https:// address: 'javascript:alert(1)'"
        )

    def test_feed_of_a_youtube_playlist(self):
        feed = atom(
            "<entry><yt:videoId>abc_1</yt:videoId><title>One &amp; all</title>"
            '<link rel="alternate" href="https://www.youtube.com/watch?v=abc_1"/></entry>',
            "<entry><yt:videoId>x</yt:videoId><title>Two</title></entry>",
        )

        parsed = parse_recording_list(feed)

        assert [(each.title, each.url) for each in parsed.entries] == [
            ("One & all", "https://www.youtube.com/watch?v=abc_1"),
            ("Two", "https://www.youtube.com/watch?v=x"),
        ]

    def test_items_of_the_youtube_api(self):
        item = {"snippet": {"title": "One", "resourceId": {"videoId": "abc"}}}

        parsed = parse_recording_list(json.dumps({"items": [item, {}, {"snippet": 1}]}).encode())

        assert [(each.title, each.url) for each in parsed.entries] == [
            ("One", "https://www.youtube.com/watch?v=abc")
        ]

    @pytest.mark.parametrize(
        "data",
        [
            "guid,url\ng1,https://v.example/1\n\n",
            "\ufeffURL;GUID\r\nhttps://v.example/1;g1\r\n",
            'Guid\tTitle\tLink\ng1\t"A\tB"\thttps://v.example/1\n',
            '[{"guid": "g1", "url": "https://v.example/1"}]',
        ],
    )
    def test_plain_files(self, data):
        [found] = parse_recording_list(data.encode()).entries

        assert (found.guid, found.url) == ("g1", "https://v.example/1")

    def test_number_of_a_talk_may_be_a_number(self):
        [found] = parse_recording_list(b'[{"id": 7, "url": "https://v.example/1"}]').entries

        assert found.talk_id == "7"

    @pytest.mark.parametrize(
        ("data", "problem"),
        [
            (b"", "needs the columns"),
            (b"a,b\n1,2\n", "needs the columns"),
            (b"url\nhttps://v.example/\n", "needs the columns"),
            (b"<html><title>No</title></html>", "but an HTML page titled 'No'"),
            (b"<feed", "is no XML"),
            (b"{", "is no JSON"),
            (b'{"a": 1}', "is no list of recordings"),
            (b"[" * 200_000, "nested too deeply"),
            (b"[" + b"1," * 20_001 + b"1]", "has more than 20,000 recordings"),
            (b"url,guid\n" + b'"' + b"x" * 200_000, "is no CSV"),
            (atom("<entry><title>&lol;</title></entry>",
                  head='<!DOCTYPE a [<!ENTITY lol "lol">]>' * 2), "is no XML"),
        ],
    )  # fmt: skip
    def test_other_document_is_one_line(self, data, problem):
        with pytest.raises(FeedError) as error:
            parse_recording_list(data)

        assert problem in str(error.value)
        assert "\n" not in str(error.value)

    def test_entity_is_not_resolved(self, tmp_path):
        secret = tmp_path / "secret"
        secret.write_text("secret")
        feed = atom(
            "<entry><title>&x;</title><link href='https://v.example/1'/></entry>",
            head=f'<!DOCTYPE feed [<!ENTITY x SYSTEM "file://{secret}">]>',
        )

        [found] = parse_recording_list(feed).entries

        assert found.title == ""

    @pytest.mark.parametrize(
        "url",
        ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", "//v.example/1", "/v/1",
         "ftp://v.example/1", "https://user:pw@v.example/", "https://v.example/\x00", "https://",
         "https://v.example/ x", "vbscript:x", "https://v.example/" + "x" * 3000],
    )  # fmt: skip
    def test_unsafe_links_are_listed(self, url):
        parsed = parse_recording_list(json.dumps([{"guid": "g", "url": url}]).encode())

        assert parsed.entries == ()
        assert len(parsed.problems) == 1
        assert parsed.problems[0].isprintable()


class TestMatching:
    @pytest.mark.parametrize(
        "keys",
        [
            {"guid": GUID.upper()},
            {"talk_id": GUID},
            {"talk_id": "12"},
            {"talk_url": "http://www.conf.example/talks/12/"},
            {"slug": "conf26-12-wie_man_cafe_macht", "acronym": "conf26"},
            {"slug": "conf26-wie-man-cafe-macht", "acronym": "conf26"},
            {"title": "wie man  CAFE macht!"},
            {"title": "Conf 2026 | Wie man Café macht"},
            {"title": "Ada Lovelace – Wie man Café macht"},
            {"title": "Day 1: Wie man Café macht - Ada"},
        ],
    )
    def test_entry_names_the_talk(self, keys):
        talks = [
            talk("Wie man Café macht", GUID, url="https://conf.example/talks/12"),
            talk("Another"),
        ]
        talks[0] = Slot(
            **{name: getattr(talks[0], name) for name in Slot.__slots__} | {"number": 12}
        )

        matches = match_recordings([entry(**keys)], talks)

        assert matches.talks == {GUID: (Link(url="https://v.example/1"),)}
        assert matches.unmatched == ()

    @pytest.mark.parametrize(
        "title", ["Wie man Café machte", "Café", "Wie man", "", "???", "- | -", "Open-source"]
    )
    def test_similar_title_is_no_match(self, title):
        matches = match_recordings([entry(title=title)], [talk("Wie man Café macht"), talk("Open")])

        assert matches.talks == {}
        assert "no talk matches" in matches.unmatched[0]

    def test_title_with_a_separator_beats_its_part(self):
        whole = talk("Opening: the keynote", "whole")
        matches = match_recordings([entry(title="Opening: The Keynote")], [talk("Opening"), whole])

        assert list(matches.talks) == ["whole"]

    def test_two_talks_of_one_title_are_listed_and_not_guessed(self):
        talks = [talk("Lightning talks", "a"), talk("Lightning talks", "b")]

        matches = match_recordings([entry(title="Lightning talks")], talks)

        assert matches.talks == {}
        assert matches.unmatched == (
            "entry 1: 'Lightning talks': may be one of 2 talks: "
            "'Lightning talks' (a), 'Lightning talks' (b)",
        )

    def test_title_with_two_talks_in_it_is_ambiguous(self):
        matches = match_recordings([entry(title="One | Two")], [talk("One"), talk("Two")])

        assert matches.talks == {}
        assert "may be one of 2 talks" in matches.unmatched[0]

    def test_two_recordings_of_one_title_are_listed(self):
        entries = [entry(f"https://v.example/{n}", title="One") for n in (1, 2)]

        matches = match_recordings(entries, [talk("One")])

        assert matches.talks == {}
        assert ["2 recordings have the title" in line for line in matches.unmatched] == [True] * 2

    def test_guid_beats_title(self):
        entries = [
            entry("https://v.example/1", title="One"),
            entry("https://v.example/2", guid="g", title="Another title"),
        ]

        matches = match_recordings(entries, [talk("One", "g")])

        assert matches.talks == {"g": (Link(url="https://v.example/2"),)}
        assert "its talk has another recording" in matches.unmatched[0]

    def test_several_recordings_of_a_guid_have_titles(self):
        entries = [
            entry("https://v.example/1", guid="g", title="Original"),
            entry("https://v.example/2", guid="g", title="Deutsch\u202e"),
        ]

        matches = match_recordings(entries, [talk("One", "g")])

        assert matches.talks["g"] == (
            Link(url="https://v.example/1", title="Original"),
            Link(url="https://v.example/2", title="Deutsch"),
        )

    def test_talk_that_must_not_be_recorded_gets_no_link(self):
        matches = match_recordings([entry(guid="g")], [talk("One", "g", do_not_record=True)])

        assert matches.talks == {}
        assert "must not be recorded" in matches.unmatched[0]


@pytest.mark.parametrize(
    ("title", "url", "is_recording"),
    [
        ("Video recording (AV1/WebM) - 200 MB", "https://video.example/1.webm", True),
        ("Aufzeichnung", "https://v.example/1", True),
        ("Video (Ogg/Theora)", "https://video.example/1.ogg", True),
        ("Satellites Integration video", "https://video.example/1", False),
        ("Video: Prototype Chassis", "https://video.example/1", False),
        ("", "https://media.ccc.de/v/conf26-1", True),
        ("Slides", "https://media.example/1.pdf", False),
        ("Live video stream", "https://live.example/1", False),
        ("Trailer video", "https://v.example/1", False),
        ("", "https://media.ccc.de/c/conf26", False),
    ],
)
def test_links_of_a_feed_lead_to_recordings(title, url, is_recording):
    slot = talk("One", links=(Link(url=url, title=title),))

    assert bool(feed_recordings(slot)) is is_recording


class TestFetch:
    @pytest.fixture
    def schedule_file(self, tmp_path):
        path = tmp_path / "schedule.json"
        slots = (talk("One", "g1"), talk("Two", "g2"))
        room = RoomSchedule(timezone=ZoneInfo("UTC"), slots=slots)
        save_schedule(Schedule(rooms={"hall": room, "lab": room}), path)
        return path

    @pytest.fixture
    def fetch(self, schedule_file):
        """Return a function that fetches lists by name: the bytes, or an error."""

        def fetch(**lists):
            def fetch_one(source):
                if isinstance(lists[source], Exception):
                    raise lists[source]
                return lists[source].encode()

            rooms = {
                room: Room(id=room, title=room, recordings_list=source)
                for room, source in zip(("hall", "lab"), lists, strict=False)
            }
            config = ConferenceConfig(
                site=SiteConfig(secret=""), default=Room(id="default", title=""), rooms=rooms
            )
            return fetch_recordings(config, schedule_file, fetch_one, now=NOW)

        return fetch

    def links(self, schedule_file):
        talks = load_recordings(recordings_file(schedule_file)).talks
        return {guid: [link.url for link in links] for guid, links in talks.items()}

    def test_recordings_are_stored_beside_the_schedule(self, fetch, schedule_file):
        [result] = fetch(a="guid,url\ng1,https://v.example/1\ngx,https://v.example/2").results

        assert self.links(schedule_file) == {"g1": ["https://v.example/1"]}
        assert result.describe() == "a: CSV, recordings of 1 talks, 1 entries without a talk"

    def test_broken_list_keeps_the_last_recordings(self, fetch, schedule_file):
        fetch(a="guid,url\ng1,https://v.example/1", b="guid,url\ng2,https://v.example/2")

        fetched = fetch(a=FeedError("cannot be\ndownloaded"), b="guid,url\ng2,https://v.example/3")

        assert self.links(schedule_file) == {
            "g1": ["https://v.example/1"], "g2": ["https://v.example/3"],
        }  # fmt: skip
        assert [result.error for result in fetched.results] == ["cannot be downloaded", ""]

    def test_empty_list_keeps_the_recordings_of_an_archive(self, fetch, schedule_file):
        fetch(a="guid,url\ng1,https://v.example/1")

        assert not fetch(a="guid,url\n").has_changed
        assert self.links(schedule_file) == {"g1": ["https://v.example/1"]}

    def test_invalid_file_keeps_the_recordings_in_service(self, fetch, schedule_file, caplog):
        path = recordings_file(schedule_file)
        store = RecordingsStore(path)
        assert store.current().talks == {}
        fetch(a="guid,url\ng1,https://v.example/1")
        before = store.current()

        for text in ("{", '{"version": 9}', '{"version": 1, "fetched": null, "talks": 1}',
                     '{"version": 1, "fetched": 1, "talks": {}}', "[" * 100_000):  # fmt: skip
            path.write_text(text)
            assert store.current() == before

        assert "the previous recordings stay in service" in caplog.text

    def test_edited_file_gives_no_unsafe_link(self, schedule_file):
        path = recordings_file(schedule_file)
        links = [
            {"url": "javascript:1", "title": ""},
            {"url": "https://v.example/", "title": "x\n"},
        ]
        path.write_text(json.dumps({"version": 1, "fetched": None, "talks": {"g": links}}))

        assert load_recordings(path).talks == {"g": (Link(url="https://v.example/", title="x"),)}
