"""Theatre mode in Chromium."""

from playwright.sync_api import expect

from .test_panels import PHONE, box, button

LANDSCAPE_PHONE = {**PHONE, "viewport": {"width": 844, "height": 390}}


def test_theatre_shows_only_the_video_until_the_viewer_leaves(site, visit):
    page = visit("/example")
    theatre = button(page, "Theatre mode")
    theatre.click()
    size = page.viewport_size
    assert box(page, ".stage") == {
        "left": 0, "top": 0, "right": size["width"], "bottom": size["height"],
    }  # fmt: skip
    other_parts = page.locator("header, .room-actions, .columns").locator("visible=true")
    expect(other_parts).to_have_count(0)

    page.keyboard.press("Escape")

    expect(other_parts).to_have_count(3)
    assert theatre.evaluate("element => element === document.activeElement")
    # Like the player's keyboard shortcut.
    page.evaluate("document.dispatchEvent(new CustomEvent('theatre'))")
    expect(other_parts).to_have_count(0)
    page.reload()
    button(page, "Exit theatre mode").wait_for()
    expect(other_parts).to_have_count(0)
    button(page, "Exit theatre mode").click()
    expect(other_parts).to_have_count(3)
    page.reload()
    theatre.wait_for()
    expect(other_parts).to_have_count(3)


def test_theatre_applies_to_its_tab_only(site, visit):
    page = visit("/example")
    button(page, "Theatre mode").click()

    other = page.context.new_page()
    other.goto(f"{site.url}/example")

    button(other, "Theatre mode").wait_for()
    expect(other.locator("header")).to_be_visible()


def test_phone_in_landscape_shows_only_the_player(go_live, visit):
    go_live("example")
    page = visit("/example", **LANDSCAPE_PHONE)
    page.locator(".stage video").wait_for(timeout=15_000)

    expect(page.locator("header")).not_to_be_visible()
    assert box(page, ".stage") == {"left": 0, "top": 0, "right": 844, "bottom": 390}
    # Other parts are below.
    page.locator(".under h1").scroll_into_view_if_needed()
    assert box(page, ".under h1")["bottom"] <= 390
