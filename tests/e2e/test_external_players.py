"""A room's source changes to another stream or external player during playback."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from .config import MAIN_HALL_TITLE
from .test_player import wait_until_playing

# In the future, so that the tracker, which has no ?delta=, always uses the first source.
CHANGE_AT = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
EXTERNAL_SITE = "https://player.example"


@pytest.fixture
def sources(configuration, request):
    """Return a function that starts the site; its room has two sources, one after the other."""

    def sources(first, second):
        listed = json.dumps([first, second | {"from": CHANGE_AT.isoformat()}])
        configuration.add(MAIN_HALL_TITLE, f'"sources": {listed},')
        return request.getfixturevalue("site")

    return sources


@pytest.fixture
def open_room(new_page):
    """Return a function that opens the room's page four seconds before the change."""

    def open_room(site):
        page = new_page()
        page.context.route(
            f"{EXTERNAL_SITE}/**",
            lambda route: route.fulfill(body=f"<title>{route.request.url}</title>",
                                        content_type="text/html"),
        )  # fmt: skip
        delta = int((CHANGE_AT - timedelta(seconds=4) - datetime.now(UTC)).total_seconds())
        page.goto(f"{site.url}/example?delta={delta}")
        page.evaluate("window.isSameDocument = true")
        return page

    return open_room


def test_playing_stream_is_replaced_by_the_next_source(sources, open_room, stream, origin):
    server = origin()
    site = sources({"url": server.url}, {"iframe": f"{EXTERNAL_SITE}/second"})
    page = open_room(site)
    wait_until_playing(page)

    link = page.get_by_role("link", name="Watch on player.example")
    link.wait_for(timeout=15_000)

    expect(page.locator("video")).to_have_count(0)
    assert page.evaluate("isSameDocument") is True
    # The old player has stopped its requests.
    stream.wait_for_more()
    count = len(server.requested_paths)
    stream.wait_for_more()
    link.click()
    page.frame_locator(".stage iframe").locator("title").wait_for(state="attached")
    assert [frame.url for frame in page.frames[1:]] == [f"{EXTERNAL_SITE}/second"]
    assert len(server.requested_paths) == count
    assert page.errors == []


def test_consent_to_an_external_player_includes_its_next_video(sources, open_room):
    site = sources({"iframe": f"{EXTERNAL_SITE}/first"}, {"iframe": f"{EXTERNAL_SITE}/second"})
    page = open_room(site)
    assert page.frames[1:] == []
    page.get_by_role("link", name="Watch on player.example").click()
    page.locator(f"iframe[src='{EXTERNAL_SITE}/first']").wait_for()

    page.locator(f"iframe[src='{EXTERNAL_SITE}/second']").wait_for(timeout=15_000)

    expect(page.locator("iframe")).to_have_count(1)
    assert page.evaluate("isSameDocument") is True
    assert page.errors == []


def test_external_player_is_not_loaded_without_consent(sources, open_room):
    site = sources({"iframe": f"{EXTERNAL_SITE}/first"}, {"iframe": f"{EXTERNAL_SITE}/second"})
    page = open_room(site)

    page.locator(f"[data-frame='{EXTERNAL_SITE}/second']").wait_for(timeout=15_000)

    expect(page.locator("iframe")).to_have_count(0)
