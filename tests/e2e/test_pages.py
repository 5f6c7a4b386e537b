"""The site's pages in Chromium."""

import re
import time
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

PAGES = ("/", "/example", "/garden", "/schedule", "/garden/schedule",
         "/example?template=inroom", "/monitor", "/nowhere",
         "/tracker/endpoint/stats", "/graphs", "/graphs?range=event")  # fmt: skip


def test_index_shows_a_room_that_goes_live_without_a_reload(visit, site, go_live):
    page = visit("/")
    expect(page.locator("h2")).to_have_text("Nothing is live right now.", use_inner_text=True)
    page.evaluate("window.isSameDocument = true")

    go_live("example")

    card = page.locator("[data-room=example][data-live=true]")
    card.wait_for(timeout=15_000)
    assert "Main Hall" in card.inner_text()
    assert card.locator(".badge").inner_text().endswith("Live")
    expect(page.locator("details.folded .card")).to_have_count(2)
    assert page.evaluate("window.isSameDocument") is True


def test_room_page_gets_its_player_without_a_reload(visit, site, go_live):
    page = visit("/example")
    expect(page.locator("video")).to_have_count(0)

    with page.expect_request("http://127.0.0.1:8080/webcast-high.webm", timeout=15_000):
        go_live("example")

    expect(page.locator(".stage video")).to_have_count(1)


def test_remaining_minutes_count_down(new_page, site):
    page = new_page()
    page.clock.install()
    before = open_and_read_minutes(page, site)

    page.clock.run_for(60_000)

    page.locator(".under").get_by_text(f"{before - 1} min left").wait_for(timeout=15_000)


def open_and_read_minutes(page, site):
    """Open a room's page; return its remaining minutes after the clock is set."""
    left = page.locator(".under [data-left]")

    def clear_minutes(route):
        left.evaluate("element => { element.textContent = '' }")
        route.continue_()

    page.route("**/streams.json", clear_minutes, times=1)
    with page.expect_response("**/streams.json"):
        page.goto(site.url + "/example")
    minutes = page.locator(".under [data-left]", has_text="min left")
    return int(re.match(r"(\d+) min left", minutes.inner_text())[1])


def test_folded_rooms_open_by_keyboard(visit, go_live):
    go_live("example")
    page = visit("/")

    page.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(r"/(garden|lab)$"))


def test_every_page_fits_every_screen_without_third_party_requests(visit, site, go_live):
    go_live("example")
    page = visit("/")
    for path in PAGES:
        page.requested_urls.clear()
        page.errors.clear()
        page.goto(site.url + path)

        for width, scheme in product((320, 768, 1280, 3840), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width, scheme)
        external = [url for url in page.requested_urls if not url.startswith(site.url)]
        # The player requests the stream, whose server is unreachable.
        assert [url for url in external if "webcast" not in url] == [], path
        expected = ["404"] if path == "/nowhere" else ["ERR_CONNECTION_REFUSED"]
        assert [
            error for error in page.errors if not any(text in error for text in expected)
        ] == [], path


def test_pages_work_without_javascript(visit, site, go_live):
    go_live("example")

    page = visit("/", java_script_enabled=False)
    page.locator("[data-room=example] > a").click()

    expect(page).to_have_url(f"{site.url}/example")
    assert page.locator("h1").inner_text()
    expect(page.locator("video")).to_have_count(1)
    assert page.locator(".programme li").count() > 2


@pytest.fixture
def write_schedule(site):
    """Return a function that replaces the schedule of the running site.

    Each talk is given by room, minutes from now to its start, length in minutes, and title.
    """

    def write_schedule(*talks, abstract=""):
        now = datetime.now(UTC).replace(microsecond=0)
        rooms = {}
        for room, start, minutes, title in talks:
            start_time = now + timedelta(minutes=start)
            rooms.setdefault(room, []).append(
                Slot(
                    start=start_time,
                    end=start_time + timedelta(minutes=minutes),
                    title=title,
                    guid=title,
                    abstract=abstract,
                )
            )
        save_schedule(
            Schedule(
                rooms={
                    room: RoomSchedule(timezone=ZoneInfo("UTC"), slots=tuple(slots))
                    for room, slots in rooms.items()
                }
            ),
            site.checkout / "var/schedule.json",
        )

    return write_schedule


def test_long_words_and_lines_of_code_fit_every_screen(visit, site, write_schedule, go_live):
    word = "Donaudampfschifffahrtsgesellschaftskapitänsmütze" * 3
    code = f"<pre>{'x = 1; ' * 60}</pre>"
    write_schedule(
        ("example", -10, 30, word), ("example", 20, 30, word), ("lab", 5, 30, word), abstract=code
    )
    go_live("example")
    page = visit("/")
    for path in ("/", "/example", "/lab", "/example?template=inroom", "/monitor"):
        page.goto(site.url + path)

        for width in (320, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_monitor_shows_its_last_column_beside_long_titles(visit, write_schedule):
    write_schedule(("example", -10, 30, "Donaudampfschifffahrtsgesellschaft" * 4))

    page = visit("/monitor", viewport={"width": 1280, "height": 800})

    box = page.locator("thead th").last.bounding_box()
    assert box["x"] + box["width"] <= 1280


@pytest.mark.parametrize("clock_error", [timedelta(minutes=-12), timedelta(minutes=12)])
def test_remaining_minutes_do_not_depend_on_the_viewers_clock(
    new_page, site, write_schedule, clock_error
):
    write_schedule(("example", -10, 60, "A talk"))
    page = new_page()
    page.clock.install(time=datetime.now(UTC) + clock_error)

    assert open_and_read_minutes(page, site) in (49, 50)


def test_page_shows_the_current_talk_after_being_offline(new_page, site, write_schedule):
    write_schedule(("example", -30, 31, "First"), ("example", 1, 30, "Second"))
    page = new_page()
    page.clock.install()
    page.goto(site.url + "/example")
    expect(page.locator("h1")).to_have_text("First", use_inner_text=True)

    # The talk ends while the browser is offline, so the refresh of the page fails.
    page.context.set_offline(True)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/example")):
        page.clock.fast_forward(70_000)
    write_schedule(("example", -1, 30, "Second"))
    page.context.set_offline(False)
    page.clock.fast_forward(30_000)

    page.get_by_role("heading", name="Second", level=1).wait_for(timeout=10_000)


@pytest.mark.parametrize(
    ("viewers", "min_seconds", "max_seconds"), [(3, 62, 75), (200_000, 80, 125)]
)
def test_pages_spread_their_refresh_by_the_number_of_viewers(
    new_page, site, write_schedule, go_live, viewers, min_seconds, max_seconds
):
    go_live("example", viewers)
    write_schedule(("example", -29, 30, "First"), ("example", 1, 30, "Second"))
    written_at = time.monotonic()
    page = new_page()
    # Almost the end of the spread.
    page.add_init_script("Math.random = () => 0.9")
    page.clock.install()
    with page.expect_event(
        "requestfinished", lambda request: request.url.endswith("/streams.json")
    ):
        page.goto(site.url + "/example")
    expect(page.locator("h1")).to_have_text("First", use_inner_text=True)
    fetched = []
    page.on(
        "request",
        lambda request: fetched.append(request) if request.url.endswith("/example") else None,
    )

    page.clock.run_for(1000 * (min_seconds - (time.monotonic() - written_at)))
    assert fetched == []
    with page.expect_event("request", lambda request: request.url.endswith("/example")):
        page.clock.run_for(1000 * (max_seconds - min_seconds))


def test_graphs_show_live_rooms_and_update(visit, site, go_live):
    go_live("example")
    page = visit("/graphs?range=10")
    legend = page.locator(".graph").first.locator(".legend li")
    legend.first.wait_for()
    page.evaluate("window.isSameDocument = true")
    expect(page.locator(".graph canvas")).to_have_count(2)
    assert page.locator(".graph h2").all_inner_texts() == [
        "Overall Bitrate Mbit/s",
        "Overall Clients viewers",
    ]

    go_live("garden")
    page.locator(".graph .legend li:nth-child(2)").first.wait_for(timeout=15_000)
    page.locator("details summary").first.click()
    page.get_by_role("link", name="1 hour").click()

    expect(page).to_have_url(f"{site.url}/graphs?range=60")
    assert page.evaluate("window.isSameDocument")
    rows = page.locator(".graph table").first.locator("tbody tr th").all_inner_texts()
    assert rows[0] == "Together"
    assert len(rows) == 3
    page.go_back()
    expect(page.locator("[data-range='10']")).to_have_attribute("aria-current", "true")
    assert page.errors == []


def test_graphs_link_to_the_endpoints_of_a_room(visit, site, go_live):
    go_live("example")
    page = visit("/graphs?range=10")

    page.locator(".legend a").first.click()

    page.locator(".graph canvas").first.wait_for()
    expect(page).to_have_url(f"{site.url}/graphs?room=example&range=10")
    expect(page.get_by_role("link", name="All rooms")).to_have_attribute("href", "/graphs?range=10")


def test_graphs_without_javascript_link_to_the_data(visit, site):
    page = visit("/graphs", java_script_enabled=False)

    link = page.locator("noscript a, .notice a").first.get_attribute("href")
    assert site.get(link).json()["graphs"]
