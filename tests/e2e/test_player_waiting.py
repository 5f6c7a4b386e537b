"""The player waits for a talk, and resumes after the machine was suspended."""

import os
import re
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import load_schedule, save_schedule

from .player_site import wait_for_status, wait_until_playing

STARTS_IN = timedelta(minutes=20)


@pytest.fixture
def scheduled_talk(player_site, room):
    """The room has a talk that starts in some minutes."""
    path = player_site.checkout / "var" / "schedule.json"
    start = datetime.now(UTC).replace(microsecond=0) + STARTS_IN
    talk = Slot(guid="talk", title="<Opening>", start=start, end=start + STARTS_IN)
    schedule = load_schedule(path)
    zone = next(iter(schedule.rooms.values())).timezone
    rooms = {**schedule.rooms, room: RoomSchedule(timezone=zone, slots=(talk,))}
    save_schedule(Schedule(rooms=rooms, imported_at=schedule.imported_at), path)
    player_site.wait_for(lambda: "&lt;Opening&gt;" in player_site.text(f"/{room}"), 10, "the talk")
    return talk


def test_player_counts_down_to_a_talk_and_starts(scheduled_talk, encoder, open_room):
    page, _ = open_room()
    wait_for_status(page, "waiting")
    countdown = page.locator(".player-countdown")
    first = countdown.inner_text()
    assert re.fullmatch(r"<Opening> starts in 1\d:\d\d\.", first)
    page.wait_for_function(
        "first => document.querySelector('.player-countdown').textContent !== first", arg=first
    )

    encoder.start()
    encoder.wait()

    wait_until_playing(page)
    expect(countdown).not_to_be_visible()


def test_room_without_an_endpoint_counts_down_and_starts(
    scheduled_talk, player_site, room, stream, origin, open_page
):
    page = open_page(f"/{room}")
    expect(page.get_by_role("timer")).to_have_text(re.compile(r"^Starts in (20:00|1\d:\d\d)\.$"))
    assert not any("/player/room-player.js" in url or "/hls/" in url for url in page.requested_urls)

    player_site.register(room, "edge1", origin())

    page.locator("video").wait_for(timeout=10_000)
    wait_until_playing(page)


def test_slate_is_no_live_stream_and_the_player_goes_on(
    player_site, room, stream, origin, open_page
):
    server = origin()
    player_site.register(room, "edge1", server)
    player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
    page = open_page(f"/{room}")
    wait_until_playing(page)
    page.evaluate("document.querySelector('video').isFirst = true")
    badge = page.locator("#stream .badge")
    expect(badge).to_have_text("● Live")

    player_site.register(room, "edge1", server, slate=True)

    expect(badge).to_have_text("Resumes shortly", timeout=30_000)
    expect(page.get_by_text("The stream will resume shortly.")).to_be_visible()
    wait_until_playing(page)

    player_site.register(room, "edge1", server)

    expect(badge).to_have_text("● Live", timeout=30_000)
    assert page.evaluate("document.querySelector('video').isFirst") is True


def test_player_is_live_again_after_a_suspend(chromium, own_stream, open_room):
    page, _ = open_room()
    wait_until_playing(page)
    devtools = chromium.new_browser_cdp_session()
    processes = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
    pages = [process["id"] for process in processes if process["type"] == "renderer"]
    assert pages

    for process in pages:
        os.kill(process, signal.SIGSTOP)
    try:
        # Suspend until all segments that the player knows have left the playlist.
        playlist = own_stream.folder / "hd" / "index.m3u8"
        newest = max(map(int, re.findall(r"run1-(\d+)", playlist.read_text())))
        deadline = time.monotonic() + 60
        while min(map(int, re.findall(r"run1-(\d+)", playlist.read_text()))) <= newest + 3:
            assert time.monotonic() < deadline, "the encoder does not continue"
            time.sleep(0.2)
    finally:
        for process in pages:
            os.kill(process, signal.SIGCONT)

    wait_until_playing(page)
    expect(page.locator(".stage")).to_have_attribute("data-player-state", "playing")
    expect(page.get_by_role("button", name="Back to live")).to_be_hidden(timeout=10_000)
