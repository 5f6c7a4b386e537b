"""The controls and keyboard shortcuts of the player."""

import re

import pytest
from playwright.sync_api import expect

from .player_site import open_setting, wait_until_playing


def video_property(page, name):
    return page.locator("video").evaluate(f"video => video.{name}")


def test_quality_can_be_selected_and_is_stored(stream, open_room):
    page, server = open_room()
    wait_until_playing(page)
    quality = open_setting(page, "Quality")
    expect(quality.locator("option")).to_have_text(
        [
            "Automatic",
            "180p",
            "90p",
            "Audio only",
        ]
    )

    quality.select_option("90p")
    page.locator("video[data-quality='90p']").wait_for(timeout=15_000)
    quality.select_option("Audio only")
    page.locator("video[data-quality=audio]").wait_for(timeout=15_000)
    wait_until_playing(page)
    server.requested_paths.clear()
    page.reload()
    page.locator("video[data-quality=audio]").wait_for(timeout=15_000)
    wait_until_playing(page)

    expect(open_setting(page, "Quality")).to_have_value("audio")
    open_setting(page, "Quality").select_option("180p")
    page.locator("video[data-quality='180p']").wait_for(timeout=15_000)
    wait_until_playing(page)


def test_viewer_behind_live_can_return_to_live(stream, open_room):
    page, _ = open_room()
    wait_until_playing(page)
    live = page.get_by_role("button", name="Back to live")
    expect(live).not_to_be_visible()

    page.keyboard.press("k")
    live.wait_for(timeout=20_000)
    assert video_property(page, "paused")
    live.click()

    live.wait_for(state="hidden", timeout=5000)
    wait_until_playing(page)
    page.keyboard.press("j")
    live.wait_for(timeout=5000)
    page.keyboard.press("l")
    live.wait_for(state="hidden", timeout=5000)
    wait_until_playing(page)


def test_shortcuts_control_the_player_and_can_be_turned_off(stream, open_room):
    page, _ = open_room()
    wait_until_playing(page)
    page.locator("video").evaluate("video => { video.muted = false; }")

    page.keyboard.press("m")
    assert video_property(page, "muted")
    page.get_by_role("button", name="Keyboard shortcuts").focus()
    page.keyboard.press("ArrowDown")
    assert (video_property(page, "muted"), video_property(page, "volume")) == (False, 0.95)
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement?.matches('.stage')")
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement === null")

    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_label("Use keyboard shortcuts").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("m")

    assert not video_property(page, "muted")
    page.reload()
    wait_until_playing(page)
    assert video_property(page, "volume") == 0.95


def test_shortcuts_pause_seek_and_change_the_volume(stream, open_room):
    page, _ = open_room()
    wait_until_playing(page)
    # Wait for a seekable range.
    stream.wait_for_more(8)
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('video').paused")
    page.get_by_role("button", name="Keyboard shortcuts").focus()
    paused_at = video_property(page, "currentTime")

    # The seekable range limits the distance.
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"() => document.querySelector('video').currentTime < {paused_at}")
    earlier = video_property(page, "currentTime")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => document.querySelector('video').currentTime > {earlier}")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert video_property(page, "volume") == pytest.approx(0.95)
    page.keyboard.press("p")
    page.wait_for_function("() => document.pictureInPictureElement?.matches('.stage video')")
    page.keyboard.press("p")
    page.wait_for_function("() => document.pictureInPictureElement === null")

    # A focused button handles the key itself.
    page.keyboard.press("Space")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    assert video_property(page, "paused")
    page.locator("#content").focus()
    page.keyboard.press("Space")
    wait_until_playing(page)


def test_browser_without_media_source_plays_hls_natively(stream, open_room):
    page, _ = open_room()
    page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource;")

    page.reload()

    wait_until_playing(page, 20_000)
    assert page.locator("video").get_attribute("src").endswith("/stream.m3u8")


def test_youtube_gets_requests_only_after_a_click(player_site, new_page):
    page = new_page()
    urls = []
    # Tests must not send requests to YouTube.
    page.context.route(
        re.compile("^https:"), lambda route: (urls.append(route.request.url), route.abort())
    )
    page.goto(f"{player_site.url}/tube")
    link = page.get_by_role("link", name="Watch on YouTube")
    link.wait_for()
    page.wait_for_load_state("networkidle")
    assert urls == []

    with page.expect_request(re.compile("^https:")):
        link.click()

    assert urls == ["https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?autoplay=1"]
    expect(page.locator(".stage iframe")).to_have_attribute("title", "Video on YouTube")
