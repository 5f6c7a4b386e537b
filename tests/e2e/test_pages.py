"""The site as people see it: a real Chromium on the real site."""

import re
import time
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

PAGES = ("/", "/example", "/garden", "/schedule", "/garden/schedule",
         "/example?template=inroom", "/monitor", "/nowhere",
         "/tracker/endpoint/stats", "/graphs", "/graphs?range=event")  # fmt: skip


def test_a_room_that_goes_live_appears_without_a_reload(visit, site, go_live):
    page = visit("/")
    assert page.locator("h2").inner_text() == "Nothing is streaming right now."
    page.evaluate("window.stillTheSamePage = true")

    go_live("example")

    card = page.locator("[data-room=example][data-live=true]")
    card.wait_for(timeout=15_000)
    assert "Main Hall" in card.inner_text()
    assert card.locator(".badge").inner_text().endswith("Live")
    assert page.locator("details.folded .card").count() == 2
    assert page.evaluate("window.stillTheSamePage") is True


def test_a_room_page_gets_its_player_without_a_reload(visit, site, go_live):
    page = visit("/example")
    assert page.locator("video").count() == 0

    with page.expect_request("http://127.0.0.1:8080/webcast-high.webm", timeout=15_000):
        go_live("example")

    assert page.locator(".stage video").count() == 1


def test_the_minutes_left_count_down(new_page, site):
    page = new_page()
    page.clock.install()
    before = minutes_by_the_server_s_clock(page, site)

    page.clock.run_for(60_000)

    page.locator(".under").get_by_text(f"{before - 1} min left").wait_for(timeout=15_000)


def minutes_by_the_server_s_clock(page, site):
    """Open a room's page; return the minutes left that it shows when it has heard the time."""
    left = page.locator(".under [data-left]")

    def forget_the_minutes(route):
        left.evaluate("element => { element.textContent = '' }")
        route.continue_()

    page.route("**/streams.json", forget_the_minutes, times=1)
    with page.expect_response("**/streams.json"):
        page.goto(site.url + "/example")
    shown = page.locator(".under [data-left]", has_text="min left")
    return int(re.match(r"(\d+) min left", shown.inner_text())[1])


def test_the_folded_rooms_can_be_opened_by_keyboard(visit, go_live):
    go_live("example")
    page = visit("/")

    page.locator("summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile(r"/(garden|lab)$"))


def test_every_page_fits_every_screen_and_asks_nobody_else(visit, site, go_live):
    go_live("example")
    page = visit("/")
    for path in PAGES:
        page.asked.clear()
        page.complaints.clear()
        page.goto(site.url + path)

        for width, scheme in product((320, 768, 1280, 3840), ("light", "dark")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width, scheme)
        elsewhere = [url for url in page.asked if not url.startswith(site.url)]
        # The player asks the stream server for what it is there for; here nobody answers.
        assert [url for url in elsewhere if "webcast" not in url] == [], path
        expected = ["404"] if path == "/nowhere" else ["ERR_CONNECTION_REFUSED"]
        assert [c for c in page.complaints if not any(e in c for e in expected)] == [], path


def test_the_pages_work_without_javascript(visit, site, go_live):
    go_live("example")

    page = visit("/", java_script_enabled=False)
    page.locator("[data-room=example] > a").click()

    assert page.url == f"{site.url}/example"
    assert page.locator("h1").inner_text()
    assert page.locator("video").count() == 1
    assert page.locator(".programme li").count() > 2


@pytest.fixture
def plan(site):
    """Return a function that replaces the schedule under the running site.

    Each event is its room, the minutes from now to its start, its length in minutes, its title.
    """

    def plan(*events, abstract=""):
        now = datetime.now(UTC).replace(microsecond=0)
        rooms = {}
        for room, start, minutes, title in events:
            begins = now + timedelta(minutes=start)
            rooms.setdefault(room, []).append(
                Slot(
                    start=begins,
                    end=begins + timedelta(minutes=minutes),
                    title=title,
                    guid=title,
                    abstract=abstract,
                )
            )
        save_schedule(
            Schedule(
                rooms={
                    room: RoomSchedule(timezone=ZoneInfo("UTC"), events=tuple(of_room))
                    for room, of_room in rooms.items()
                }
            ),
            site.checkout / "var/schedule.json",
        )

    return plan


def test_long_words_and_lines_of_code_fit_every_screen(visit, site, plan, go_live):
    word = "Donaudampfschifffahrtsgesellschaftskapitänsmütze" * 3
    code = f"<pre>{'x = 1; ' * 60}</pre>"
    plan(("example", -10, 30, word), ("example", 20, 30, word), ("lab", 5, 30, word), abstract=code)
    go_live("example")
    page = visit("/")
    for path in ("/", "/example", "/lab", "/example?template=inroom", "/monitor"):
        page.goto(site.url + path)

        for width in (320, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def test_the_last_column_of_the_monitor_is_in_sight_beside_long_titles(visit, plan):
    plan(("example", -10, 30, "Donaudampfschifffahrtsgesellschaft" * 4))

    page = visit("/monitor", viewport={"width": 1280, "height": 800})

    box = page.locator("thead th").last.bounding_box()
    assert box["x"] + box["width"] <= 1280


@pytest.mark.parametrize("wrong_by", [timedelta(minutes=-12), timedelta(minutes=12)])
def test_the_minutes_left_are_right_where_the_viewer_s_clock_is_wrong(
    new_page, site, plan, wrong_by
):
    plan(("example", -10, 60, "A talk"))
    page = new_page()
    page.clock.install(time=datetime.now(UTC) + wrong_by)

    assert minutes_by_the_server_s_clock(page, site) in (49, 50)


def test_a_page_that_was_offline_when_the_talk_changed_catches_up(new_page, site, plan):
    plan(("example", -30, 31, "First"), ("example", 1, 30, "Second"))
    page = new_page()
    page.clock.install()
    page.goto(site.url + "/example")
    assert page.locator("h1").inner_text() == "First"

    # The talk ends while the viewer has no network, and the page's attempt to ask is lost.
    page.context.set_offline(True)
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/example")):
        page.clock.fast_forward(70_000)
    plan(("example", -1, 30, "Second"))
    page.context.set_offline(False)
    page.clock.fast_forward(30_000)

    page.get_by_role("heading", name="Second", level=1).wait_for(timeout=10_000)


@pytest.mark.parametrize(("viewers", "not_before", "by"), [(3, 62, 75), (200_000, 80, 125)])
def test_the_more_viewers_the_longer_they_take_to_fetch_the_page(
    new_page, site, plan, go_live, viewers, not_before, by
):
    go_live("example", viewers)
    plan(("example", -29, 30, "First"), ("example", 1, 30, "Second"))
    planned = time.monotonic()
    page = new_page()
    # The end of everybody's time.
    page.add_init_script("Math.random = () => 0.9")
    page.clock.install()
    with page.expect_event("requestfinished", lambda one: one.url.endswith("/streams.json")):
        page.goto(site.url + "/example")
    assert page.locator("h1").inner_text() == "First"
    fetched = []
    page.on("request", lambda one: fetched.append(one) if one.url.endswith("/example") else None)

    page.clock.run_for(1000 * (not_before - (time.monotonic() - planned)))
    assert fetched == []
    with page.expect_event("request", lambda one: one.url.endswith("/example")):
        page.clock.run_for(1000 * (by - not_before))


def test_graphs_show_who_streams_and_stay_up_to_date(visit, site, go_live):
    go_live("example")
    page = visit("/graphs?range=10")
    legend = page.locator(".graph").first.locator(".legend li")
    legend.first.wait_for()
    page.evaluate("window.stillTheSamePage = true")
    assert page.locator(".graph canvas").count() == 2
    assert page.locator(".graph h2").all_inner_texts() == [
        "Overall Bitrate Mbit/s",
        "Overall Clients viewers",
    ]

    go_live("garden")
    page.locator(".graph .legend li:nth-child(2)").first.wait_for(timeout=15_000)
    page.locator("details summary").first.click()
    page.get_by_role("link", name="1 hour").click()

    assert page.url == f"{site.url}/graphs?range=60"
    assert page.evaluate("window.stillTheSamePage")
    rows = page.locator(".graph table").first.locator("tbody tr th").all_inner_texts()
    assert rows[0] == "Together"
    assert len(rows) == 3
    page.go_back()
    assert page.locator("[data-range='10']").get_attribute("aria-current") == "true"
    assert page.complaints == []


def test_graphs_lead_to_the_servers_of_a_room(visit, site, go_live):
    go_live("example")
    page = visit("/graphs?range=10")

    page.locator(".legend a").first.click()

    page.locator(".graph canvas").first.wait_for()
    assert page.url == f"{site.url}/graphs?room=example&range=10"
    assert page.get_by_role("link", name="All rooms").get_attribute("href") == "/graphs?range=10"


def test_without_javascript_the_graphs_are_figures(visit, site):
    page = visit("/graphs", java_script_enabled=False)

    link = page.locator("noscript a, .notice a").first.get_attribute("href")
    assert site.get(link).json()["graphs"]
