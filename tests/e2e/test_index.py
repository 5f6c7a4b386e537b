"""The index in Chromium."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

THUMBNAIL_INTERVAL_MS = 31_000


@pytest.fixture
def schedule_talk_in(site):
    """Return a function that writes a schedule with one talk."""

    def schedule_talk_in(**time):
        start = datetime.now(UTC) + timedelta(**time)
        talk = Slot(start=start, end=start + timedelta(hours=1), title="Opening", guid="opening")
        rooms = {"example": RoomSchedule(timezone=ZoneInfo("UTC"), slots=(talk,))}
        save_schedule(Schedule(rooms=rooms), site.checkout / "var/schedule.json")

    return schedule_talk_in


@pytest.fixture
def open_index(new_page, site):
    """Return a function that opens the index with a controlled clock."""

    def open_index(offset=timedelta(), **options):
        page = new_page(**options)
        page.clock.install(time=datetime.now(UTC) + offset)
        page.goto(site.url)
        return page

    return open_index


@pytest.mark.parametrize("clock_error", [timedelta(0), timedelta(hours=5)])
def test_index_counts_down_by_the_servers_clock(schedule_talk_in, open_index, clock_error):
    schedule_talk_in(minutes=61, seconds=30)
    page = open_index(clock_error)
    countdown = page.locator("[data-countdown]")
    expect(countdown).to_have_text("1 h 2 min")

    page.clock.run_for(120_000)
    expect(countdown).to_have_text(re.compile(r"^59 min \d+ s$"))
    before = countdown.inner_text()
    page.clock.run_for(2000)
    assert countdown.inner_text() != before
    assert page.errors == []


@pytest.fixture
def write_thumbnail(site, root):
    """Return a function that writes a new thumbnail of a room."""

    def write_thumbnail(room):
        folder = site.checkout / "var/previews"
        folder.mkdir(parents=True, exist_ok=True)
        thumbnail = root / "src/streaming_system/frontend/static/no-signal.jpg"
        shutil.copyfile(thumbnail, folder / f"{room}.jpg")

    return write_thumbnail


def test_visible_thumbnails_of_live_rooms_are_updated(site, open_index, go_live, write_thumbnail):
    for room in ("example", "lab"):
        write_thumbnail(room)
    go_live("example")
    site.wait_for(lambda: "data-preview" in site.text("/"), 10, "a thumbnail")
    page = open_index(viewport={"width": 1280, "height": 800})
    thumbnail = page.locator("img[data-preview]")
    expect(thumbnail).to_have_count(1)
    thumbnail.evaluate("image => image.decode()")
    box = thumbnail.bounding_box()
    assert round(box["width"] / box["height"], 1) == 1.8

    page.clock.run_for(THUMBNAIL_INTERVAL_MS)
    expect(thumbnail).to_have_attribute("src", re.compile(r"/preview/example\.jpg\?at=\d+$"))
    assert thumbnail.evaluate("image => image.naturalWidth") == 640
    assert thumbnail.bounding_box() == box
    assert not [url for url in page.requested_urls if "/preview/lab" in url]

    # Thumbnails outside of the viewport, or of a hidden page, are not fetched.
    for hide_script in (
        "() => { document.querySelector('main').style.marginTop = '5000px'; }",
        "() => { document.querySelector('main').style.marginTop = '0';"
        " Object.defineProperty(document, 'hidden', { get: () => true }); }",
    ):
        page.evaluate(hide_script)
        page.evaluate("() => new Promise((done) => new IntersectionObserver(done)"
                      ".observe(document.querySelector('main')))")  # fmt: skip
        count = len([url for url in page.requested_urls if "/preview/" in url])
        page.clock.run_for(THUMBNAIL_INTERVAL_MS)
        assert len([url for url in page.requested_urls if "/preview/" in url]) == count
    assert page.errors == []
