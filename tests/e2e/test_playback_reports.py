"""What players tell the tracker: a real Chromium plays a real stream."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .players import wait_until_playing
from .test_player import hide
from .test_switcher import switch_to

# 10 s of VP8: ffmpeg -f lavfi -i testsrc2=size=160x90:rate=10 -t 10 -c:v libvpx -b:v 150k …
MOVING = Path(__file__).parent / "data" / "moving.webm"
# Chromium plays nothing before it has some blocks of 32 KiB; this is half of the stream.
FIRST = 3 * 32 * 1024
FIGURES = "/tracker/api/v1/rooms/example/playback"


class Streams(BaseHTTPRequestHandler):
    """A streaming server. It holds the rest of a stream back until it may go on."""

    go_on = threading.Event()

    def do_GET(self):
        stream = MOVING.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "video/webm")
        self.end_headers()
        try:
            self.wfile.write(stream[:FIRST])
            self.wfile.flush()
            self.go_on.wait(30)
            self.wfile.write(stream[FIRST:])
        except OSError:
            # The viewer has left.
            pass

    def log_message(self, *args):
        pass


@pytest.fixture
def go_on():
    """An event: as long as it is not set, streams stand still after :data:`FIRST`."""
    Streams.go_on.set()
    yield Streams.go_on
    Streams.go_on.set()


@pytest.fixture(scope="session")
def streams():
    """The port of a streaming server."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Streams)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def configuration(configuration, streams):
    """The site sends viewers to the streaming server."""
    configuration.keys["endpoint.url"] = f"http://{{host}}:{streams}/"
    return configuration


@pytest.fixture
def live(go_on, site):
    """The site, with a stream in the room "example" that comes from 127.0.0.1."""
    site.go_live("example", 1, REMOTE_ADDR="127.0.0.1")
    return site


def players(site, figures=FIGURES):
    return site.get(figures).json()["viewers"]["players"]


def ready_state(page):
    """Return what the player has: 3 and more is enough to play on."""
    return page.locator("video").evaluate("video => video.readyState")


def wait_until_it_wants_to_play(page):
    page.locator("video[data-wanted]").wait_for()


def test_a_viewer_counts_while_the_player_is_open(live, visit):
    assert players(live) == 0

    page = visit("/example")
    wait_until_it_wants_to_play(page)
    live.wait_for(lambda: players(live) == 1, 15, "a viewer")
    page.wait_for_function("() => document.querySelector('video').currentTime > 1.5")
    page.goto("about:blank")
    live.wait_for(lambda: players(live) == 0, 5, "no viewer after the goodbye")

    [figures] = live.get(FIGURES).json()["endpoints"]
    assert figures["endpoint"] == "127.0.0.1"
    assert (figures["starts"], figures["errors"]) == (1, 0)
    assert 0 < figures["startup_p50_ms"] < 15_000
    assert figures["played_ms"] > 1000
    assert page.complaints == []


def test_a_page_that_the_browser_has_kept_counts_again_when_it_is_back(live, visit):
    page = visit("/example")
    wait_until_it_wants_to_play(page)
    live.wait_for(lambda: players(live) == 1, 15, "a viewer")
    kept = "dispatchEvent(new PageTransitionEvent('{}', {{persisted: true}}))"

    page.evaluate(kept.format("pagehide"))
    live.wait_for(lambda: players(live) == 0, 5, "no viewer after the goodbye")
    page.evaluate(kept.format("pageshow"))
    live.wait_for(lambda: players(live) == 1, 8, "the viewer again")

    assert live.get(FIGURES).json()["starts"] == 1


def test_a_stream_that_stands_still_is_told_of(live, visit, go_on):
    go_on.clear()
    page = visit("/example")
    wait_until_it_wants_to_play(page)
    live.wait_for(lambda: players(live) == 1, 15, "a viewer")
    live.wait_for(lambda: ready_state(page) < 3, 20, "a picture that stands still")
    stood_since = page.evaluate("performance.now()")
    page.wait_for_function(f"() => performance.now() > {stood_since} + 700")
    go_on.set()
    live.wait_for(lambda: ready_state(page) >= 3, 10, "a picture that moves again")

    live.wait_for(lambda: live.get(FIGURES).json()["rebuffers"] == 1, 15, "the rebuffering")
    figures = live.get(FIGURES).json()
    assert figures["rebuffer_ms"] >= 600
    assert 0 < figures["rebuffer_ratio"] < 1
    assert players(live) == 1


class TestAnotherSitesPlayer:
    FIGURES = FIGURES.replace("example", "tube")

    def watched(self, stage):
        return players(stage, self.FIGURES)

    def test_who_has_it_in_sight_is_a_viewer(self, stage, new_page):
        page = new_page()
        # Nobody there is bothered by a test.
        page.context.route(re.compile("^https:"), lambda route: route.fulfill(body="a video"))
        page.clock.install()
        page.goto(f"{stage.url}/tube")
        # Whoever watched in another test may have left without a word.
        stage.wait_for(lambda: self.watched(stage) == 0, 30, "nobody")

        page.get_by_role("link", name="Watch on YouTube").click()

        stage.wait_for(lambda: self.watched(stage) == 1, 15, "a viewer")
        [figures] = stage.get(self.FIGURES).json()["endpoints"]
        # How it plays, nobody tells us.
        assert (figures["endpoint"], figures["startup_p50_ms"]) == ("youtube", None)
        hide(page, True)
        page.clock.fast_forward(301_000)
        stage.wait_for(lambda: self.watched(stage) == 0, 15, "no viewer where nobody looks")
        hide(page, False)
        stage.wait_for(lambda: self.watched(stage) == 1, 15, "the viewer again")
        page.goto("about:blank")
        stage.wait_for(lambda: self.watched(stage) == 0, 15, "no viewer after the goodbye")


def test_who_goes_to_another_room_leaves_the_first_at_once(stage, room, stream, watch):
    page, _ = watch()
    wait_until_playing(page)
    told = FIGURES.replace("example", room)
    stage.wait_for(lambda: players(stage, told) == 1, 15, "a viewer")
    reports = []
    page.on("request", lambda request: reports.append(request) if "playback" in request.url else 0)

    with page.expect_request("**/playback"):
        switch_to(page, "Main Hall")

    assert reports[0].url.endswith(told)
    assert '"sta":"q"' in reports[0].post_data
    stage.wait_for(lambda: players(stage, told) == 0, 15, "nobody in the first room")
