"""What opens beside the player, and the theatre: a real Chromium on the real site."""

import json
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from .accessible import axe_violations
from .config import CONFERENCE_SETTING, GARDEN_TITLE
from .players import wait_until_playing

CHAT = "https://web.libera.chat/"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
ON_ITS_SIDE = {**PHONE, "viewport": {"width": 844, "height": 390}}


class Mastodon(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(
            [
                {
                    "created_at": datetime.now(UTC).isoformat(),
                    "content": "<p>What a talk</p>",
                    "url": "https://mastodon.example/@ada/1",
                    "account": {"username": "ada", "acct": "ada", "display_name": "Ada"},
                }
            ]
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def mastodon():
    """The address of a server with a post."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Mastodon) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def configuration(configuration, mastodon):
    """All rooms have posts; the garden has a room on Matrix in place of the example's chat."""
    configuration.add(CONFERENCE_SETTING, f'"posts": "#conf@{mastodon}",')
    configuration.add(GARDEN_TITLE, '"matrix": "#garden:m.example", "ircnetwork": false,')
    return configuration


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def elsewhere(page, site):
    return [url for url in page.asked if not url.startswith(site.url)]


def answer_as_chat(page):
    """Nobody there is bothered by a test."""
    page.route(
        re.compile("^https:"),
        lambda route: route.fulfill(body="<p>Welcome to the chat</p>", content_type="text/html"),
    )


def box(page, selector):
    found = page.locator(selector).bounding_box()
    return {
        "left": found["x"],
        "right": found["x"] + found["width"],
        "top": found["y"],
        "bottom": found["y"] + found["height"],
    }


def test_nobody_elses_server_is_asked_until_the_chat_is_opened(site, visit):
    page = visit("/example")
    answer_as_chat(page)
    button(page, "Posts").click()
    page.get_by_text("What a talk").wait_for()
    button(page, "Schedule").click()
    page.locator("#pane-programme .talk").first.wait_for()
    page.wait_for_load_state("networkidle")
    assert not page.get_by_text("What a talk").is_visible()
    assert elsewhere(page, site) == []

    button(page, "Chat").click()

    page.frame_locator("#pane-chat iframe").get_by_text("Welcome to the chat").wait_for()
    assert elsewhere(page, site) == [CHAT]
    frame = page.locator("#pane-chat iframe")
    assert frame.get_attribute("src") == f"{CHAT}#example-example"
    assert "allow-top-navigation" not in frame.get_attribute("sandbox")
    window = page.get_by_role("link", name="Open in its own window")
    assert window.get_attribute("href") == f"{CHAT}#example-example"
    button(page, "Close").click()
    assert page.locator("iframe").count() == 0
    assert page.complaints == []


def test_what_was_open_is_open_again_but_for_a_chat_that_nobody_asks_for(site, visit):
    page = visit("/example")
    answer_as_chat(page)
    button(page, "Chat").click()
    page.locator("iframe").wait_for()
    page.asked.clear()

    page.reload()

    page.get_by_text("Your browser tells it nothing until you open it.").wait_for()
    page.wait_for_load_state("networkidle")
    assert elsewhere(page, site) == []
    button(page, "Open the chat here").click()
    page.frame_locator("iframe").get_by_text("Welcome to the chat").wait_for()
    assert page.context.cookies(site.url) == []


def test_a_chat_that_no_page_may_frame_opens_beside_the_stream(site, visit):
    page = visit("/garden")
    page.context.route(re.compile("^https:"), lambda route: route.fulfill(body="Welcome"))

    with page.expect_popup() as other:
        page.locator(".under").get_by_role("link", name="Chat").click()

    assert other.value.url == "https://matrix.to/#/%23garden:m.example"
    assert page.url == f"{site.url}/garden"
    assert page.locator("[data-pane=chat]").count() == 0
    assert page.complaints == []


def test_the_player_plays_on_while_panels_open_and_close(stream, watch):
    page, _ = watch()
    answer_as_chat(page)
    wait_until_playing(page)
    page.evaluate(
        """() => {
          window.player = document.querySelector('.stage video');
          window.troubles = [];
          for (const name of ['emptied', 'pause', 'abort', 'ended'])
            player.addEventListener(name, () => troubles.push(name));
        }"""
    )

    for name in ("Posts", "Chat", "Theatre"):
        button(page, name).click()
        page.keyboard.press("Escape")

    assert page.evaluate("player === document.querySelector('.stage video')")
    assert page.evaluate("troubles") == []
    wait_until_playing(page)


def test_all_of_it_can_be_done_by_keyboard(visit):
    page = visit("/example")
    opener = button(page, "Posts")
    opener.focus()
    page.keyboard.press("Enter")
    page.get_by_text("What a talk").wait_for()
    assert opener.get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.activeElement.id") == "pane-posts"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Close"

    page.keyboard.press("Escape")

    assert opener.evaluate("element => element === document.activeElement")
    assert opener.get_attribute("aria-expanded") == "false"
    assert not page.locator("#pane-posts").is_visible()


def test_whoever_hears_the_page_or_sees_little_of_it_can_use_it(visit):
    page = visit("/example")
    found = {}

    def look(name):
        found[name] = axe_violations(page)

    button(page, "Posts").click()
    page.get_by_text("What a talk").wait_for()
    look("posts")
    button(page, "Schedule").click()
    page.locator("#pane-programme .talk").first.wait_for()
    look("programme")
    page.keyboard.press("Escape")
    button(page, "Theatre").click()
    look("theatre")
    page.goto(f"{page.url}/posts")
    look("page of posts")

    assert len(found) == 4
    assert not any(found.values()), found


def test_a_list_of_formats_closes_by_escape_and_by_a_click_beside_it(go_live, visit):
    go_live("example")
    page = visit("/example")
    # The page may be older than the registration.
    formats = page.locator(".formats summary")
    formats.wait_for(timeout=15_000)
    link = page.get_by_role("link", name="High quality, WebM")

    formats.press("Enter")
    assert link.is_visible()
    page.keyboard.press("Escape")
    assert not link.is_visible()
    assert formats.evaluate("element => element === document.activeElement")
    formats.click()
    page.locator(".about").click()
    assert not link.is_visible()


@pytest.mark.parametrize("size", [(1000, 700), (1280, 800), (3840, 2160)])
def test_on_a_wide_screen_a_panel_stands_beside_the_picture(visit, size):
    page = visit("/example", viewport=dict(zip(("width", "height"), size, strict=True)))
    button(page, "Posts").click()
    page.get_by_text("What a talk").wait_for()

    stage, pane = box(page, ".stage"), box(page, "#pane-posts")

    assert stage["right"] <= pane["left"]
    assert pane["top"] <= stage["bottom"]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_on_a_phone_it_is_below_the_picture_which_stays_in_sight(go_live, visit):
    go_live("example")
    page = visit("/example", **PHONE)
    page.locator(".stage video").wait_for(timeout=15_000)
    button(page, "Chat").wait_for()
    answer_as_chat(page)
    button(page, "Chat").click()
    page.locator("iframe").wait_for()

    stage, pane = box(page, ".stage"), box(page, "#pane-chat")

    assert 0 <= stage["top"] < stage["bottom"] <= pane["top"]
    assert pane["bottom"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_without_javascript_the_buttons_are_links(site, visit):
    page = visit("/example", java_script_enabled=False)
    chat = page.locator(".under").get_by_role("link", name="Chat")
    assert chat.get_attribute("href") == f"{CHAT}#example-example"
    assert page.locator(".pane:visible, [data-theatre]:visible").count() == 0

    page.locator(".under").get_by_role("link", name="Posts").click()

    page.get_by_role("heading", name="Posts with #conf").wait_for()
    assert page.get_by_text("What a talk").is_visible()
    assert elsewhere(page, site) == []


def test_posts_are_asked_for_each_minute_while_somebody_sees_them(new_page, site):
    page = new_page()
    page.clock.install()
    page.goto(f"{site.url}/example")

    def fetched():
        return len([url for url in page.asked if url.endswith("/example/posts")])

    with page.expect_response("**/example/posts"):
        button(page, "Posts").click()
    page.get_by_text("What a talk").wait_for()
    assert fetched() == 1
    with page.expect_response("**/example/posts"):
        page.clock.run_for(70_000)
    page.keyboard.press("Escape")
    page.clock.run_for(200_000)

    assert fetched() == 2


def test_posts_that_do_not_come_are_told_of_and_tried_again(visit):
    page = visit("/example")
    page.context.set_offline(True)
    button(page, "Posts").click()
    fails = page.locator("#pane-posts").get_by_text("This does not answer at the moment.")
    fails.wait_for()
    page.context.set_offline(False)

    button(page, "Close").click()
    button(page, "Posts").click()

    page.get_by_text("What a talk").wait_for()
    assert not fails.is_visible()


def test_the_theatre_shows_nothing_but_the_picture_until_one_leaves_it(site, visit):
    page = visit("/example")
    theatre = button(page, "Theatre")
    theatre.click()
    size = page.viewport_size
    assert box(page, ".stage") == {
        "left": 0, "top": 0, "right": size["width"], "bottom": size["height"],
    }  # fmt: skip
    shown = page.locator("header, .room-actions, .columns").locator("visible=true")
    assert shown.count() == 0

    page.keyboard.press("Escape")

    assert shown.count() == 3
    assert theatre.evaluate("element => element === document.activeElement")
    # As the player's key does.
    page.evaluate("document.dispatchEvent(new CustomEvent('theatre'))")
    assert shown.count() == 0
    page.reload()
    button(page, "Leave theatre").wait_for()
    assert shown.count() == 0
    button(page, "Leave theatre").click()
    assert shown.count() == 3
    page.reload()
    theatre.wait_for()
    assert shown.count() == 3


def test_the_theatre_holds_for_its_tab_only(site, visit):
    page = visit("/example")
    button(page, "Theatre").click()

    other = page.context.new_page()
    other.goto(f"{site.url}/example")

    button(other, "Theatre").wait_for()
    assert other.locator("header").is_visible()


def test_a_phone_on_its_side_shows_the_player_alone(go_live, visit):
    go_live("example")
    page = visit("/example", **ON_ITS_SIDE)
    page.locator(".stage video").wait_for(timeout=15_000)

    assert not page.locator("header").is_visible()
    assert box(page, ".stage") == {"left": 0, "top": 0, "right": 844, "bottom": 390}
    # The rest is below.
    page.locator(".under h1").scroll_into_view_if_needed()
    assert box(page, ".under h1")["bottom"] <= 390
