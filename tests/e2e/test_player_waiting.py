"""Before a talk, and after a machine has slept: the player waits quietly and starts by itself."""

import os
import re
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import load_schedule, save_schedule

from .players import wait_for_status, wait_until_playing

STARTS_IN = timedelta(minutes=20)


@pytest.fixture
def planned(stage, room):
    """The room has a talk in some minutes."""
    path = stage.checkout / "var" / "schedule.json"
    start = datetime.now(UTC).replace(microsecond=0) + STARTS_IN
    talk = Slot(guid="talk", title="<Opening>", start=start, end=start + STARTS_IN)
    known = load_schedule(path)
    zone = next(iter(known.rooms.values())).timezone
    rooms = {**known.rooms, room: RoomSchedule(timezone=zone, events=(talk,))}
    save_schedule(Schedule(rooms=rooms, imported=known.imported), path)
    stage.wait_for(lambda: "&lt;Opening&gt;" in stage.text(f"/{room}"), 10, "the talk")
    return talk


def test_a_talk_is_counted_down_to_and_starts_by_itself(planned, encoder, watch):
    page, _ = watch()
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
    assert not countdown.is_visible()


def test_a_room_that_no_server_has_yet_counts_down_and_starts_by_itself(
    planned, stage, room, stream, origin, open_page
):
    page = open_page(f"/{room}")
    assert re.fullmatch(r"It starts in 1\d:\d\d\.", page.get_by_role("timer").inner_text())
    assert not any("/player/room-player.js" in url or "/hls/" in url for url in page.asked)

    stage.register(room, "edge1", origin())

    page.locator("video").wait_for(timeout=10_000)
    wait_until_playing(page)


def test_a_machine_that_has_slept_is_live_again(chromium, own_stream, watch):
    page, _ = watch()
    wait_until_playing(page)
    devtools = chromium.new_browser_cdp_session()
    processes = devtools.send("SystemInfo.getProcessInfo")["processInfo"]
    pages = [process["id"] for process in processes if process["type"] == "renderer"]
    assert pages

    for process in pages:
        os.kill(process, signal.SIGSTOP)
    try:
        # It sleeps until the server has nothing any more of what it has.
        playlist = own_stream.folder / "hd" / "index.m3u8"
        newest = max(map(int, re.findall(r"run1-(\d+)", playlist.read_text())))
        give_up = time.monotonic() + 60
        while min(map(int, re.findall(r"run1-(\d+)", playlist.read_text()))) <= newest + 3:
            assert time.monotonic() < give_up, "the encoder does not go on"
            time.sleep(0.2)
    finally:
        for process in pages:
            os.kill(process, signal.SIGCONT)

    wait_until_playing(page)
    assert page.locator(".stage").get_attribute("data-player-state") == "playing"
    expect(page.get_by_role("button", name="Back to live")).to_be_hidden(timeout=10_000)
