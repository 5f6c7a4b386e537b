"""Search, favourites and time zones of the schedule page, and the pages of talks."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

from .schedule_pages import HOSTILE, NOON, WIDE, at_noon, visible_titles


def test_search_finds_talks_while_typing(open_schedule):
    page = open_schedule()
    page.evaluate("window.isSameDocument = true")
    field = page.get_by_role("searchbox", name="Search")

    # The talk is on another day, and the words are in another order.
    field.press_sequentially("lovelace tomorrow")
    page.get_by_text("1 talk with “lovelace tomorrow”.").wait_for()
    expect(visible_titles(page)).to_have_text(["Tomorrow's talk"], use_inner_text=True)
    assert "q=lovelace+tomorrow" in page.url
    expect(page.get_by_role("button", name="Favourite: Tomorrow's talk")).to_have_count(1)

    field.fill("vogel")
    page.get_by_text("1 talk with “vogel”.").wait_for()
    field.fill("missing")
    page.get_by_role("heading", name="No talk matches all of these words.").wait_for()

    field.fill("")
    page.locator(".grid").wait_for()
    assert "q=" not in page.url
    assert page.evaluate("window.isSameDocument") is True
    assert page.errors == []


def test_search_without_a_network_shows_an_error(open_schedule):
    page = open_schedule()
    page.context.set_offline(True)

    page.get_by_role("searchbox").fill("vogel")

    page.get_by_text("Search is unavailable right now.").wait_for()
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    page.get_by_text("1 talk with “vogel”.").wait_for()


def test_favourites_are_stored_and_never_sent(open_schedule, site):
    page = open_schedule()
    star = page.get_by_role("button", name="Favourite: Soldering")
    expect(star).to_have_attribute("aria-pressed", "false")
    star.focus()
    page.keyboard.press("Space")
    expect(star).to_have_attribute("aria-pressed", "true")

    page.reload()
    page.locator(".star").first.wait_for()
    expect(star).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Favourites only").click()
    expect(visible_titles(page)).to_have_text(["Soldering"], use_inner_text=True)
    page.get_by_text("Showing favourites only: 1 of 5.").wait_for()

    # The filter stays in the list, and the talk's page shows the favourite.
    page.get_by_role("link", name="List").click()
    page.locator(".agenda .star:visible").wait_for()
    expect(visible_titles(page)).to_have_text(["Soldering"], use_inner_text=True)
    expect(page.locator(".slot:visible")).to_have_count(1)
    page.get_by_role("link", name="Soldering").click()
    page.locator(".star[aria-pressed=true]").click()
    page.go_back()
    page.get_by_text("Showing favourites only: 0 of 5.").wait_for()
    assert not [
        url for url in page.requested_urls if "favourite" in url and not url.endswith(".js")
    ]
    assert page.context.cookies() == []


def test_favourites_follow_other_tabs(open_schedule, site):
    page = open_schedule()
    other = page.context.new_page()
    other.goto(f"{site.url}/talk/Soldering")

    other.get_by_role("button", name="Favourite: Soldering").click()

    page.locator("[aria-label='Favourite: Soldering'][aria-pressed=true]").wait_for()


def test_times_can_be_shown_in_the_viewers_zone(open_schedule):
    page = open_schedule(timezone_id="Asia/Tokyo")
    switch = page.get_by_role("button", name="My time zone")
    when = page.locator(".talk", has_text="Night owls").locator(".when time")
    expect(when).to_have_text(["22:10", "00:10"], use_inner_text=True)

    switch.click()
    page.reload()

    page.get_by_text(
        "Times are in your time zone (Asia/Tokyo); days are those of the event."
    ).wait_for()
    tomorrow = f"{NOON + timedelta(days=1):%a}"
    # In the event's zone the talk ends on that day.
    expect(when).to_have_text([f"{tomorrow} 07:10", "09:10"], use_inner_text=True)
    expect(page.locator("tbody th time").first).to_have_text("21:00", use_inner_text=True)
    switch.click()
    expect(when.first).to_have_text("22:10", use_inner_text=True)


def test_viewer_in_the_events_zone_gets_no_switch(open_schedule):
    page = open_schedule(timezone_id="Africa/Abidjan")

    expect(page.get_by_role("button", name="My time zone")).to_have_count(0)


def test_line_of_the_current_time_moves(new_page, site, write_schedule):
    page = new_page(viewport=WIDE)
    page.clock.install()
    page.goto(site.url + at_noon("/schedule"))
    line = page.locator(".now-line")
    line.wait_for()
    before = line.evaluate("line => line.offsetTop")
    expect(page.locator(".is-on a")).to_have_text(["Opening", "Soldering"], use_inner_text=True)

    page.clock.run_for(12 * 60_000)

    assert line.evaluate("line => line.offsetTop") > before + 20
    expect(line).to_have_text("12:22", use_inner_text=True)
    expect(page.locator(".is-on")).to_have_count(3)
    page.clock.fast_forward(14 * 3600_000)
    page.clock.run_for(20_000)
    line.wait_for(state="hidden")


@pytest.mark.parametrize("clock_error", [timedelta(hours=-3), timedelta(hours=3)])
def test_schedule_uses_the_servers_clock(new_page, site, clock_error):
    start = datetime.now(UTC).replace(microsecond=0)
    talk = Slot(start=start - timedelta(minutes=5), end=start + timedelta(minutes=40),
                 title="Now", guid="now")  # fmt: skip
    rooms = {"example": RoomSchedule(timezone=ZoneInfo("UTC"), slots=(talk,))}
    save_schedule(Schedule(rooms=rooms), site.checkout / "var/schedule.json")
    page = new_page(viewport=WIDE)
    page.clock.install(time=datetime.now(UTC) + clock_error)

    page.goto(f"{site.url}/schedule")
    page.locator(".is-on").wait_for()

    page.goto(f"{site.url}/talk/now")
    page.get_by_text(re.compile("On now, (39|40) min left")).wait_for()


def test_talk_page_counts_down_and_shows_the_viewers_time(new_page, site, write_schedule):
    page = new_page(timezone_id="Asia/Tokyo")
    page.clock.install()
    page.goto(site.url + at_noon("/talk/Birds", minutes=58, seconds=20))
    status = page.locator("[data-status]")
    expect(status).to_have_text("Starts in 2 min", use_inner_text=True)
    assert "22:10 in your time zone (Asia/Tokyo)" in page.locator("dl").inner_text()

    page.clock.run_for(3 * 60_000)
    expect(status).to_have_text("On now, 29 min left", use_inner_text=True)
    page.clock.run_for(30 * 60_000)
    expect(status).to_have_text("Ended", use_inner_text=True)


def test_markup_in_a_feed_is_shown_as_text(open_schedule):
    page = open_schedule("/schedule?view=list")
    name = f"Favourite: {HOSTILE}"

    assert HOSTILE in visible_titles(page).all_inner_texts()
    assert [star.get_attribute("aria-label") for star in page.locator(".star").all()].count(
        name
    ) == 1
    page.get_by_role("searchbox").fill("<b>bold")
    page.get_by_text("1 talk with “<b>bold”.").wait_for()
    page.get_by_role("link", name="Bold").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE, use_inner_text=True)
    expect(page.locator("main img")).to_have_count(0)
    assert page.errors == []


def test_schedule_works_without_javascript(open_schedule, site):
    page = open_schedule(java_script_enabled=False)
    expect(page.locator(".grid")).to_be_visible()
    expect(page.locator(".for-scripts")).to_be_hidden()

    page.get_by_role("searchbox").fill("vogel")
    page.get_by_role("button", name="Search").click()
    expect(visible_titles(page)).to_have_text(["Vögel"], use_inner_text=True)
    page.get_by_label("Room").select_option("garden")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", name="No talk matches all of these words.")).to_be_visible()
    page.goto(f"{site.url}/schedule")
    page.get_by_role("link", name=f"{NOON + timedelta(days=1):%-d %b}").click()
    page.get_by_role("link", name="Tomorrow's talk").click()
    page.get_by_role("link", name="Add to calendar").wait_for()
