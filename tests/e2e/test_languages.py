"""The languages of pages and scripts in Chromium."""

import pytest
from playwright.sync_api import expect

WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def open_in_german(visit):
    """Return a function that opens a page in a German browser."""

    def open_in_german(path, **options):
        return visit(path, **({"locale": "de-AT", "viewport": WIDE} | options))

    return open_in_german


def language(page):
    return page.locator("html").get_attribute("lang")


@pytest.mark.parametrize("script", [True, False])
def test_language_switch_applies_to_all_following_pages(visit, site, script):
    page = visit("/schedule", viewport=WIDE, java_script_enabled=script)
    assert language(page) == "en"

    page.get_by_role("navigation", name="Language").get_by_text("Deutsch").click()

    expect(page.locator("h1")).to_have_text("Programm", use_inner_text=True)
    page.get_by_role("link", name="Räume").click()
    page.wait_for_url("**/?lang=de")
    page.locator(".card a").first.click()
    page.wait_for_url("**/example?lang=de")
    assert language(page) == "de"
    page.get_by_role("navigation", name="Sprache").get_by_text("English").click()
    assert language(page) == "en"
    assert page.errors == []


def test_language_switch_works_by_keyboard_and_touch(visit, site):
    page = visit("/schedule", viewport={"width": 320, "height": 640})
    switch = page.get_by_role("navigation", name="Language")

    switch.get_by_text("Français").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**lang=fr**")

    assert language(page) == "fr"
    for link in page.locator(".languages a").all():
        assert link.bounding_box()["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_pages_and_scripts_use_the_browsers_language(open_in_german, write_schedule):
    page = open_in_german("/schedule")
    page.locator(".star").first.wait_for()

    labels = [star.get_attribute("aria-label") for star in page.locator(".star").all()]
    assert "Favorit: Opening" in labels
    page.get_by_role("button", name="Nur Favoriten").click()
    page.locator("#count:has-text('Nur Favoriten: 0 von')").wait_for()
    [catalogue] = [url for url in page.requested_urls if "/words/" in url]
    assert "/words/de.json?v=" in catalogue
    assert page.errors == []


def test_catalogue_is_fetched_once_for_all_pages(open_in_german, site):
    page = open_in_german("/schedule")
    page.locator(".for-scripts").wait_for()

    page.get_by_role("link", name="Räume").click()
    page.wait_for_load_state("networkidle")
    sizes = page.evaluate(
        "performance.getEntriesByType('resource')"
        ".filter((entry) => entry.name.includes('/words/')).map((entry) => entry.transferSize)"
    )

    assert sizes
    assert not any(sizes)


def test_english_pages_fetch_no_catalogue(visit, site):
    page = visit("/schedule", viewport=WIDE)
    page.locator(".for-scripts").wait_for()

    assert [url for url in page.requested_urls if "/words/" in url] == []


def test_scripts_fall_back_to_english_without_a_catalogue(new_page, site, write_schedule):
    page = new_page(locale="de", viewport=WIDE)
    page.route("**/words/**", lambda route: route.abort())
    page.goto(site.url + "/schedule")

    page.locator(".star").first.wait_for()

    labels = [star.get_attribute("aria-label") for star in page.locator(".star").all()]
    assert "Favourite: Opening" in labels


def test_search_and_talks_keep_the_language_of_the_address(open_schedule):
    page = open_schedule("/schedule?lang=de")

    page.get_by_role("searchbox", name="Suchen").fill("vogel")
    page.locator("#count:has-text('1 Vortrag mit „vogel“')").wait_for()
    assert "lang=de" in page.url
    page.locator(".talk a").first.click()

    page.wait_for_url("**/talk/Birds?lang=de")
    assert page.errors == []


def test_countdown_of_a_talk_uses_the_language_of_the_address(open_schedule):
    page = open_schedule("/talk/Birds?lang=de")

    page.locator("[data-status]:text('bis zum Beginn')").wait_for()
    assert page.errors == []


def test_note_on_the_viewers_time_zone_is_translated(open_schedule):
    page = open_schedule("/schedule?lang=es", timezone_id="America/Bogota", locale="es-CO")

    page.get_by_role("button", name="Mi zona horaria").click()

    note = page.locator("[data-zone-note]")
    expect(note).to_have_text(
        "Las horas son las de tu zona horaria (America/Bogota); los días, los del evento."
    )


def test_viewer_in_the_events_zone_gets_no_switch(open_schedule):
    page = open_schedule("/schedule?lang=es", timezone_id="UTC")

    expect(page.get_by_role("button", name="Mi zona horaria")).to_have_count(0)


def test_graphs_are_translated_and_keep_the_language(open_in_german, site, go_live):
    go_live("example")
    page = open_in_german("/graphs?lang=de")

    page.locator(".graph h2:has-text('Bitrate')").wait_for()
    link = page.locator(".legend a").first.get_attribute("href")

    assert "lang=de" in link
    assert "room=" in link
    expect(page.locator(".graph summary").first).to_have_text("Als Tabelle", use_inner_text=True)
    assert page.errors == []
