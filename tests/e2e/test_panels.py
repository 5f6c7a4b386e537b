"""The panels beside the player in Chromium."""

import json
import re
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from .accessibility import axe_violations
from .config import CONFERENCE_SETTING, GARDEN_TITLE
from .player_site import wait_until_playing

CHAT = "https://web.libera.chat/"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


class MastodonHandler(BaseHTTPRequestHandler):
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
    """The URL of a Mastodon server with one post."""
    with ThreadingHTTPServer(("127.0.0.1", 0), MastodonHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def configuration(configuration, mastodon):
    """All rooms have posts; the garden has a Matrix room instead of an IRC channel."""
    configuration.add(CONFERENCE_SETTING, f'"posts": "#conf@{mastodon}",')
    configuration.add(GARDEN_TITLE, '"matrix": "#garden:m.example", "ircnetwork": false,')
    return configuration


def button(page, name):
    return page.get_by_role("button", name=name, exact=True)


def external_urls(page, site):
    return [url for url in page.requested_urls if not url.startswith(site.url)]


def stub_chat(page):
    """Respond to requests to the chat: tests must not send any."""
    page.route(
        re.compile("^https:"),
        lambda route: route.fulfill(body="<p>Welcome to the chat</p>", content_type="text/html"),
    )


def box(page, selector):
    rectangle = page.locator(selector).bounding_box()
    return {
        "left": rectangle["x"],
        "right": rectangle["x"] + rectangle["width"],
        "top": rectangle["y"],
        "bottom": rectangle["y"] + rectangle["height"],
    }


def test_opening_the_chat_sends_the_first_third_party_request(site, visit):
    page = visit("/example")
    stub_chat(page)
    button(page, "Posts").click()
    page.get_by_text("What a talk").wait_for()
    button(page, "Schedule").click()
    page.locator("#pane-programme .talk").first.wait_for()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("What a talk")).not_to_be_visible()
    assert external_urls(page, site) == []

    button(page, "Chat").click()

    page.frame_locator("#pane-chat iframe").get_by_text("Welcome to the chat").wait_for()
    assert external_urls(page, site) == [CHAT]
    frame = page.locator("#pane-chat iframe")
    expect(frame).to_have_attribute("src", f"{CHAT}#example-example")
    assert "allow-top-navigation" not in frame.get_attribute("sandbox")
    window = page.get_by_role("link", name="Open in a new window")
    expect(window).to_have_attribute("href", f"{CHAT}#example-example")
    button(page, "Close").click()
    expect(page.locator("iframe")).to_have_count(0)
    assert page.errors == []


def test_open_panel_is_restored_without_connecting_the_chat(site, visit):
    page = visit("/example")
    stub_chat(page)
    button(page, "Chat").click()
    page.locator("iframe").wait_for()
    page.requested_urls.clear()

    page.reload()

    page.get_by_text("Nothing is sent there until you open it.").wait_for()
    page.wait_for_load_state("networkidle")
    assert external_urls(page, site) == []
    button(page, "Open the chat here").click()
    page.frame_locator("iframe").get_by_text("Welcome to the chat").wait_for()
    assert page.context.cookies(site.url) == []


def test_chat_that_forbids_frames_opens_in_a_tab(site, visit):
    page = visit("/garden")
    page.context.route(re.compile("^https:"), lambda route: route.fulfill(body="Welcome"))

    with page.expect_popup() as popup:
        page.locator(".under").get_by_role("link", name="Chat").click()

    assert popup.value.url == "https://matrix.to/#/%23garden:m.example"
    expect(page).to_have_url(f"{site.url}/garden")
    expect(page.locator("[data-pane=chat]")).to_have_count(0)
    assert page.errors == []


def test_player_continues_while_panels_open_and_close(stream, open_room):
    page, _ = open_room()
    stub_chat(page)
    wait_until_playing(page)
    page.evaluate(
        """() => {
          window.player = document.querySelector('.stage video');
          window.interruptions = [];
          for (const name of ['emptied', 'pause', 'abort', 'ended'])
            player.addEventListener(name, () => interruptions.push(name));
        }"""
    )

    for name in ("Posts", "Chat", "Theatre mode"):
        button(page, name).click()
        page.keyboard.press("Escape")

    assert page.evaluate("player === document.querySelector('.stage video')")
    assert page.evaluate("interruptions") == []
    wait_until_playing(page)


def test_panels_can_be_used_by_keyboard(visit):
    page = visit("/example")
    opener = button(page, "Posts")
    opener.focus()
    page.keyboard.press("Enter")
    page.get_by_text("What a talk").wait_for()
    expect(opener).to_have_attribute("aria-expanded", "true")
    assert page.evaluate("document.activeElement.id") == "pane-posts"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Close"

    page.keyboard.press("Escape")

    assert opener.evaluate("element => element === document.activeElement")
    expect(opener).to_have_attribute("aria-expanded", "false")
    expect(page.locator("#pane-posts")).not_to_be_visible()


def test_panels_and_theatre_are_accessible(visit):
    page = visit("/example")
    violations = {}

    def check(name):
        violations[name] = axe_violations(page)

    button(page, "Posts").click()
    page.get_by_text("What a talk").wait_for()
    check("posts")
    button(page, "Schedule").click()
    page.locator("#pane-programme .talk").first.wait_for()
    check("programme")
    page.keyboard.press("Escape")
    button(page, "Theatre mode").click()
    check("theatre")
    page.goto(f"{page.url}/posts")
    check("page of posts")

    assert len(violations) == 4
    assert not any(violations.values()), violations


def test_list_of_formats_closes_by_escape_and_by_a_click_outside(go_live, visit):
    go_live("example")
    page = visit("/example")
    # The page may have been rendered before the registration.
    formats = page.locator(".formats summary")
    formats.wait_for(timeout=15_000)
    link = page.get_by_role("link", name="High quality, WebM")

    formats.press("Enter")
    expect(link).to_be_visible()
    page.keyboard.press("Escape")
    expect(link).not_to_be_visible()
    assert formats.evaluate("element => element === document.activeElement")
    formats.click()
    page.locator(".about").click()
    expect(link).not_to_be_visible()


@pytest.mark.parametrize("size", [(1000, 700), (1280, 800), (3840, 2160)])
def test_panel_is_beside_the_video_on_a_wide_screen(visit, size):
    page = visit("/example", viewport=dict(zip(("width", "height"), size, strict=True)))
    button(page, "Posts").click()
    page.get_by_text("What a talk").wait_for()

    video, pane = box(page, ".stage"), box(page, "#pane-posts")

    assert video["right"] <= pane["left"]
    assert pane["top"] <= video["bottom"]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_panel_is_below_the_video_on_a_phone(go_live, visit):
    go_live("example")
    page = visit("/example", **PHONE)
    page.locator(".stage video").wait_for(timeout=15_000)
    button(page, "Chat").wait_for()
    stub_chat(page)
    button(page, "Chat").click()
    page.locator("iframe").wait_for()

    video, pane = box(page, ".stage"), box(page, "#pane-chat")

    assert 0 <= video["top"] < video["bottom"] <= pane["top"]
    assert pane["bottom"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_buttons_are_links_without_javascript(site, visit):
    page = visit("/example", java_script_enabled=False)
    chat = page.locator(".under").get_by_role("link", name="Chat")
    expect(chat).to_have_attribute("href", f"{CHAT}#example-example")
    expect(page.locator(".pane:visible, [data-theatre]:visible")).to_have_count(0)

    page.locator(".under").get_by_role("link", name="Posts").click()

    page.get_by_role("heading", name="Posts with #conf").wait_for()
    expect(page.get_by_text("What a talk")).to_be_visible()
    assert external_urls(page, site) == []


def test_posts_are_fetched_each_minute_while_visible(new_page, site):
    page = new_page()
    page.clock.install()
    page.goto(f"{site.url}/example")

    def fetched():
        return len([url for url in page.requested_urls if url.endswith("/example/posts")])

    with page.expect_response("**/example/posts"):
        button(page, "Posts").click()
    page.get_by_text("What a talk").wait_for()
    assert fetched() == 1
    with page.expect_response("**/example/posts"):
        page.clock.run_for(70_000)
    page.keyboard.press("Escape")
    page.clock.run_for(200_000)

    assert fetched() == 2


def test_failed_fetch_of_posts_shows_an_error_and_is_retried(visit):
    page = visit("/example")
    page.context.set_offline(True)
    button(page, "Posts").click()
    error = page.locator("#pane-posts").get_by_text("Not responding right now.")
    error.wait_for()
    page.context.set_offline(False)

    button(page, "Close").click()
    button(page, "Posts").click()

    page.get_by_text("What a talk").wait_for()
    expect(error).not_to_be_visible()
