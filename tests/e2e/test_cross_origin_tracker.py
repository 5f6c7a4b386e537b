"""A tracker with a name of its own: pages of the site may ask it, in a real browser; no others."""

import pytest
from ports import free_port

from .config import set_ini_key
from .conftest import page_opener
from .served import set_up_data
from .test_apart import PSERVE, move
from .test_playback import FIGURES, go_on, streams, wait_until_it_wants_to_play  # noqa: F401 - Fixtures.


@pytest.fixture
def ports():
    """Where the pages and the tracker are: each port is a site of its own to browsers."""
    return free_port(), free_port()


@pytest.fixture
def apart(checkout, serve, run, ports, streams, allowed):  # noqa: F811 - The fixture's name.
    """The two halves as two hosts have them; return the pages' site, and the tracker's."""
    pages, tracker = (f"http://127.0.0.1:{port}" for port in ports)
    set_up_data(checkout, run)
    move(checkout, "server:frontend", ports[0])
    move(checkout, "server:tracker", ports[1])
    ini = checkout / "development.ini"
    set_ini_key(ini, "tracker.url", f"{tracker}/tracker")
    set_ini_key(ini, "tracker.internal_url", f"{tracker}/tracker")
    set_ini_key(ini, "endpoint.url", f"http://{{host}}:{streams}/")
    text = ini.read_text()
    allowed = allowed.replace("PAGES", pages)
    ini.write_text(text.replace("[app:tracker]\n", f"[app:tracker]\nallowed_origins = {allowed}\n"))
    with (
        serve(PSERVE, "development.ini#tracker", url=tracker) as theirs,
        serve(PSERVE, "development.ini#frontend", url=pages) as ours,
    ):
        yield ours, theirs


def go_live(tracker):
    tracker.register("example", 1, REMOTE_ADDR="127.0.0.1")


@pytest.mark.parametrize("allowed", ["PAGES"])
def test_an_open_page_turns_live_plays_and_reports(apart, chromium, go_on):  # noqa: F811
    pages, tracker = apart
    with page_opener(chromium, pages) as visit:
        page = visit("/example")
        assert page.locator("video").count() == 0

        go_live(tracker)

        page.locator("video").wait_for(timeout=30_000)
        wait_until_it_wants_to_play(page)
        tracker.wait_for(
            lambda: tracker.get(FIGURES).json()["viewers"]["players"] == 1, 30, "a viewer"
        )
        assert page.complaints == []
        # Besides the streaming server's, no other host was asked.
        assert {address.split("/")[2] for address in page.asked} <= {
            pages.url[7:], tracker.url[7:], *(a.split("/")[2] for a in page.asked if ".webm" in a),
        }  # fmt: skip


@pytest.mark.parametrize("allowed", ["https://live.example.org"])
def test_pages_of_others_learn_nothing_from_it(apart, chromium):
    pages, tracker = apart
    go_live(tracker)
    with page_opener(chromium, pages) as visit:
        page = visit("/example")

        with page.expect_event("requestfailed", lambda one: one.url.endswith("/streams.json")):
            page.reload()

        assert any("CORS" in complaint for complaint in page.complaints)
