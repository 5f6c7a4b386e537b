"""The seek bar, sound without a picture, media keys and taps, in Chromium."""

import re

from playwright.sync_api import expect

from .player_site import wait_until_playing

# The slider requires thirty seconds.
MIN_SEGMENTS = 38
# The current talk began twenty-five seconds ago; the oldest segments are older.
SET_TALK_SCRIPT = """() => {
  const start = new Date(Date.now() - 25000).toISOString();
  document.querySelector('.stage').dataset.talks = JSON.stringify([[start, 'Opening']]);
}"""
TAP_TWICE_SCRIPT = """video => {
  const { left, top, width, height } = video.getBoundingClientRect();
  const before = video.currentTime;
  const at = { clientX: left + width / 10, clientY: top + height / 2, bubbles: true };
  for (const tap of [1, 2]) {
    video.dispatchEvent(new PointerEvent('pointerdown', { ...at, pointerType: 'touch' }));
    video.dispatchEvent(new PointerEvent('click', { ...at, pointerType: 'touch' }));
  }
  return before - video.currentTime;
}"""


def position(page):
    return page.locator("video").evaluate("video => video.currentTime")


def test_seek_bar_has_clock_times_and_the_talks_beginning(stream, open_room):
    segments = (stream.folder / "hd" / "index.m3u8").read_text().count(".ts")
    stream.wait_for_more(max(0, MIN_SEGMENTS - segments), 120)
    page, _ = open_room()
    wait_until_playing(page)
    page.evaluate(SET_TALK_SCRIPT)
    slider = page.get_by_role("slider", name="Position")
    expect(slider).to_have_attribute(
        "aria-valuetext", re.compile(r"^\d\d:\d\d:\d\d, Opening, live")
    )
    expect(page.locator(".player-marks i")).to_have_count(1)
    live = position(page)

    page.get_by_role("button", name="From the beginning").click()

    page.wait_for_function(
        "live => document.querySelector('video').currentTime < live - 8", arg=live
    )
    page.get_by_role("button", name="Back to live").click()
    page.wait_for_function("live => document.querySelector('video').currentTime >= live", arg=live)
    assert page.locator("video").evaluate(TAP_TWICE_SCRIPT) > 5


def test_sound_only_shows_what_it_saves_and_media_keys_pause(stream, open_room):
    page, _ = open_room()
    wait_until_playing(page)
    sound = page.get_by_role("button", name="Audio only")
    expect(sound).to_have_accessible_name(re.compile(r"saves about \d+ kbit/s"))
    page.wait_for_function("() => navigator.mediaSession.metadata?.title")
    assert page.evaluate("navigator.mediaSession.metadata.title") == page.locator("h1").inner_text()

    sound.click()

    page.locator("video[data-quality=audio]").wait_for()
    wait_until_playing(page)
    expect(sound).to_have_attribute("aria-pressed", "true")
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "false")
    wait_until_playing(page)
