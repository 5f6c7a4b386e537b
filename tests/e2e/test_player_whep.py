"""The stream with the lowest delay: WHEP, from a sender in another page."""

import pytest

from .players import open_setting, video_data, wait_for_status, wait_until_playing
from .whep import WhepOrigin


@pytest.fixture
def server(tmp_path):
    server = WhepOrigin(tmp_path / "stream")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def sender(server, chromium):
    page = server.opens(chromium)
    yield page
    page.context.close()


@pytest.fixture
def look(stage, room, server, open_page):
    """Return a function that opens the room's page of which the server has some formats."""

    def look(*formats):
        stage.register(room, "edge1", server, formats)
        stage.wait_for(lambda: "<video" in stage.text(f"/{room}"), 10, "a player")
        return open_page(f"/{room}")

    return look


def test_whep_is_played_by_who_wants_the_lowest_delay(stage, own_stream, server, sender, look):
    page = look("hls", "whep")
    wait_until_playing(page)
    assert video_data(page)["format"] == "hls"
    assert "POST /whep" not in server.asked

    open_setting(page, "Delay").select_option("Lowest delay")

    page.locator("video[data-format=whep]").wait_for(timeout=10_000)
    wait_until_playing(page)
    assert len(server.open) == 1
    open_setting(page, "Delay").select_option("Normal")
    page.locator("video[data-format=hls]").wait_for(timeout=10_000)
    wait_until_playing(page)
    stage.wait_for(lambda: not server.open, 5, "the end of the session")


def test_a_room_with_whep_alone_plays_it_and_gives_it_back(stage, server, sender, look):
    page = look("whep")
    wait_until_playing(page)
    assert video_data(page)["format"] == "whep"
    assert len(server.open) == 1

    page.goto("about:blank")

    stage.wait_for(lambda: not server.open, 5, "the end of the session")


def test_whep_goes_on_when_its_sender_is_back(server, sender, look, chromium):
    page = look("whep")
    wait_until_playing(page)

    server.sends.clear()
    sender.goto("about:blank")
    wait_for_status(page, "waiting")
    again = server.opens(chromium)

    wait_until_playing(page)
    again.context.close()
