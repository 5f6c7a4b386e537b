"""The index as people see it: a real Chromium on the real site."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

NEW_PICTURE = 31_000


@pytest.fixture
def begins_in(site):
    """Return a function that gives the hall its only talk."""

    def begins_in(**time):
        start = datetime.now(UTC) + timedelta(**time)
        talk = Slot(start=start, end=start + timedelta(hours=1), title="Opening", guid="opening")
        rooms = {"example": RoomSchedule(timezone=ZoneInfo("UTC"), events=(talk,))}
        save_schedule(Schedule(rooms=rooms), site.checkout / "var/schedule.json")

    return begins_in


@pytest.fixture
def open_index(new_page, site):
    """Return a function that opens the index with a clock that tests can move."""

    def open_index(offset=timedelta(), **options):
        page = new_page(**options)
        page.clock.install(time=datetime.now(UTC) + offset)
        page.goto(site.url)
        return page

    return open_index


@pytest.mark.parametrize("wrong_by", [timedelta(0), timedelta(hours=5)])
def test_it_counts_down_by_the_site_s_clock(begins_in, open_index, wrong_by):
    begins_in(minutes=61, seconds=30)
    page = open_index(wrong_by)
    countdown = page.locator("[data-countdown]")
    expect(countdown).to_have_text("1 h 2 min")

    page.clock.run_for(120_000)
    expect(countdown).to_have_text(re.compile(r"^59 min \d+ s$"))
    before = countdown.inner_text()
    page.clock.run_for(2000)
    assert countdown.inner_text() != before
    assert page.complaints == []


@pytest.fixture
def put_picture(site, root):
    """Return a function that writes a fresh picture of a room, as an encoder would."""

    def put_picture(room):
        folder = site.checkout / "var/previews"
        folder.mkdir(parents=True, exist_ok=True)
        picture = root / "src/streaming_system/frontend/static/no-signal.jpg"
        shutil.copyfile(picture, folder / f"{room}.jpg")

    return put_picture


def test_pictures_of_live_rooms_in_sight_are_renewed_in_place(
    site, open_index, go_live, put_picture
):
    for room in ("example", "lab"):
        put_picture(room)
    go_live("example")
    site.wait_for(lambda: "data-preview" in site.text("/"), 10, "a picture")
    page = open_index(viewport={"width": 1280, "height": 800})
    picture = page.locator("img[data-preview]")
    expect(picture).to_have_count(1)
    picture.evaluate("image => image.decode()")
    box = picture.bounding_box()
    assert round(box["width"] / box["height"], 1) == 1.8

    page.clock.run_for(NEW_PICTURE)
    expect(picture).to_have_attribute("src", re.compile(r"/preview/example\.jpg\?at=\d+$"))
    assert picture.evaluate("image => image.naturalWidth") == 640
    assert picture.bounding_box() == box
    assert not [url for url in page.asked if "/preview/lab" in url]

    # Out of sight, or with the page hidden, nothing is asked for.
    for away in (
        "() => { document.querySelector('main').style.marginTop = '5000px'; }",
        "() => { document.querySelector('main').style.marginTop = '0';"
        " Object.defineProperty(document, 'hidden', { get: () => true }); }",
    ):
        page.evaluate(away)
        page.evaluate("() => new Promise((done) => new IntersectionObserver(done)"
                      ".observe(document.querySelector('main')))")  # fmt: skip
        asked = len([url for url in page.asked if "/preview/" in url])
        page.clock.run_for(NEW_PICTURE)
        assert len([url for url in page.asked if "/preview/" in url]) == asked
    assert page.complaints == []
