"""The schedule page and the pages of talks in Chromium."""

import re
from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

HOSTILE = "</script><b>Bold & \"quoted\"</b><img src=x onerror='document.title=1'>"
WIDE = {"width": 1280, "height": 800}
# At noon no test crosses the end of the schedule's day.
NOON = datetime.now(UTC).replace(hour=12, minute=10, second=0, microsecond=0)


@pytest.fixture
def write_schedule(site):
    """Return a function that replaces the schedule: room, minutes from noon, length, title."""

    def write_schedule(*talks, **fields):
        rooms = {}
        for room, start, minutes, title in talks:
            start_time = NOON + timedelta(minutes=start)
            rooms.setdefault(room, []).append(
                Slot(
                    start=start_time,
                    end=start_time + timedelta(minutes=minutes),
                    title=title,
                    guid={"Vögel": "Birds"}.get(title, re.sub(r"\W", "-", title)),
                    speakers=("Ada Lovelace",),
                    track="A track with a long name",
                    language="en",
                    **fields,
                )
            )
        save_schedule(
            Schedule(
                rooms={
                    room: RoomSchedule(timezone=ZoneInfo("UTC"), events=tuple(slots))
                    for room, slots in rooms.items()
                }
            ),
            site.checkout / "var/schedule.json",
        )

    write_schedule(
        ("example", -10, 60, "Opening"),
        ("example", 60, 30, "Vögel"),
        ("garden", 0, 120, "Soldering"),
        ("garden", 10, 30, HOSTILE),
        ("lab", 600, 120, "Night owls"),
        ("lab", 1440, 60, "Tomorrow's talk"),
    )
    return write_schedule


@pytest.fixture
def open_schedule(visit, write_schedule, site):
    """Return a function that opens a page of the schedule shortly after noon."""

    def open_schedule(path="/schedule", **options):
        options = {"viewport": WIDE} | options
        page = visit(at_noon(path), **options)
        if options.get("java_script_enabled", True):
            page.locator(".star").first.wait_for()
        return page

    return open_schedule


def at_noon(path, **later):
    """Return the address of a page shortly after noon, or later."""
    moment = NOON + timedelta(**(later or {"seconds": 5}))
    separator = "&" if "?" in path else "?"
    return f"{path}{separator}delta={int((moment - datetime.now(UTC)).total_seconds())}"


def visible_titles(page):
    return page.locator(".talk a:visible").all_inner_texts()


def test_search_finds_talks_while_typing(open_schedule):
    page = open_schedule()
    page.evaluate("window.isSameDocument = true")
    field = page.get_by_role("searchbox", name="Search")

    # The talk is on another day, and the words are in another order.
    field.press_sequentially("lovelace tomorrow")
    page.get_by_text("1 talk with “lovelace tomorrow”.").wait_for()
    assert visible_titles(page) == ["Tomorrow's talk"]
    assert "q=lovelace+tomorrow" in page.url
    assert page.get_by_role("button", name="Favourite: Tomorrow's talk").count() == 1

    field.fill("vogel")
    page.get_by_text("1 talk with “vogel”.").wait_for()
    field.fill("missing")
    page.get_by_role("heading", name="No talk has all of these words.").wait_for()

    field.fill("")
    page.locator(".grid").wait_for()
    assert "q=" not in page.url
    assert page.evaluate("window.isSameDocument") is True
    assert page.errors == []


def test_search_without_a_network_shows_an_error(open_schedule):
    page = open_schedule()
    page.context.set_offline(True)

    page.get_by_role("searchbox").fill("vogel")

    page.get_by_text("The search does not answer at the moment.").wait_for()
    page.context.set_offline(False)
    page.keyboard.press("Enter")
    page.get_by_text("1 talk with “vogel”.").wait_for()


def test_favourites_are_stored_and_never_sent(open_schedule, site):
    page = open_schedule()
    star = page.get_by_role("button", name="Favourite: Soldering")
    assert star.get_attribute("aria-pressed") == "false"
    star.focus()
    page.keyboard.press("Space")
    assert star.get_attribute("aria-pressed") == "true"

    page.reload()
    page.locator(".star").first.wait_for()
    assert star.get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Favourites only").click()
    assert visible_titles(page) == ["Soldering"]
    page.get_by_text("Only favourites are shown: 1 of 5.").wait_for()

    # The filter stays in the list, and the talk's page shows the favourite.
    page.get_by_role("link", name="List").click()
    page.locator(".agenda .star:visible").wait_for()
    assert visible_titles(page) == ["Soldering"]
    assert page.locator(".slot:visible").count() == 1
    page.get_by_role("link", name="Soldering").click()
    page.locator(".star[aria-pressed=true]").click()
    page.go_back()
    page.get_by_text("Only favourites are shown: 0 of 5.").wait_for()
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
    assert when.all_inner_texts() == ["22:10", "00:10"]

    switch.click()
    page.reload()

    page.get_by_text("Times are where you are (Asia/Tokyo); days are the event's.").wait_for()
    tomorrow = f"{NOON + timedelta(days=1):%a}"
    # In the event's zone the talk ends on that day.
    assert when.all_inner_texts() == [f"{tomorrow} 07:10", "09:10"]
    assert page.locator("tbody th time").first.inner_text() == "21:00"
    switch.click()
    assert when.first.inner_text() == "22:10"


def test_viewer_in_the_events_zone_gets_no_switch(open_schedule):
    page = open_schedule(timezone_id="Africa/Abidjan")

    assert page.get_by_role("button", name="My time zone").count() == 0


def test_line_of_the_current_time_moves(new_page, site, write_schedule):
    page = new_page(viewport=WIDE)
    page.clock.install()
    page.goto(site.url + at_noon("/schedule"))
    line = page.locator(".now-line")
    line.wait_for()
    before = line.evaluate("line => line.offsetTop")
    assert page.locator(".is-on a").all_inner_texts() == ["Opening", "Soldering"]

    page.clock.run_for(12 * 60_000)

    assert line.evaluate("line => line.offsetTop") > before + 20
    assert line.inner_text() == "12:22"
    assert page.locator(".is-on").count() == 3
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
    assert status.inner_text() == "Starts in 2 min"
    assert "22:10 where you are (Asia/Tokyo)" in page.locator("dl").inner_text()

    page.clock.run_for(3 * 60_000)
    assert status.inner_text() == "On now, 29 min left"
    page.clock.run_for(30 * 60_000)
    assert status.inner_text() == "Over"


def test_headings_of_the_grid_stay_visible(open_schedule):
    page = open_schedule(viewport={"width": 1000, "height": 500})
    region = page.get_by_role("region", name=re.compile("rooms across"))
    region.focus()
    top = region.bounding_box()["y"]

    region.evaluate("region => region.scrollTo(200, 600)")

    head = page.locator(".grid thead th").first.bounding_box()
    time = page.locator(".grid tbody th").first.bounding_box()
    box = region.bounding_box()
    assert 0 <= head["y"] - box["y"] <= 2
    assert 0 <= time["x"] - box["x"] <= 4
    assert box["y"] == top


def test_schedule_can_be_used_by_keyboard(open_schedule):
    page = open_schedule(viewport={"width": 1000, "height": 600})
    region = page.get_by_role("region", name=re.compile("rooms across"))
    region.evaluate(
        "region => { region.scrollTop = 0; region.focus();"
        " window.scrolled = new Promise((done) => region.addEventListener('scrollend', done)); }"
    )
    page.keyboard.press("PageDown")
    page.evaluate("window.scrolled.then(() => true)")
    assert region.evaluate("region => region.scrollTop") > 0

    page.get_by_role("button", name="Go to now").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Opening"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Favourite: Opening"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")

    page.wait_for_url(re.compile("/talk/Opening"))
    assert page.get_by_role("heading", level=1).inner_text() == "Opening"


def test_schedule_fits_every_screen_without_third_party_requests(open_schedule, site):
    page = open_schedule()
    for path in ("/schedule", "/schedule?view=list", "/schedule?view=grid",
                 "/schedule?day=all", "/garden/schedule", "/talk/Opening"):  # fmt: skip
        page.goto(site.url + at_noon(path))
        page.locator(".star").first.wait_for()

        for width, direction in product((320, 768, 1280, 3840), ("ltr", "rtl")):
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(f"document.documentElement.dir = '{direction}'")
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, (path, width, direction)
        assert [url for url in page.requested_urls if not url.startswith(site.url)] == []
        assert page.errors == []


def test_narrow_screen_and_print_show_a_list(open_schedule):
    page = open_schedule(viewport={"width": 320, "height": 700})

    assert not page.locator(".grid thead").is_visible()
    assert page.locator(".talk .chip").first.is_visible()
    times = page.locator(".grid tbody th:visible time").all_inner_texts()
    assert times == ["12:00", "12:10", "12:20", "13:10", "22:10"]

    page.set_viewport_size(WIDE)
    assert page.locator(".grid thead").is_visible()
    assert not page.locator(".talk .chip").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator(".talk .chip").first.is_visible()
    for selector in (".star", ".search", ".days", ".masthead nav", ".for-scripts", ".now-line"):
        assert not page.locator(selector).first.is_visible(), selector


def test_markup_in_a_feed_is_shown_as_text(open_schedule):
    page = open_schedule("/schedule?view=list")
    name = f"Favourite: {HOSTILE}"

    assert HOSTILE in visible_titles(page)
    assert [star.get_attribute("aria-label") for star in page.locator(".star").all()].count(
        name
    ) == 1
    page.get_by_role("searchbox").fill("<b>bold")
    page.get_by_text("1 talk with “<b>bold”.").wait_for()
    page.get_by_role("link", name="Bold").click()
    assert page.get_by_role("heading", level=1).inner_text() == HOSTILE
    assert page.locator("main img").count() == 0
    assert page.errors == []


def test_schedule_works_without_javascript(open_schedule, site):
    page = open_schedule(java_script_enabled=False)
    assert page.locator(".grid").is_visible()
    assert page.locator(".for-scripts").is_hidden()

    page.get_by_role("searchbox").fill("vogel")
    page.get_by_role("button", name="Search").click()
    assert visible_titles(page) == ["Vögel"]
    page.get_by_label("Room").select_option("garden")
    page.get_by_role("button", name="Show").click()
    assert page.get_by_role("heading", name="No talk has all of these words.").is_visible()
    page.goto(f"{site.url}/schedule")
    page.get_by_role("link", name=f"{NOON + timedelta(days=1):%-d %b}").click()
    page.get_by_role("link", name="Tomorrow's talk").click()
    page.get_by_role("link", name="Add to calendar").wait_for()


COVERED_STARS = """() => {
  const head = document.querySelector('.grid thead th').getBoundingClientRect();
  const boxes = [...document.querySelectorAll('.star')].map((star) => star.getBoundingClientRect());
  return boxes.filter(({ top, bottom }) => top < head.bottom - 1 && bottom > head.top + 1).length;
}"""


@pytest.mark.parametrize("height", [720, 800, 940])
def test_grid_scrolled_to_now_covers_no_star(open_schedule, write_schedule, height):
    hours = range(-300, 360, 60)
    write_schedule(
        *(("example", start, 55, f"A{start}") for start in hours),
        *(("garden", start + 20, 60, f"B{start}") for start in hours),
        *(("lab", start + 45, 60, f"C{start}") for start in hours),
    )
    page = open_schedule("/schedule?view=grid", viewport={"width": 1280, "height": height})
    page.locator(".now-line:visible").wait_for()
    page.wait_for_function("() => document.querySelector('.grid-scroll').scrollTop > 0")

    assert page.evaluate(COVERED_STARS) == 0
    assert page.locator(".now-line").evaluate(
        """line => {
          const [inner, outer] = [line, line.parentElement].map((e) => e.getBoundingClientRect());
          return inner.top > outer.top && inner.bottom < outer.bottom;
        }"""
    )
