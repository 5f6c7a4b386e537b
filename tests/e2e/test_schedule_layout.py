"""The layout of the schedule page, and its use by keyboard."""

import re
from itertools import product

import pytest
from playwright.sync_api import expect

from .schedule_pages import WIDE, at_noon

COVERED_STARS = """() => {
  const head = document.querySelector('.grid thead th').getBoundingClientRect();
  const boxes = [...document.querySelectorAll('.star')].map((star) => star.getBoundingClientRect());
  return boxes.filter(({ top, bottom }) => top < head.bottom - 1 && bottom > head.top + 1).length;
}"""


def test_headings_of_the_grid_stay_visible(open_schedule):
    page = open_schedule(viewport={"width": 1000, "height": 500})
    region = page.get_by_role("region", name=re.compile("rooms across"))
    region.focus()
    top = region.bounding_box()["y"]

    region.evaluate("region => region.scrollTo(200, 600)")

    head = page.locator(".grid thead th").first.bounding_box()
    time = page.locator(".grid tbody th").first.bounding_box()
    box = region.bounding_box()
    assert 0 <= head["y"] - box["y"] <= 2
    assert 0 <= time["x"] - box["x"] <= 4
    assert box["y"] == top


def test_schedule_can_be_used_by_keyboard(open_schedule):
    page = open_schedule(viewport={"width": 1000, "height": 600})
    region = page.get_by_role("region", name=re.compile("rooms across"))
    region.evaluate(
        "region => { region.scrollTop = 0; region.focus();"
        " window.scrolled = new Promise((done) => region.addEventListener('scrollend', done)); }"
    )
    page.keyboard.press("PageDown")
    page.evaluate("window.scrolled.then(() => true)")
    assert region.evaluate("region => region.scrollTop") > 0

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
        page.locator(".star").first.wait_for()

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
    for selector in (".star", ".search", ".days", ".masthead nav", ".for-scripts", ".now-line"):
        expect(page.locator(selector).first).not_to_be_visible()


@pytest.mark.parametrize("height", [720, 800, 940])
def test_grid_scrolled_to_now_covers_no_star(open_schedule, write_schedule, height):
    hours = range(-300, 360, 60)
    write_schedule(
        *(("example", start, 55, f"A{start}") for start in hours),
        *(("garden", start + 20, 60, f"B{start}") for start in hours),
        *(("lab", start + 45, 60, f"C{start}") for start in hours),
    )
    page = open_schedule("/schedule?view=grid", viewport={"width": 1280, "height": height})
    page.locator(".now-line:visible").wait_for()
    page.wait_for_function("() => document.querySelector('.grid-scroll').scrollTop > 0")

    assert page.evaluate(COVERED_STARS) == 0
    assert page.locator(".now-line").evaluate(
        """line => {
          const [inner, outer] = [line, line.parentElement].map((e) => e.getBoundingClientRect());
          return inner.top > outer.top && inner.bottom < outer.bottom;
        }"""
    )
