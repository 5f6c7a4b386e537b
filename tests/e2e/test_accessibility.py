"""Any page can be used without a mouse and without seeing it: Tab, and what axe-core finds."""

import pytest

from streaming_system.theme.loader import example_names

from .accessible import OPEN_ALL_DETAILS, axe_violations, keyboard_problems
from .pages import first_talk_path

PHONE, DESKTOP = 360, 1280


def wrong_on(page, url, path, walked_at=(PHONE, DESKTOP), width=DESKTOP):
    """Return what is wrong with a page, which is loaded once for all widths and schemes."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": (*walked_at, width)[0], "height": 800})
    page.goto(url + path)
    found = []
    for walked in walked_at:
        page.set_viewport_size({"width": walked, "height": 800})
        found += [f"{path} at {walked}: {one}" for one in keyboard_problems(page)]
    page.set_viewport_size({"width": width, "height": 800})
    # What is folded away is read, too.
    page.evaluate(OPEN_ALL_DETAILS)
    return found + [f"{path} {one}" for one in axe_violations(page)]


@pytest.mark.timeout(600)
def test_visitors_can_use_every_page(every_page, site, visit):
    page = visit("/")

    found = [one for path in every_page["visitors"] for one in wrong_on(page, site.url, path)]

    assert found == []


@pytest.mark.timeout(600)
def test_the_crew_can_use_every_page(every_page, crew, site, visit):
    page = visit("/tracker/admin/login")
    found = wrong_on(page, site.url, "/tracker/admin/login", [PHONE])
    crew(page)
    page.get_by_role("button", name="Log out").wait_for()

    # The crew's pages are the same at any width.
    for path in every_page["crew"]:
        found += wrong_on(page, site.url, path, [PHONE])

    assert found == []


# Colours are of the theme alone: a page of each kind is only worth checking now and then.
@pytest.mark.parametrize(
    "paths",
    [
        ["/", "/example"],
        pytest.param(["/lab", "/schedule", "talk"], marks=pytest.mark.exhaustive),
    ],
    ids=["main", "others"],
)
@pytest.mark.parametrize("theme", example_names())
def test_axe_finds_nothing_in_any_theme(site, go_live, visit, paths):
    go_live("example")
    page = visit("/")
    paths = [first_talk_path(site) if path == "talk" else path for path in paths]

    found = [one for path in paths for one in wrong_on(page, site.url, path, [])]

    assert found == []


def test_axe_finds_nothing_on_a_phone(go_live, site, visit):
    go_live("example")
    page = visit("/")

    found = [
        one
        for path in ("/", "/example", "/schedule")
        for one in wrong_on(page, site.url, path, [], width=320)
    ]

    assert found == []
