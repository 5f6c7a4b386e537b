"""The layout of a room's page, its menus, and its messages, in Chromium."""

import re

from playwright.sync_api import expect

from .player_site import wait_for_status, wait_until_playing
from .test_panels import box, button

SHOWS_FRAME_SCRIPT = """() => {
  const canvas = document.querySelector('.player-frame');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return !canvas.hidden && data.some((value, index) => index % 4 < 3 && value > 128);
}"""


def resize(page, width, height):
    """Change the window, and wait for the layout."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("width => innerWidth === width", arg=width)


def test_talk_and_actions_are_on_the_first_screen_and_menus_open_above_their_buttons(
    stream, open_room
):
    page, _ = open_room()
    wait_until_playing(page)
    for width, height in ((1280, 800), (1920, 1080)):
        resize(page, width, height)
        row = box(page, ".under")
        assert row["bottom"] <= height, (width, row)
        assert box(page, ".stage video")["bottom"] - box(page, ".stage video")["top"] > height / 2

    resize(page, 1280, 800)
    for opener, panel in (
        (button(page, "Settings"), ".player-settings"),
        (page.locator(".formats > summary"), ".formats > ul"),
    ):
        opener.click()
        expect(page.locator(panel)).to_be_visible()
        edges = box(page, panel)
        assert 0 <= edges["top"] < edges["bottom"] <= opener.bounding_box()["y"]
        page.locator("h1").click()
        expect(page.locator(panel)).to_be_hidden()

    resize(page, 390, 844)
    assert box(page, ".stage")["top"] <= 60
    expect(page.locator("[data-theatre]").first).to_be_hidden()
    more = page.locator(".more-actions > .menu > summary")
    more.click()
    expect(page.get_by_role("link", name="All qualities, HLS")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    more.press("Escape")
    expect(page.get_by_role("link", name="All qualities, HLS")).to_be_hidden()


def test_failed_stream_shows_its_last_frame_and_what_the_viewer_can_do(stream, open_room):
    page, server = open_room()
    wait_until_playing(page)
    server.refuses = lambda path: True
    wait_for_status(page, "waiting")

    page.wait_for_function(SHOWS_FRAME_SCRIPT)
    expect(page.get_by_role("status").filter(has_text="interrupted")).to_be_visible()
    expect(page.locator(".player-retry")).to_have_text(re.compile(r"Retrying( in \d s\.|…)"))
    rooms = page.locator(".player-offers").get_by_role("link", name="See the other rooms")
    assert rooms.get_attribute("href") == "/"

    server.refuses = lambda path: False
    page.get_by_role("button", name="Retry now").click()

    wait_until_playing(page)
    expect(page.locator(".player-frame")).to_be_hidden()


def test_embedded_player_shows_its_title_and_a_round_button(
    stream, player_site, room, origin, open_page
):
    player_site.register(room, "edge1", origin())
    player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
    page = open_page(f"/embed/{room}")
    play = page.locator(".player-begin")
    expect(play).to_be_visible()
    assert [play.bounding_box()[side] for side in ("width", "height")] == [64, 64]
    expect(page.locator(".stage-cover")).to_contain_text(f"Room {room[4:]}")

    play.click()

    wait_until_playing(page)
    expect(play).to_be_hidden()
    expect(page.locator(".stage-cover")).to_be_hidden()


def test_schedule_panel_shows_the_current_talk(open_page):
    page = open_page("/example")
    button(page, "Schedule").click()
    talk = page.locator("#pane-programme [aria-current=true]")

    expect(talk).to_have_count(1)
    expect(talk).to_contain_text(page.locator(".under h1").inner_text())
    expect(talk).to_be_in_viewport()


def test_sound_moves_to_the_tab_in_which_the_viewer_turns_it_on(stream, open_room):
    page, _ = open_room()
    wait_until_playing(page)
    other = page.context.new_page()
    other.goto(page.url)
    wait_until_playing(other)
    for tab in (page, other):
        tab.locator("video").evaluate("video => { video.muted = true; }")

    turn_sound_on(page)
    turn_sound_on(other)

    expect(page.locator("video")).to_have_js_property("muted", True)
    expect(other.locator("video")).to_have_js_property("muted", False)
    notice = page.get_by_role("button", name="Sound is playing in another tab")
    notice.click()
    expect(other.locator("video")).to_have_js_property("muted", True)
    expect(notice).to_be_hidden()


def turn_sound_on(tab):
    tab.bring_to_front()
    tab.get_by_role("button", name="Unmute", exact=True).click()
    expect(tab.locator("video")).to_have_js_property("muted", False)


REFUSALS = [
    ("https://conf.example/a", "http://stream.example/live.m3u8", "encryption"),
    ("https://conf.example/a", "https://stream.example/live.m3u8", ""),
    ("https://conf.example/a", "http://127.0.0.1:80/live.m3u8", "local-network"),
    ("http://conf.example/a", "http://192.168.1.7/live.m3u8", "local-network"),
    ("http://conf.example/a", "http://stream.example/live.m3u8", ""),
]
REFUSAL_SCRIPT = """async ([page, url]) => {
  const { refusalOf } = await import(document.querySelector('[href*="refusals.js"]').href);
  navigator.permissions.query = async () => ({ state: 'denied' });
  return refusalOf(url, new URL(page));
}"""


def test_refusals_of_the_browser_have_their_reason(stream, open_room):
    page, _ = open_room()

    found = [page.evaluate(REFUSAL_SCRIPT, [site, url]) for site, url, _ in REFUSALS]

    assert found == [reason for _, _, reason in REFUSALS]
