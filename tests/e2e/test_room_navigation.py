"""Navigation between rooms without a page load."""

import re

import pytest
from playwright.sync_api import expect

from .config import GARDEN_TITLE
from .player_site import wait_until_playing

SCROLL = """() => new Promise((done) => {
  addEventListener('scrollend', done, { once: true });
  scrollTo(0, 200);
})"""
IS_IN_VIEWPORT = """item => {
  const [outer, inner] = [item.closest('ul'), item].map((e) => e.getBoundingClientRect());
  return inner.left >= outer.left && inner.right <= outer.right;
}"""


@pytest.fixture
def start_with(configuration, request):
    """Return a function that adds settings of the last room, and starts the site."""

    def start_with(settings):
        configuration.add(GARDEN_TITLE, settings)
        return request.getfixturevalue("site")

    return start_with


@pytest.fixture
def open_hall(request):
    """Return a function that opens a room's page, and marks its document."""

    def open_hall(**options):
        visit = request.getfixturevalue("visit")
        page = visit("/example", **({"viewport": {"width": 1280, "height": 800}} | options))
        page.evaluate("window.isSameDocument = true")
        return page

    return open_hall


def is_same_document(page):
    return page.evaluate("window.isSameDocument === true")


def expect_room(page, title):
    expect(page).to_have_title(re.compile(f"^{title} "))


def switch_to(page, title):
    page.locator(".switcher").get_by_role("link", name=title).click()
    expect_room(page, title)


def test_room_change_keeps_the_document(open_hall, site):
    page = open_hall()
    first_heading = page.locator("h1").inner_text()

    switch_to(page, "The Lab")

    assert is_same_document(page)
    expect(page).to_have_url(f"{site.url}/lab")
    expect(page.locator(".stage")).to_have_attribute("data-room", "lab")
    expect(page.locator("link[type='application/rss+xml']")).to_have_attribute("href", "/lab/rss")
    expect(page.locator(".switcher [aria-current]")).to_have_attribute("href", "/lab")
    assert page.locator("h1").inner_text() != first_heading
    assert page.evaluate("document.activeElement === document.querySelector('h1')")
    assert page.evaluate("scrollY") == 0
    assert page.locator("[role=status]").last.inner_text() == page.title()

    page.evaluate(SCROLL)
    page.go_back()
    expect_room(page, "Main Hall")
    assert is_same_document(page)
    expect(page).to_have_url(f"{site.url}/example")
    expect(page.locator("h1")).to_have_text(first_heading, use_inner_text=True)
    assert page.evaluate("scrollY") == 0

    page.go_forward()
    expect_room(page, "The Lab")
    assert is_same_document(page)
    assert page.evaluate("scrollY") == 200
    page.reload()
    assert page.title().startswith("The Lab")
    assert page.errors == []


def test_room_change_stops_the_player_of_the_old_room(stream, open_room):
    page, server = open_room()
    wait_until_playing(page)
    page.evaluate("window.isSameDocument = true")

    switch_to(page, "Main Hall")
    stream.wait_for_more()
    count = len(server.requested_paths)
    stream.wait_for_more()
    assert len(server.requested_paths) == count
    page.go_back()
    page.locator(".stage video").wait_for()
    wait_until_playing(page)

    assert is_same_document(page)
    expect(page.locator(".player-bar")).to_have_count(1)
    assert page.errors == []


def test_room_with_a_wider_security_policy_is_loaded_as_a_page(start_with, open_hall):
    start_with('"sources": [{"iframe": "https://player.example/embed"}],')
    page = open_hall()

    switch_to(page, "Garden Stage")
    assert not is_same_document(page)
    expect(page.get_by_role("link", name="Watch on player.example")).to_be_visible()
    assert page.errors == []

    # A page with the wider policy shows the other rooms without a page load.
    page.evaluate("window.isSameDocument = true")
    switch_to(page, "The Lab")
    assert is_same_document(page)


def test_click_with_a_modifier_opens_a_tab(open_hall, site):
    page = open_hall()
    link = page.locator(".switcher").get_by_role("link", name="The Lab")

    for options in ({"modifiers": ["Control"]}, {"button": "middle"}):
        with page.context.expect_page() as opened:
            link.click(**options)
        opened.value.wait_for_url(f"{site.url}/lab")
    expect(page).to_have_url(f"{site.url}/example")


def test_rooms_can_be_selected_by_keyboard_on_any_screen(open_hall):
    page = open_hall()
    link = page.locator(".switcher").get_by_role("link", name="The Lab")
    link.focus()
    page.keyboard.press("Enter")
    expect_room(page, "The Lab")
    assert is_same_document(page)

    page = open_hall(viewport={"width": 360, "height": 640})
    expect(page.locator(".switcher li").first).not_to_be_visible()
    page.locator(".switcher summary").focus()
    page.keyboard.press("Enter")
    page.locator(".switcher").get_by_role("link", name="The Lab").click()
    expect_room(page, "The Lab")
    assert is_same_document(page)


def test_links_work_without_javascript(visit, site):
    page = visit("/example", java_script_enabled=False)

    page.locator(".switcher").get_by_role("link", name="The Lab").click()

    page.wait_for_url(f"{site.url}/lab")
    expect_room(page, "The Lab")


def test_list_of_many_rooms_shows_the_current_room_and_live_rooms(start_with, open_hall, request):
    many = ", ".join(
        f'"r{n}": {{"title": "Workshop room {n}", "schedule-key": "Lab"}}' for n in range(60)
    )
    start_with(f'"": ""}}, {many}, "last": {{"title": "The last one",')
    request.getfixturevalue("go_live")("lab")
    page = open_hall()

    expect(page.locator(".switcher li")).to_have_count(64)
    page.locator(".switcher li[data-room=lab][data-live=true]").wait_for(timeout=15_000)
    # The order is that of the configuration.
    expect(page.locator(".switcher li").first).to_have_attribute("data-room", "example")
    expect(page.locator(".switcher li[data-live=true]")).to_have_count(1)
    switch_to(page, "Workshop room 59")
    assert is_same_document(page)
    assert page.locator(".switcher li:has([aria-current])").evaluate(IS_IN_VIEWPORT)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_failed_fetch_falls_back_to_a_page_load(open_hall, site):
    page = open_hall()
    page.route("**/lab", lambda route: route.abort() if route.request.resource_type == "fetch"
               else route.continue_())  # fmt: skip

    page.locator(".switcher").get_by_role("link", name="The Lab").click()

    page.wait_for_url(f"{site.url}/lab")
    expect_room(page, "The Lab")
    assert not is_same_document(page)


def test_panels_and_theatre_belong_to_the_current_room(open_hall, site):
    page = open_hall()
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.locator("#pane-programme")).to_contain_text("Main Hall")

    switch_to(page, "The Lab")

    # The open panel stays open, with the content of the new room.
    expect(page.locator("#pane-programme")).to_be_visible()
    expect(page.locator("#pane-programme h2").first).to_have_text("Schedule of The Lab")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator("#pane-programme")).to_be_hidden()
    page.get_by_role("button", name="Theatre mode", exact=True).click()
    expect(page.locator("html")).to_have_class(re.compile("theatre"))
    page.keyboard.press("Escape")
    expect(page.locator("html")).not_to_have_class(re.compile("theatre"))
    assert is_same_document(page)
