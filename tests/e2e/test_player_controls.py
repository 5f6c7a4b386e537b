"""What a viewer can do with the player, by pointer and by keyboard."""

import re

import pytest

from .players import open_setting, wait_until_playing


def value(page, name):
    return page.locator("video").evaluate(f"video => video.{name}")


def test_qualities_can_be_chosen_and_are_remembered(stream, watch):
    page, server = watch()
    wait_until_playing(page)
    quality = open_setting(page, "Quality")
    assert quality.locator("option").all_inner_texts() == [
        "Automatic", "180p", "90p", "Audio only",
    ]  # fmt: skip

    quality.select_option("90p")
    page.locator("video[data-quality='90p']").wait_for(timeout=15_000)
    quality.select_option("Audio only")
    page.locator("video[data-quality=audio]").wait_for(timeout=15_000)
    wait_until_playing(page)
    server.asked.clear()
    page.reload()
    page.locator("video[data-quality=audio]").wait_for(timeout=15_000)
    wait_until_playing(page)

    assert open_setting(page, "Quality").input_value() == "audio"
    open_setting(page, "Quality").select_option("180p")
    page.locator("video[data-quality='180p']").wait_for(timeout=15_000)
    wait_until_playing(page)


def test_who_is_behind_can_go_back_to_live(stream, watch):
    page, _ = watch()
    wait_until_playing(page)
    live = page.get_by_role("button", name="Back to live")
    assert not live.is_visible()

    page.keyboard.press("k")
    live.wait_for(timeout=20_000)
    assert value(page, "paused")
    live.click()

    live.wait_for(state="hidden", timeout=5000)
    wait_until_playing(page)
    page.keyboard.press("j")
    live.wait_for(timeout=5000)
    page.keyboard.press("l")
    live.wait_for(state="hidden", timeout=5000)
    wait_until_playing(page)


def test_keys_move_the_player_and_can_be_turned_off(stream, watch):
    page, _ = watch()
    wait_until_playing(page)
    page.locator("video").evaluate("video => { video.muted = false; }")

    page.keyboard.press("m")
    assert value(page, "muted")
    page.get_by_role("button", name="Keys").focus()
    page.keyboard.press("ArrowDown")
    assert (value(page, "muted"), value(page, "volume")) == (False, 0.95)
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement?.matches('.stage')")
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement === null")

    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_label("Use these keys").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("m")

    assert not value(page, "muted")
    page.reload()
    wait_until_playing(page)
    assert value(page, "volume") == 0.95


def test_keys_play_go_by_seconds_and_change_the_volume(stream, watch):
    page, _ = watch()
    wait_until_playing(page)
    # There has to be something to go back to.
    stream.wait_for_more(8)
    page.keyboard.press("Space")
    page.wait_for_function("() => document.querySelector('video').paused")
    page.get_by_role("button", name="Keys").focus()
    paused_at = value(page, "currentTime")

    # How far it can go depends on what a live stream still has.
    page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"() => document.querySelector('video').currentTime < {paused_at}")
    earlier = value(page, "currentTime")
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"() => document.querySelector('video').currentTime > {earlier}")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert value(page, "volume") == pytest.approx(0.95)
    page.keyboard.press("p")
    page.wait_for_function("() => document.pictureInPictureElement?.matches('.stage video')")
    page.keyboard.press("p")
    page.wait_for_function("() => document.pictureInPictureElement === null")

    # On a button it is the button's key.
    page.keyboard.press("Space")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    assert value(page, "paused")
    page.locator("#content").focus()
    page.keyboard.press("Space")
    wait_until_playing(page)


def test_without_hls_js_the_browser_plays_it_itself(stream, watch):
    page, _ = watch()
    page.add_init_script("delete window.MediaSource; delete window.ManagedMediaSource;")

    page.reload()

    wait_until_playing(page, 20_000)
    assert page.locator("video").get_attribute("src").endswith("/stream.m3u8")


def test_youtube_is_asked_after_a_click_only(stage, new_page):
    page = new_page()
    asked = []
    # Nobody there is bothered by a test.
    page.context.route(
        re.compile("^https:"), lambda route: (asked.append(route.request.url), route.abort())
    )
    page.goto(f"{stage.url}/tube")
    link = page.get_by_role("link", name="Watch on YouTube")
    link.wait_for()
    page.wait_for_load_state("networkidle")
    assert asked == []

    with page.expect_request(re.compile("^https:")):
        link.click()

    assert asked == ["https://www.youtube-nocookie.com/embed/dQw4w9WgXcQ?autoplay=1"]
    assert page.locator(".stage iframe").get_attribute("title") == "Video on YouTube"
