"""Several conferences on one site, in Chromium."""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import serialize_schedule

NOW = datetime.now(UTC).replace(microsecond=0)
CONFERENCES = {
    "ada-conf": ("Engines", timedelta(minutes=-10), "Europe/Berlin", "terminal"),
    "bob": ("Bridges", timedelta(minutes=-10), "Australia/Sydney", "festival"),
    "old": ("History", timedelta(days=-30), "UTC", ""),
    "soon": ("Futures", timedelta(days=30), "UTC", ""),
}


@pytest.fixture
def configuration(configuration):
    configuration.keys["events.folder"] = "%(here)s/events"
    for name, (title, offset, zone, theme) in CONFERENCES.items():
        slot = Slot(
            start=NOW + offset, end=NOW + offset + timedelta(hours=3), title=title, guid="one"
        )
        rooms = {"hall": RoomSchedule(timezone=ZoneInfo(zone), slots=(slot,))}
        files = {
            "config.json": json.dumps(
                {
                    "config": {"theme": theme, "languages": ["en", "de"]},
                    "default": {"title": f"{title} Conference"},
                    "hall": {"title": "Great Hall"},
                }
            ),
            "var/schedule.json": serialize_schedule(Schedule(rooms=rooms)),
        }
        configuration.files |= {f"events/{name}/{path}": text for path, text in files.items()}
    return configuration


def save_screenshot(page, name):
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("width", [1280, 390])
def test_list_and_pages_of_conferences_fit_the_window(visit, width):
    page = visit("/events", viewport={"width": width, "height": 900})
    headings = page.locator(".conferences > h2")
    expect(headings).to_have_text(["On now", "Upcoming", "Past conferences"])
    save_screenshot(page, f"events-{width}")
    for path in ("/events", "/", "/ada-conf/", "/bob/hall", "/old/"):
        page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + path)
        expect(page.locator("main")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        save_screenshot(page, f"{path.strip('/').replace('/', '-') or 'index'}-{width}")
    assert page.errors == []


def test_conferences_keep_their_own_favourites_workers_and_streams(visit, site):
    page = visit("/ada-conf/schedule")
    star = page.locator(".star").first
    star.click()
    expect(star).to_have_attribute("aria-pressed", "true")
    scope = page.evaluate("navigator.serviceWorker.ready.then(({ scope }) => scope)")
    assert scope == f"{site.url}/ada-conf/"

    page.goto(f"{site.url}/bob/schedule")
    # Its talk has the same id.
    expect(page.locator(".star").first).to_have_attribute("aria-pressed", "false")

    page.goto(f"{site.url}/ada-conf/")
    expect(page.locator("[data-live='true']")).to_have_count(0)
    site.register("ada_conf__hall", 3)
    expect(page.locator("[data-live='true']")).to_have_count(1, timeout=30_000)
    other = visit("/bob/")
    expect(other.locator(".card")).to_have_attribute("data-live", "false")
    assert page.errors == []
    assert other.errors == []


def test_archive_polls_no_tracker(visit):
    page = visit("/old/")
    expect(page.locator("h1, h2").filter(has_text=re.compile("is over"))).to_be_visible()
    page.goto(page.url + "hall")
    page.goto(page.url.removesuffix("hall") + "schedule?day=all")
    expect(page.get_by_text("History").first).to_be_visible()
    assert [url for url in page.requested_urls if "/tracker/" in url] == []
    assert page.errors == []
