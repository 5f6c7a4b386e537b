"""A room's source changes at its moment under viewers who watch: a real browser, the real site."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from .config import MAIN_HALL_TITLE
from .test_player import wait_until_playing

# So far away that the tracker, which has no ?delta=, sees the first source all the time.
MOMENT = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
SITE = "https://player.example"


@pytest.fixture
def sources(configuration, request):
    """Return a function that starts the site with a room of two sources, one after the other."""

    def sources(first, second):
        listed = json.dumps([first, second | {"from": MOMENT.isoformat()}])
        configuration.add(MAIN_HALL_TITLE, f'"sources": {listed},')
        return request.getfixturevalue("site")

    return sources


@pytest.fixture
def watch(new_page):
    """Return a function that opens the room's page four seconds before its source changes."""

    def watch(site):
        page = new_page()
        page.context.route(
            f"{SITE}/**",
            lambda route: route.fulfill(body=f"<title>{route.request.url}</title>",
                                        content_type="text/html"),
        )  # fmt: skip
        delta = int((MOMENT - timedelta(seconds=4) - datetime.now(UTC)).total_seconds())
        page.goto(f"{site.url}/example?delta={delta}")
        page.evaluate("window.stillTheSamePage = true")
        return page

    return watch


def test_a_stream_that_plays_gives_way_to_what_comes_next(sources, watch, stream, origin):
    server = origin()
    site = sources({"url": server.url}, {"iframe": f"{SITE}/second"})
    page = watch(site)
    wait_until_playing(page)

    link = page.get_by_role("link", name="Watch on player.example")
    link.wait_for(timeout=15_000)

    assert page.locator("video").count() == 0
    assert page.evaluate("stillTheSamePage") is True
    # The old player has left: nobody asks for its stream any more.
    stream.wait_for_more()
    asked = len(server.asked)
    stream.wait_for_more()
    link.click()
    page.frame_locator(".stage iframe").locator("title").wait_for(state="attached")
    assert [frame.url for frame in page.frames[1:]] == [f"{SITE}/second"]
    assert len(server.asked) == asked
    assert page.complaints == []


def test_whoever_has_asked_for_a_site_s_player_gets_its_next_video(sources, watch):
    site = sources({"iframe": f"{SITE}/first"}, {"iframe": f"{SITE}/second"})
    page = watch(site)
    assert page.frames[1:] == []
    page.get_by_role("link", name="Watch on player.example").click()
    page.locator(f"iframe[src='{SITE}/first']").wait_for()

    page.locator(f"iframe[src='{SITE}/second']").wait_for(timeout=15_000)

    assert page.locator("iframe").count() == 1
    assert page.evaluate("stillTheSamePage") is True
    assert page.complaints == []


def test_nobody_is_asked_before_the_viewer_wants_it(sources, watch):
    site = sources({"iframe": f"{SITE}/first"}, {"iframe": f"{SITE}/second"})
    page = watch(site)

    page.locator(f"[data-frame='{SITE}/second']").wait_for(timeout=15_000)

    assert page.locator("iframe").count() == 0
