"""Talks that can be watched again, on the pages: relive, and published recordings.

The servers are small ones with the interfaces of MediaMTX's playback server, nginx and C3VOC.
"""

import json
from datetime import UTC, datetime, timedelta
from itertools import count
from urllib.parse import parse_qs, urlsplit

import pytest
from timeouts import extended

from streaming_system.frontend.views import recordings, schedule
from streaming_system.schedule.model import Link
from streaming_system.schedule.recordings import Recordings, recordings_file, save_recordings

from .pages import HALL, make_talk
from .test_frontend import text

TALK = make_talk("09:00", 60, "First", number=7)
LAST = make_talk("12:00", 30, "Last")
PAGE = "/talk/guid-First"
_paths = count()


@pytest.fixture
def ended(clock):
    """Set the clock to one minute after the talk."""
    clock["now"] = TALK.end + timedelta(minutes=1)


@pytest.fixture(autouse=True)
def first_response_timeout(monkeypatch):
    """Let pages wait for the servers of the tests on a busy machine."""
    for view in (schedule, recordings):
        monkeypatch.setattr(view, "FIRST_RESPONSE_TIMEOUT", extended(10))


@pytest.fixture
def relive_site(make_site, stub_tracker, tmp_path, conference, write_schedule, ended):
    """Return a function that makes a site whose hall has a source with some documents."""
    write_schedule(TALK, LAST)

    def relive_site(source, documents, talks=(TALK, LAST)):
        write_schedule(*talks)
        # A path of its own: sources outlive a test.
        prefix = f"/relive{next(_paths)}"
        kind, path = next((kind, source[kind]) for kind in source if source[kind][0] == "/")
        config = tmp_path / "config.json"
        document = json.loads(config.read_text())
        document["hall"]["relive"] = source | {kind: f"{stub_tracker.url}{prefix}{path}"}
        config.write_text(json.dumps(document))
        stub_tracker.documents |= {f"{prefix}{name}": body for name, body in documents.items()}
        stub_tracker.document = b"none"
        return make_site()

    return relive_site


def parts(page):
    """Return the parts of the player without the address of the server."""
    stage = page.html.select_one(".watch-again .stage")
    if stage is None:
        return []
    return [part | {"url": part["url"].partition("relive")[2].partition("/")[2] or part["url"]}
            for part in json.loads(stage["data-parts"])]  # fmt: skip


def note(page):
    return text(page.html.select_one(".watch-again .notice"))


def playlist(start, segments, length=60, end=False):
    lines = ["#EXTM3U", f"#EXT-X-PROGRAM-DATE-TIME:{start.isoformat()}"]
    lines += [line for n in range(segments) for line in (f"#EXTINF:{length},", f"{n}.ts")]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if end else [])]).encode()


class TestHls:
    def test_ended_talk_has_a_player_of_its_segments(self, relive_site):
        begin = TALK.start - timedelta(minutes=30)
        site = relive_site({"hls": "/dvr.m3u8"}, {"/dvr.m3u8": playlist(begin, 100)})

        page = site.get(PAGE)

        assert parts(page) == [
            {"url": f"{PAGE}/recording.m3u8", "type": "application/vnd.apple.mpegurl",
             "start": 0.0, "end": None}
        ]  # fmt: skip
        assert "media-src http: https: blob:" in page.headers["Content-Security-Policy"]
        response = site.get(f"{PAGE}/recording.m3u8")
        assert response.content_type == "application/vnd.apple.mpegurl"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Cache-Control"] == "max-age=1, public"
        tag = {"If-None-Match": response.headers["ETag"]}
        assert site.get(f"{PAGE}/recording.m3u8", headers=tag).status_int == 304
        names = [line.rpartition("/")[2] for line in response.text.split("\n") if "http" in line]
        assert names == [f"{n}.ts" for n in range(30, 90)]
        assert response.text.endswith("#EXT-X-ENDLIST\n")

    def test_index_and_schedule_mark_the_talk(self, relive_site):
        site = relive_site({"hls": "/dvr.m3u8"}, {"/dvr.m3u8": playlist(TALK.start, 60)})
        # Other pages do not wait for the server of the recording.
        assert len(parts(site.get(PAGE))) == 1

        assert len(site.get("/schedule?day=2026-11-24&view=list").html.select(".watchable")) == 1
        assert [text(link) for link in site.get("/").html.select(".watch-again a")] == ["First"]

    def test_renditions_have_playlists_of_the_talk(self, relive_site):
        master = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nsd.m3u8\n"
        site = relive_site(
            {"hls": "/dvr.m3u8"},
            {"/dvr.m3u8": master, "/sd.m3u8": playlist(TALK.start, 60)},
        )
        assert len(parts(site.get(PAGE))) == 1

        [path] = [
            line for line in site.get(f"{PAGE}/recording.m3u8").text.split("\n")
            if line.startswith("/")
        ]  # fmt: skip

        assert site.get(path).text.count("#EXTINF") == 60
        site.get(f"{PAGE}/recording/000000000000.m3u8", status=404)

    def test_running_talk_plays_from_its_beginning(self, relive_site, clock):
        clock["now"] = TALK.start + timedelta(minutes=20)
        site = relive_site({"hls": "/dvr.m3u8"}, {"/dvr.m3u8": playlist(TALK.start, 20)})

        page = site.get(PAGE)

        assert page.html.select_one(".stage")["aria-label"] == "The talk from its beginning"
        assert "ENDLIST" not in site.get(f"{PAGE}/recording.m3u8")
        site.get("/talk/guid-Last/recording.m3u8", status=404)

    def test_clock_of_the_recording_may_be_fast(self, relive_site):
        begin = TALK.start + timedelta(minutes=10)
        site = relive_site(
            {"hls": "/dvr.m3u8", "clock-offset": 600}, {"/dvr.m3u8": playlist(begin, 60)}
        )

        assert len(parts(site.get(PAGE))) == 1
        assert site.get(f"{PAGE}/recording.m3u8").text.count("#EXTINF") == 60

    @pytest.mark.parametrize(
        ("begin", "segments", "later", "expected"),
        [
            (-120, 60, 1, "The replay will be available here shortly."),
            (-120, 60, 30, "The replay is no longer available."),
            (61, 1, 5, "The replay is no longer available."),
        ],
    )
    def test_page_describes_a_missing_recording(
        self, relive_site, clock, begin, segments, later, expected
    ):
        clock["now"] = TALK.end + timedelta(minutes=later)
        start = TALK.start + timedelta(minutes=begin)
        site = relive_site({"hls": "/dvr.m3u8"}, {"/dvr.m3u8": playlist(start, segments)})

        page = site.get(PAGE)

        assert (parts(page), note(page)) == ([], expected)

    def test_page_says_that_a_part_is_missing(self, relive_site):
        begin = TALK.start + timedelta(minutes=30)
        site = relive_site({"hls": "/dvr.m3u8"}, {"/dvr.m3u8": playlist(begin, 30)})

        page = site.get(PAGE)

        assert len(parts(page)) == 1
        assert "Part of this talk is missing." in text(page.html.select_one(".watch-again"))

    @pytest.mark.parametrize(
        "body",
        [b"", b"#EXTM3U\n#EXTINF:1,\na.ts", b"#EXTM3U\n" * 100_000],
    )  # fmt: skip
    def test_broken_playlist_is_a_note(self, relive_site, body):
        page = relive_site({"hls": "/dvr.m3u8"}, {"/dvr.m3u8": body}).get(PAGE)

        assert parts(page) == []
        assert note(page) != ""

    def test_talk_that_must_not_be_recorded_has_no_recording(self, relive_site):
        secret = make_talk("09:00", 60, "First", do_not_record=True)
        site = relive_site(
            {"hls": "/dvr.m3u8"}, {"/dvr.m3u8": playlist(TALK.start, 60)}, (secret, LAST)
        )

        assert site.get(PAGE).html.select(".watch-again *") == []
        site.get(f"{PAGE}/recording.m3u8", status=404)


class TestMediaMtx:
    SOURCE = {"mediamtx": "/", "path": "live/{room}"}

    def recorded(self, *spans):
        return {
            "/list?path=live%2Fhall": [
                {"start": (TALK.start + timedelta(minutes=start)).isoformat(),
                 "duration": 60.0 * minutes, "url": "http://ignored/get"}
                for start, minutes in spans
            ]
        }  # fmt: skip

    def test_player_gets_the_recording_of_the_talk(self, relive_site):
        site = relive_site(self.SOURCE, self.recorded((-30, 20), (-10, 100)))

        [part] = parts(site.get(PAGE))

        assert part["type"] == "video/mp4"
        assert part["url"].startswith("get?")
        assert parse_qs(urlsplit(part["url"]).query) == {
            "path": ["live/hall"],
            "start": [TALK.start.isoformat().replace("+00:00", "Z")],
            "duration": ["3600.000"],
            "format": ["mp4"],
        }

    def test_gap_gives_two_parts(self, relive_site):
        """MediaMTX stops at a gap."""
        page = relive_site(self.SOURCE, self.recorded((-5, 25), (22, 100))).get(PAGE)

        durations = [parse_qs(part["url"])["duration"] for part in parts(page)]
        assert durations == [["1200.000"], ["2280.000"]]
        assert "Part of this talk is missing" in page

    def test_invalid_entries_cost_themselves(self, relive_site):
        documents = self.recorded((0, 60))
        valid = {"start": "2026-11-23T22:00:00Z", "duration": 1}
        documents["/list?path=live%2Fhall"] += [None, "x", 7, []] + [
            valid | {key: value}
            for key in valid
            for value in (None, [], {}, "x", -1, 1e400, "2026-13-01T00:00:00Z", True)
        ]

        assert len(parts(relive_site(self.SOURCE, documents).get(PAGE))) == 1

    @pytest.mark.parametrize("body", [{}, b"[" * 100_000])
    def test_other_document_is_unknown(self, relive_site, body):
        page = relive_site(self.SOURCE, {"/list?path=live%2Fhall": body}).get(PAGE)

        assert note(page).startswith("We cannot tell right now whether")


class TestFiles:
    def listing(self, *files):
        return [
            {"name": name, "type": "file", "size": 1, "mtime": f"{modified:%a, %d %b %Y %T} GMT"}
            for name, modified in files
        ]

    def test_files_play_one_after_the_other(self, relive_site):
        """The names are in the zone of the server; the second file begins in the talk."""
        documents = self.listing(
            ("hall-24-Nov-26-08:50:00.mp4", TALK.start + timedelta(minutes=40)),
            ("hall-24-Nov-26-09:40:00.mp4", TALK.end + timedelta(hours=1)),
            ("lab-24-Nov-26-08:00:00.mp4", TALK.end),
        )
        source = {"files": "/rec/", "names": "{room}-%d-%b-%y-%T.mp4",
                  "timezone": "Australia/Sydney"}  # fmt: skip

        page = relive_site(source, {"/rec/": [*documents, None, "x", {"name": 7}]}).get(PAGE)

        assert parts(page) == [
            {"url": "rec/hall-24-Nov-26-08%3A50%3A00.mp4", "type": "video/mp4",
             "start": 600.0, "end": 3000.0},
            {"url": "rec/hall-24-Nov-26-09%3A40%3A00.mp4", "type": "video/mp4",
             "start": 0.0, "end": 1200.0},
        ]  # fmt: skip

    def test_talk_across_midnight(self, relive_site, clock):
        night = make_talk("23:30", 60, "First")
        clock["now"] = night.end + timedelta(minutes=1)
        files = self.listing(("hall-20261124-1200.webm", night.end))
        source = {"files": "/rec/", "names": "hall-%Y%m%d-%H%M.webm"}

        page = relive_site(source, {"/rec/": files}, (night,)).get(PAGE)

        [part] = parts(page)
        assert (part["start"], part["end"]) == (1800.0, 5400.0)


class TestIndex:
    def entries(self, **more):
        return {"/conf/index.json": [{"id": 7, "room": "Hall", "title": "First", **more}]}

    def test_playlist_is_relative_to_the_list(self, relive_site):
        documents = self.entries(status="recorded", playlist="7/index.m3u8")

        [part] = parts(relive_site({"index": "/conf/index.json"}, documents).get(PAGE))

        assert part["url"] == "conf/7/index.m3u8"

    def test_released_talk_leads_to_its_page(self, relive_site):
        documents = self.entries(status="released", release_url="https://media.example/v/7")

        page = relive_site({"index": "/conf/index.json"}, documents).get(PAGE)

        assert links(page) == {"Watch the recording": "https://media.example/v/7"}
        assert note(page) == ""


def links(page):
    return {text(link): link["href"] for link in page.html.select(".recordings a")}


class TestPublishedRecordings:
    @pytest.fixture
    def publish(self, schedule_file):
        def publish(*links, guid="guid-First"):
            talks = {guid: links}
            save_recordings(Recordings(talks=talks), recordings_file(schedule_file))

        return publish

    def test_ended_talk_leads_to_its_recordings(self, make_site, write_schedule, ended, publish):
        feed_link = Link(url="https://conf.example/1.webm", title="Video recording")
        write_schedule(make_talk("09:00", 60, "First", links=(feed_link,)), LAST)
        publish(Link(url="https://media.example/v/1"))

        page = make_site().get(PAGE)

        assert links(page) == {
            "Watch the recording": "https://media.example/v/1",
            "Video recording": "https://conf.example/1.webm",
        }
        # A viewer's browser contacts no other site before a click.
        assert page.html.select(".watch-again :is(iframe, video, img)") == []
        assert "media-src" not in page.headers["Content-Security-Policy"]

    def test_titles_are_text(self, make_site, write_schedule, ended, publish):
        write_schedule(TALK, LAST)
        publish(Link(url="https://v.example/?a='\"<b>", title="<script>alert(1)</script>"),
                Link(url="javascript:alert(1)", title="x"))  # fmt: skip

        page = make_site().get(PAGE)

        assert links(page) in ({}, {"<script>alert(1)</script>": "https://v.example/?a='\"<b>"})
        assert "<script>alert" not in page

    def test_talk_that_must_not_be_recorded_has_no_link(self, make_site, clock, publish):
        clock["now"] = HALL[0].end
        publish(Link(url="https://v.example/1"), guid=HALL[0].guid)

        assert links(make_site().get(f"/talk/{HALL[0].guid}", status="*")) == {}

    def test_index_and_schedule_mark_talks(self, make_site, write_schedule, clock, publish):
        write_schedule(TALK, make_talk("10:00", 30, "Second"), LAST)
        clock["now"] = datetime(2026, 11, 24, 0, 0, tzinfo=UTC)
        publish(Link(url="https://v.example/1"))
        site = make_site()

        marked = {
            view: [text(mark.find_parent("div").select_one("a"))
                   for mark in site.get(f"/schedule?day=2026-11-24&view={view}").html.select(
                       ".watchable")]
            for view in ("list", "grid")
        }  # fmt: skip

        assert marked == {"list": ["First"], "grid": ["First"]}
        assert [text(link) for link in site.get("/").html.select(".watch-again a")] == ["First"]
