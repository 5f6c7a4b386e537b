"""A tracker on another origin: only pages of the site may send requests to it."""

import pytest
from playwright.sync_api import expect
from ports import free_port

from .config import set_ini_key
from .conftest import page_opener
from .sites import set_up_data
from .test_playback_reports import PLAYBACK_PATH, wait_until_wanted
from .test_separate_apps import PSERVE, set_port


@pytest.fixture
def ports():
    """The ports of the frontend and the tracker, which are different origins for browsers."""
    return free_port(), free_port()


@pytest.fixture
def split_sites(checkout, serve_command, run_command, ports, streams, allowed):
    """Frontend and tracker as on two hosts; return the site of each."""
    pages, tracker = (f"http://127.0.0.1:{port}" for port in ports)
    set_up_data(checkout, run_command)
    set_port(checkout, "server:frontend", ports[0])
    set_port(checkout, "server:tracker", ports[1])
    ini = checkout / "development.ini"
    set_ini_key(ini, "tracker.url", f"{tracker}/tracker")
    set_ini_key(ini, "tracker.internal_url", f"{tracker}/tracker")
    set_ini_key(ini, "endpoint.url", f"http://{{host}}:{streams}/")
    text = ini.read_text()
    allowed = allowed.replace("PAGES", pages)
    ini.write_text(text.replace("[app:tracker]\n", f"[app:tracker]\nallowed_origins = {allowed}\n"))
    with (
        serve_command(PSERVE, "development.ini#tracker", url=tracker) as tracker_site,
        serve_command(PSERVE, "development.ini#frontend", url=pages) as frontend_site,
    ):
        yield frontend_site, tracker_site


def go_live(tracker):
    tracker.register("example", 1, REMOTE_ADDR="127.0.0.1")


@pytest.mark.parametrize("allowed", ["PAGES"])
def test_page_of_the_site_turns_live_plays_and_reports(split_sites, chromium, resume_streams):
    pages, tracker = split_sites
    with page_opener(chromium, pages) as visit:
        page = visit("/example")
        expect(page.locator("video")).to_have_count(0)

        go_live(tracker)

        page.locator("video").wait_for(timeout=30_000)
        wait_until_wanted(page)
        tracker.wait_for(
            lambda: tracker.get(PLAYBACK_PATH).json()["viewers"]["players"] == 1, 30, "a viewer"
        )
        assert page.errors == []
        # There are no requests to other hosts, except for the stream.
        urls = [url for url in page.requested_urls if ".webm" not in url]
        assert {url.split("/")[2] for url in urls} <= {pages.url[7:], tracker.url[7:]}


@pytest.mark.parametrize("allowed", ["https://live.example.org"])
def test_page_of_another_origin_gets_no_data(split_sites, chromium):
    pages, tracker = split_sites
    go_live(tracker)
    with page_opener(chromium, pages) as visit:
        page = visit("/example")

        with page.expect_event(
            "requestfailed", lambda request: request.url.endswith("/streams.json")
        ):
            page.reload()

        assert any("CORS" in error for error in page.errors)
