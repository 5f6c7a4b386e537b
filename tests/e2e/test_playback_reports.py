"""The playback reports of players in Chromium."""

import re

import pytest

from .player_site import wait_until_playing
from .test_player import hide
from .test_room_navigation import switch_to

PLAYBACK_PATH = "/tracker/api/v1/rooms/example/playback"


@pytest.fixture
def configuration(configuration, streams):
    """The site assigns viewers to the streaming server."""
    configuration.keys["endpoint.url"] = f"http://{{host}}:{streams}/"
    return configuration


@pytest.fixture
def live(resume_streams, site):
    """The site with a live endpoint 127.0.0.1 in the room "example"."""
    site.go_live("example", 1, REMOTE_ADDR="127.0.0.1")
    return site


def count_players(site, path=PLAYBACK_PATH):
    return site.get(path).json()["viewers"]["players"]


def ready_state(page):
    """Return the readyState of the video: 3 and more is enough to play."""
    return page.locator("video").evaluate("video => video.readyState")


def wait_until_wanted(page):
    page.locator("video[data-wanted]").wait_for()


def test_viewer_is_counted_while_the_player_is_open(live, visit):
    assert count_players(live) == 0

    page = visit("/example")
    wait_until_wanted(page)
    live.wait_for(lambda: count_players(live) == 1, 15, "a viewer")
    page.wait_for_function("() => document.querySelector('video').currentTime > 1.5")
    page.goto("about:blank")
    live.wait_for(lambda: count_players(live) == 0, 5, "no viewer after the end report")

    [report] = live.get(PLAYBACK_PATH).json()["endpoints"]
    assert report["endpoint"] == "127.0.0.1"
    assert (report["starts"], report["errors"]) == (1, 0)
    assert 0 < report["startup_p50_ms"] < 15_000
    assert report["played_ms"] > 1000
    assert page.errors == []


def test_page_restored_from_the_browser_cache_is_counted_again(live, visit):
    page = visit("/example")
    wait_until_wanted(page)
    live.wait_for(lambda: count_players(live) == 1, 15, "a viewer")
    event = "dispatchEvent(new PageTransitionEvent('{}', {{persisted: true}}))"

    page.evaluate(event.format("pagehide"))
    live.wait_for(lambda: count_players(live) == 0, 5, "no viewer after the end report")
    page.evaluate(event.format("pageshow"))
    live.wait_for(lambda: count_players(live) == 1, 8, "the viewer again")

    assert live.get(PLAYBACK_PATH).json()["starts"] == 1


def test_stall_is_reported(live, visit, resume_streams):
    resume_streams.clear()
    page = visit("/example")
    wait_until_wanted(page)
    live.wait_for(lambda: count_players(live) == 1, 15, "a viewer")
    live.wait_for(lambda: ready_state(page) < 3, 20, "a stall")
    stalled_since = page.evaluate("performance.now()")
    page.wait_for_function(f"() => performance.now() > {stalled_since} + 700")
    resume_streams.set()
    live.wait_for(lambda: ready_state(page) >= 3, 10, "the end of the stall")

    live.wait_for(lambda: live.get(PLAYBACK_PATH).json()["rebuffers"] == 1, 15, "the rebuffering")
    report = live.get(PLAYBACK_PATH).json()
    assert report["rebuffer_ms"] >= 600
    assert 0 < report["rebuffer_ratio"] < 1
    assert count_players(live) == 1


class TestEmbeddedPlayer:
    PATH = PLAYBACK_PATH.replace("example", "tube")

    def count_players(self, player_site):
        return count_players(player_site, self.PATH)

    def test_viewer_is_counted_while_the_player_is_visible(self, player_site, new_page):
        page = new_page()
        # Tests must not send requests to YouTube.
        page.context.route(re.compile("^https:"), lambda route: route.fulfill(body="a video"))
        page.clock.install()
        page.goto(f"{player_site.url}/tube")
        # A viewer of an earlier test may not have sent an end report.
        player_site.wait_for(lambda: self.count_players(player_site) == 0, 30, "no viewers")

        page.get_by_role("link", name="Watch on YouTube").click()

        player_site.wait_for(lambda: self.count_players(player_site) == 1, 15, "a viewer")
        [report] = player_site.get(self.PATH).json()["endpoints"]
        # Its playback quality is unknown.
        assert (report["endpoint"], report["startup_p50_ms"]) == ("youtube", None)
        hide(page, True)
        page.clock.fast_forward(301_000)
        player_site.wait_for(
            lambda: self.count_players(player_site) == 0, 15, "no viewer of a hidden page"
        )
        hide(page, False)
        player_site.wait_for(lambda: self.count_players(player_site) == 1, 15, "the viewer again")
        page.goto("about:blank")
        player_site.wait_for(
            lambda: self.count_players(player_site) == 0, 15, "no viewer after the end report"
        )


def test_room_change_ends_the_report_of_the_first_room_at_once(
    player_site, room, stream, open_room
):
    page, _ = open_room()
    wait_until_playing(page)
    path = PLAYBACK_PATH.replace("example", room)
    player_site.wait_for(lambda: count_players(player_site, path) == 1, 15, "a viewer")
    reports = []
    page.on("request", lambda request: reports.append(request) if "playback" in request.url else 0)

    with page.expect_request("**/playback"):
        switch_to(page, "Main Hall")

    assert reports[0].url.endswith(path)
    assert '"sta":"q"' in reports[0].post_data
    player_site.wait_for(
        lambda: count_players(player_site, path) == 0, 15, "no viewer in the first room"
    )
