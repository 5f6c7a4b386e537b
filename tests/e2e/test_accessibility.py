"""Keyboard navigation of all pages, and the checks of axe-core."""

import pytest

from streaming_system.theme.loader import example_names

from .accessibility import OPEN_ALL_DETAILS, axe_violations, keyboard_problems
from .pages import first_talk_path

PHONE, DESKTOP = 360, 1280


def page_problems(page, url, path, tab_widths=(PHONE, DESKTOP), width=DESKTOP):
    """Return the problems of a page, which is loaded once for all widths and schemes."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": (*tab_widths, width)[0], "height": 800})
    page.goto(url + path)
    problems = []
    for tab_width in tab_widths:
        page.set_viewport_size({"width": tab_width, "height": 800})
        problems += [f"{path} at {tab_width}: {line}" for line in keyboard_problems(page)]
    page.set_viewport_size({"width": width, "height": 800})
    # Folded content is checked, too.
    page.evaluate(OPEN_ALL_DETAILS)
    return problems + [f"{path} {line}" for line in axe_violations(page)]


@pytest.mark.timeout(600)
def test_pages_for_visitors_are_accessible(page_paths, site, visit):
    page = visit("/")

    problems = [
        line for path in page_paths["visitors"] for line in page_problems(page, site.url, path)
    ]

    assert problems == []


@pytest.mark.timeout(600)
def test_crew_pages_are_accessible(page_paths, log_in, site, visit):
    page = visit("/tracker/admin/login")
    problems = page_problems(page, site.url, "/tracker/admin/login", [PHONE])
    log_in(page)
    page.get_by_role("button", name="Log out").wait_for()

    # Crew pages are the same at any width.
    for path in page_paths["crew"]:
        problems += page_problems(page, site.url, path, [PHONE])

    assert problems == []


# A theme only changes colours: other kinds of pages are checked in exhaustive runs.
@pytest.mark.parametrize(
    "paths",
    [
        ["/", "/example"],
        pytest.param(["/lab", "/schedule", "talk"], marks=pytest.mark.exhaustive),
    ],
    ids=["main", "others"],
)
@pytest.mark.parametrize("theme", example_names())
def test_themes_are_accessible(site, go_live, visit, paths):
    go_live("example")
    page = visit("/")
    paths = [first_talk_path(site) if path == "talk" else path for path in paths]

    problems = [line for path in paths for line in page_problems(page, site.url, path, [])]

    assert problems == []


def test_pages_on_a_phone_are_accessible(go_live, site, visit):
    go_live("example")
    page = visit("/")

    problems = [
        line
        for path in ("/", "/example", "/schedule")
        for line in page_problems(page, site.url, path, [], width=320)
    ]

    assert problems == []
