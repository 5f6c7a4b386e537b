"""Playback of WHEP, from a sender in another page."""

import pytest

from .player_site import open_setting, video_data, wait_for_status, wait_until_playing
from .whep import WhepOrigin


@pytest.fixture
def server(tmp_path):
    server = WhepOrigin(tmp_path / "stream")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sender(server, chromium):
    page = server.open_sender(chromium)
    yield page
    page.context.close()


@pytest.fixture
def open_room(player_site, room, server, open_page):
    """Return a function that registers the server with some formats, and opens the room's page."""

    def open_room(*formats):
        player_site.register(room, "edge1", server, formats)
        player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
        return open_page(f"/{room}")

    return open_room


def test_lowest_delay_selects_whep(player_site, own_stream, server, sender, open_room):
    page = open_room("hls", "whep")
    wait_until_playing(page)
    assert video_data(page)["format"] == "hls"
    assert "POST /whep" not in server.requested_paths

    open_setting(page, "Latency").select_option("Lowest latency")

    page.locator("video[data-format=whep]").wait_for(timeout=10_000)
    wait_until_playing(page)
    assert len(server.sessions) == 1
    open_setting(page, "Latency").select_option("Normal")
    page.locator("video[data-format=hls]").wait_for(timeout=10_000)
    wait_until_playing(page)
    player_site.wait_for(lambda: not server.sessions, 5, "the end of the session")


def test_room_with_whep_alone_plays_and_ends_the_session(player_site, server, sender, open_room):
    page = open_room("whep")
    wait_until_playing(page)
    assert video_data(page)["format"] == "whep"
    assert len(server.sessions) == 1

    page.goto("about:blank")

    player_site.wait_for(lambda: not server.sessions, 5, "the end of the session")


def test_whep_resumes_when_its_sender_returns(server, sender, open_room, chromium):
    page = open_room("whep")
    wait_until_playing(page)

    server.has_sender.clear()
    sender.goto("about:blank")
    wait_for_status(page, "waiting")
    new_sender = server.open_sender(chromium)

    wait_until_playing(page)
    new_sender.context.close()
