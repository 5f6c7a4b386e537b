"""The wall of rooms: several players on one page."""

import json

import pytest
from playwright.sync_api import expect

from .accessibility import axe_violations, keyboard_problems

DESKTOP, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 740}
PLAYING = ".tile:has(.stage[data-player-state=playing])"
FITS_SCRIPT = """() => document.documentElement.scrollHeight <= innerHeight
  && document.documentElement.scrollWidth <= innerWidth"""
AUDIBLE_SCRIPT = """() => [...document.querySelectorAll('.tile')]
  .filter((tile) => tile.querySelector('video')?.muted === false)
  .map((tile) => tile.querySelector('h2').innerText)"""


@pytest.fixture
def wall_rooms(player_site, stream, origin):
    """The ids of three rooms with one stream and of one without, and the server."""
    rooms = [next(player_site.rooms) for _ in range(4)]
    server = origin()
    for room in rooms[:3]:
        player_site.register(room, "server", server)
    for room in rooms[:3]:
        player_site.wait_for(lambda room=room: "<video" in player_site.text(f"/{room}"), 10, room)
    return rooms, server


def expect_sound(page, *titles):
    page.wait_for_function(
        f"titles => ({AUDIBLE_SCRIPT})().join() === titles", arg=",".join(titles)
    )


def test_wall_plays_all_rooms_and_keys_move_the_sound(player_site, wall_rooms, open_page):
    rooms, _ = wall_rooms
    titles = [f"Room {room[4:]}" for room in rooms]
    page = open_page(f"/wall?rooms={','.join(rooms)}", viewport=DESKTOP)
    expect(page.locator(PLAYING)).to_have_count(3, timeout=30_000)
    expect(page.locator(".tile h2")).to_have_text(titles)
    expect(page.locator(".tile").nth(3).locator(".pattern")).to_be_visible()
    expect_sound(page)
    assert page.evaluate(FITS_SCRIPT)

    page.keyboard.press("2")
    expect_sound(page, titles[1])
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect_sound(page, titles[0])
    page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")
    expect_sound(page, titles[2])
    expect(page.get_by_role("button", name=f"Sound of {titles[2]}")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement?.matches('.tile')")
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement === null")
    page.keyboard.press("m")
    expect_sound(page)
    assert page.evaluate("localStorage.getItem('player')") is None

    assert keyboard_problems(page) + axe_violations(page) == []
    assert page.errors == []
    hosts = {url.split("/")[2].partition(":")[0] for url in page.requested_urls if "//" in url}
    assert hosts <= {"127.0.0.1", ""}

    # Each tile is a viewer of its room.
    def players(room):
        report = json.loads(player_site.text(f"/tracker/api/v1/rooms/{room}/playback"))
        return report["viewers"]["players"]

    player_site.wait_for(lambda: players(rooms[0]) == 1, 20, "a viewer")


def test_phone_plays_the_tiles_on_the_screen_and_a_failed_one_again(wall_rooms, open_page):
    rooms, server = wall_rooms
    page = open_page(f"/wall?rooms={','.join(rooms)}&crew=1", viewport=PHONE)
    expect(page.locator(PLAYING).first).to_be_visible(timeout=30_000)
    widths = page.evaluate("[...document.querySelectorAll('.tile')].map((tile) => tile.offsetLeft)")
    assert len(set(widths)) == 1

    last = page.locator(".tile").nth(2).locator("video")
    page.evaluate("document.querySelectorAll('.tile')[3].scrollIntoView({ block: 'end' })")
    page.wait_for_function(
        "() => !document.querySelectorAll('.tile video')[2].paused"
        " && document.querySelectorAll('.tile video')[0].readyState === 0"
    )
    expect(last).to_be_in_viewport()
    # The crew's wall does not count as viewers.
    assert page.locator("[data-playback]").count() == 0

    tile = page.locator(".tile").nth(2)
    server.refuses = lambda path: True
    expect(tile.locator(".stage[data-player-state=waiting]")).to_be_visible(timeout=60_000)
    expect(tile.locator(".player-words")).to_contain_text("interrupted")
    server.refuses = lambda path: False
    expect(tile.locator(".stage[data-player-state=playing]")).to_be_visible(timeout=60_000)
