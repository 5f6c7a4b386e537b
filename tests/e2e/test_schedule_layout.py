"""The layout of the schedule page, and its use by keyboard."""

import re
from itertools import product

import pytest
from playwright.sync_api import expect

from .schedule_pages import WIDE, at_noon

HEADS = ".grid-heads thead th"
# The heights of cards and the positions of hours, in pixels per minute.
SCALES = """() => {
  const grid = document.querySelector('.grid');
  const minutes = (element) => {
    const times = [...element.querySelectorAll('.when time')];
    const [start, end] = times.map((time) => new Date(time.dateTime));
    return (end - start) / 60000;
  };
  const cards = [...grid.querySelectorAll('.talk')].map(
    (card) => card.getBoundingClientRect().height / minutes(card));
  const hours = [...grid.querySelectorAll('.hour th')].map((th) => th.getBoundingClientRect().top);
  const lines = hours.slice(1).map((top, number) => (top - hours[number]) / 60);
  return [...cards, ...lines];
}"""
CUT_TEXTS = """() => [...document.querySelectorAll('.grid .talk > div')].filter((text) => {
  const card = text.parentElement.getBoundingClientRect();
  return text.getBoundingClientRect().bottom > card.bottom + 1;
}).length"""


@pytest.fixture
def write_busy_day(write_schedule):
    """Write a day of many rooms' talks of very different lengths."""
    hours = range(-300, 360, 60)
    write_schedule(
        *(("example", start, 55, f"A{start}") for start in hours),
        *(("garden", start + 20, 60, f"B{start}") for start in hours),
        ("lab", -300, 720, "Exhibition"),
        *(("lab", start + 45, 25, f"A title that needs several lines {start}") for start in hours),
        ("lab", 5, 5, "Lightning"),
    )


def test_grid_has_one_scale_and_scrolls_with_the_page(
    open_schedule, write_schedule, write_busy_day
):
    page = open_schedule("/schedule?view=grid", viewport={"width": 480, "height": 600})
    page.locator(".now-line:visible").wait_for()

    scales = page.evaluate(SCALES)
    assert max(scales) - min(scales) < 0.15, scales
    assert page.evaluate(CUT_TEXTS) == 0
    # The page is at the current time, and its wheel scrolls the page over the grid.
    box = page.locator(".now-line").bounding_box()
    assert 100 < box["y"] < 400
    time = page.locator(".now-time").bounding_box()
    assert abs(time["y"] + time["height"] / 2 - box["y"] - box["height"] / 2) <= 1
    top = page.evaluate("scrollY")
    page.mouse.move(300, 300)
    page.mouse.wheel(0, 200)
    page.wait_for_function("top => scrollY >= top + 200", arg=top)
    expect(page.locator(HEADS).first).to_be_in_viewport()
    assert page.locator(HEADS).first.bounding_box()["y"] < 2
    # The text of a long talk moves along.
    expect(page.locator(".tall a", has_text="Exhibition")).to_be_in_viewport()

    page.mouse.wheel(150, 0)
    page.wait_for_function("() => document.querySelector('.grid-scroll').scrollLeft >= 100")
    heads = page.locator(HEADS).evaluate_all("all => all.map((e) => e.getBoundingClientRect().x)")
    columns = page.locator(".grid thead th").evaluate_all(
        "all => all.map((e) => e.getBoundingClientRect().x)"
    )
    assert heads == columns
    assert page.locator(".grid tbody th").first.bounding_box()["x"] < 40
    page.get_by_role("button", name="Previous rooms").click()
    page.wait_for_function("() => document.querySelector('.grid-scroll').scrollLeft === 0")
    expect(page.get_by_role("button", name="Previous rooms")).to_be_disabled()


def test_list_begins_now_and_folds_what_is_over(open_schedule, write_schedule):
    write_schedule(
        ("example", -120, 60, "Over"), ("garden", -120, 30, "Over, too"),
        ("example", 0, 60, "Current"), ("garden", 60, 30, "Later"),
    )  # fmt: skip
    page = open_schedule(viewport={"width": 390, "height": 844})
    summary = page.get_by_text("Earlier today (2)")
    for path in ("", "/schedule?view=list"):
        if path:
            page.goto(page.url.split("/schedule")[0] + at_noon(path))
        summary.wait_for()

        talk = page.locator(".talk:visible").first
        expect(talk).to_contain_text("Current")
        assert talk.bounding_box()["y"] < 844 / 3
        expect(page.locator("#views [aria-current]")).to_have_text("List")

    summary.click()
    expect(page.locator(".talk:visible")).to_have_count(4)


def test_schedule_can_be_used_by_keyboard(open_schedule):
    page = open_schedule(viewport={"width": 1000, "height": 600})
    page.locator(".now-line:visible").wait_for()
    page.get_by_role("region", name=re.compile("rooms across")).evaluate(
        "region => { scrollTo(0, 0); region.focus({ preventScroll: true }); }"
    )
    page.keyboard.press("PageDown")
    page.wait_for_function("() => scrollY > 100")

    page.get_by_role("button", name="Jump to now").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Opening"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Favourite: Opening"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile("/talk/Opening"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Opening", use_inner_text=True)


def test_schedule_fits_every_screen_without_third_party_requests(open_schedule, site):
    page = open_schedule()
    for path in ("/schedule", "/schedule?view=list", "/schedule?view=grid",
                 "/schedule?day=all", "/garden/schedule", "/talk/Opening"):  # fmt: skip
        page.goto(site.url + at_noon(path))
        page.locator(".star, .favourite").first.wait_for()

        for width, direction in product((320, 768, 1280, 3840), ("ltr", "rtl")):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(f"document.documentElement.dir = '{direction}'")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width, direction)
        assert [url for url in page.requested_urls if not url.startswith(site.url)] == []
        assert page.errors == []


def test_narrow_screen_and_print_show_a_list(open_schedule):
    page = open_schedule(viewport={"width": 320, "height": 700})

    expect(page.locator(".grid thead")).not_to_be_visible()
    expect(page.locator(".talk .chip").first).to_be_visible()
    times = page.locator(".grid tbody th:visible time").all_inner_texts()
    assert times == ["12:00", "12:10", "12:20", "13:10", "22:10"]

    page.set_viewport_size(WIDE)
    expect(page.locator(".grid thead")).to_be_visible()
    expect(page.locator(".talk .chip").first).not_to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".talk .chip").first).to_be_visible()
    for selector in (
        ".star",
        ".search",
        ".days",
        ".masthead nav",
        ".for-scripts",
        ".now-line",
        ".now-time",
    ):
        expect(page.locator(selector).first).not_to_be_visible()
