"""Going from room to room without loading the world anew: a real Chromium on the real site."""

import re

import pytest
from playwright.sync_api import expect

from .config import GARDEN_TITLE
from .players import wait_until_playing

SCROLL = """() => new Promise((done) => {
  addEventListener('scrollend', done, { once: true });
  scrollTo(0, 200);
})"""
IN_SIGHT = """item => {
  const [outer, inner] = [item.closest('ul'), item].map((e) => e.getBoundingClientRect());
  return inner.left >= outer.left && inner.right <= outer.right;
}"""


@pytest.fixture
def rooms(configuration, request):
    """Return a function that starts the site with something more about its last room."""

    def rooms(more):
        configuration.add(GARDEN_TITLE, more)
        return request.getfixturevalue("site")

    return rooms


@pytest.fixture
def hall(request):
    """Return a function that opens a room's page, and marks the document."""

    def hall(**options):
        visit = request.getfixturevalue("visit")
        page = visit("/example", **({"viewport": {"width": 1280, "height": 800}} | options))
        page.evaluate("window.stillTheSamePage = true")
        return page

    return hall


def still_the_same(page):
    return page.evaluate("window.stillTheSamePage === true")


def is_shown(page, title):
    expect(page).to_have_title(re.compile(f"^{title} "))


def switch_to(page, title):
    page.locator(".switcher").get_by_role("link", name=title).click()
    is_shown(page, title)


def test_another_room_is_shown_and_the_document_survives(hall, site):
    page = hall()
    first_heading = page.locator("h1").inner_text()

    switch_to(page, "The Lab")

    assert still_the_same(page)
    assert page.url == f"{site.url}/lab"
    assert page.locator(".stage").get_attribute("data-room") == "lab"
    assert page.locator("link[type='application/rss+xml']").get_attribute("href") == "/lab/rss"
    assert page.locator(".switcher [aria-current]").get_attribute("href") == "/lab"
    assert page.locator("h1").inner_text() != first_heading
    assert page.evaluate("document.activeElement === document.querySelector('h1')")
    assert page.evaluate("scrollY") == 0
    assert page.locator("[role=status]").last.inner_text() == page.title()

    page.evaluate(SCROLL)
    page.go_back()
    is_shown(page, "Main Hall")
    assert still_the_same(page)
    assert page.url == f"{site.url}/example"
    assert page.locator("h1").inner_text() == first_heading
    assert page.evaluate("scrollY") == 0

    page.go_forward()
    is_shown(page, "The Lab")
    assert still_the_same(page)
    assert page.evaluate("scrollY") == 200
    page.reload()
    assert page.title().startswith("The Lab")
    assert page.complaints == []


def test_the_player_of_the_old_room_leaves(stream, watch):
    page, server = watch()
    wait_until_playing(page)
    page.evaluate("window.stillTheSamePage = true")

    switch_to(page, "Main Hall")
    stream.wait_for_more()
    asked = len(server.asked)
    stream.wait_for_more()
    assert len(server.asked) == asked
    page.go_back()
    page.locator(".stage video").wait_for()
    wait_until_playing(page)

    assert still_the_same(page)
    assert page.locator(".player-bar").count() == 1
    assert page.complaints == []


def test_a_room_that_needs_more_than_the_page_allows_is_loaded(rooms, hall):
    rooms('"sources": [{"iframe": "https://player.example/embed"}],')
    page = hall()

    switch_to(page, "Garden Stage")
    assert not still_the_same(page)
    assert page.get_by_role("link", name="Watch on player.example").is_visible()
    assert page.complaints == []

    # What allows more shows what needs less.
    page.evaluate("window.stillTheSamePage = true")
    switch_to(page, "The Lab")
    assert still_the_same(page)


def test_a_click_that_asks_for_another_tab_gets_one(hall, site):
    page = hall()
    link = page.locator(".switcher").get_by_role("link", name="The Lab")

    for options in ({"modifiers": ["Control"]}, {"button": "middle"}):
        with page.context.expect_page() as opened:
            link.click(**options)
        assert opened.value.url == f"{site.url}/lab"
    assert page.url == f"{site.url}/example"


def test_the_keyboard_gets_there_on_wide_screens_and_on_phones(hall):
    page = hall()
    link = page.locator(".switcher").get_by_role("link", name="The Lab")
    link.focus()
    page.keyboard.press("Enter")
    is_shown(page, "The Lab")
    assert still_the_same(page)

    page = hall(viewport={"width": 360, "height": 640})
    assert not page.locator(".switcher li").first.is_visible()
    page.locator(".switcher summary").focus()
    page.keyboard.press("Enter")
    page.locator(".switcher").get_by_role("link", name="The Lab").click()
    is_shown(page, "The Lab")
    assert still_the_same(page)


def test_without_scripts_links_lead_there(visit, site):
    page = visit("/example", java_script_enabled=False)

    page.locator(".switcher").get_by_role("link", name="The Lab").click()

    page.wait_for_url(f"{site.url}/lab")
    is_shown(page, "The Lab")


def test_the_room_is_in_sight_among_many_and_the_list_says_what_is_live(rooms, hall, request):
    many = ", ".join(
        f'"r{n}": {{"title": "Workshop room {n}", "schedule-key": "Lab"}}' for n in range(60)
    )
    rooms(f'"": ""}}, {many}, "last": {{"title": "The last one",')
    request.getfixturevalue("go_live")("lab")
    page = hall()

    assert page.locator(".switcher li").count() == 64
    page.locator(".switcher li[data-room=lab][data-live=true]").wait_for(timeout=15_000)
    assert page.locator(".switcher li").first.get_attribute("data-room") == "lab"
    assert page.locator(".switcher li[data-live=true]").count() == 1
    switch_to(page, "Workshop room 59")
    assert still_the_same(page)
    assert page.locator(".switcher li:has([aria-current])").evaluate(IN_SIGHT)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_a_page_that_fails_is_left_to_the_browser(hall, site):
    page = hall()
    page.route("**/lab", lambda route: route.abort() if route.request.resource_type == "fetch"
               else route.continue_())  # fmt: skip

    page.locator(".switcher").get_by_role("link", name="The Lab").click()

    page.wait_for_url(f"{site.url}/lab")
    is_shown(page, "The Lab")
    assert not still_the_same(page)


def test_panels_and_the_theatre_are_those_of_the_room_that_is_shown(hall, site):
    page = hall()
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.locator("#pane-programme")).to_contain_text("Main Hall")

    switch_to(page, "The Lab")

    # What was open stays open, about the room that is shown.
    expect(page.locator("#pane-programme")).to_be_visible()
    expect(page.locator("#pane-programme h2").first).to_have_text("Schedule of The Lab")
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.locator("#pane-programme")).to_be_hidden()
    page.get_by_role("button", name="Theatre", exact=True).click()
    expect(page.locator("html")).to_have_class(re.compile("theatre"))
    page.keyboard.press("Escape")
    expect(page.locator("html")).not_to_have_class(re.compile("theatre"))
    assert still_the_same(page)
