"""Languages as people use them: a real Chromium on the real site."""

import pytest

from .test_schedule import plan, programme  # noqa: F401 - Fixtures.

WIDE = {"width": 1280, "height": 800}


@pytest.fixture
def german(visit):
    """Return a function that opens a page in a browser whose owner reads German."""

    def german(path, **options):
        return visit(path, **({"locale": "de-AT", "viewport": WIDE} | options))

    return german


def language(page):
    return page.locator("html").get_attribute("lang")


@pytest.mark.parametrize("script", [True, False])
def test_the_switch_changes_the_page_and_every_page_after_it(visit, site, script):
    page = visit("/schedule", viewport=WIDE, java_script_enabled=script)
    assert language(page) == "en"

    page.get_by_role("navigation", name="Language").get_by_text("Deutsch").click()

    assert page.locator("h1").inner_text() == "Programm"
    page.get_by_role("link", name="Räume").click()
    page.wait_for_url("**/?lang=de")
    page.locator(".card a").first.click()
    page.wait_for_url("**/garden?lang=de")
    assert language(page) == "de"
    page.get_by_role("navigation", name="Sprache").get_by_text("English").click()
    assert language(page) == "en"
    assert page.complaints == []


def test_the_switch_can_be_used_by_keyboard_and_is_large_enough_for_a_finger(visit, site):
    page = visit("/schedule", viewport={"width": 320, "height": 640})
    switch = page.get_by_role("navigation", name="Language")

    switch.get_by_text("Français").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**lang=fr**")

    assert language(page) == "fr"
    for link in page.locator(".languages a").all():
        assert link.bounding_box()["height"] >= 44
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_a_browser_gets_its_own_language_and_scripts_speak_it(german, plan):  # noqa: F811
    page = german("/schedule")
    page.locator(".star").first.wait_for()

    labels = [star.get_attribute("aria-label") for star in page.locator(".star").all()]
    assert "Favorit: Opening" in labels
    page.get_by_role("button", name="Nur Favoriten").click()
    page.locator("[data-favourites-note]:text('Nur Favoriten werden gezeigt: 0 von')").wait_for()
    [words] = [url for url in page.asked if "/words/" in url]
    assert "/words/de.json?v=" in words
    assert page.complaints == []


def test_the_catalogue_is_fetched_once_for_all_pages(german, site):
    page = german("/schedule")
    page.locator(".for-scripts").wait_for()

    page.get_by_role("link", name="Räume").click()
    page.wait_for_load_state("networkidle")
    kept = page.evaluate(
        "performance.getEntriesByType('resource')"
        ".filter((entry) => entry.name.includes('/words/')).map((entry) => entry.transferSize)"
    )

    assert kept
    assert not any(kept)


def test_english_asks_for_no_catalogue(visit, site):
    page = visit("/schedule", viewport=WIDE)
    page.locator(".for-scripts").wait_for()

    assert [url for url in page.asked if "/words/" in url] == []


def test_scripts_speak_english_where_the_catalogue_cannot_be_had(new_page, site, plan):  # noqa: F811
    page = new_page(locale="de", viewport=WIDE)
    page.route("**/words/**", lambda route: route.abort())
    page.goto(site.url + "/schedule")

    page.locator(".star").first.wait_for()

    labels = [star.get_attribute("aria-label") for star in page.locator(".star").all()]
    assert "Favourite: Opening" in labels


def test_search_and_talks_stay_in_the_language_of_the_address(programme):  # noqa: F811
    page = programme("/schedule?lang=de")

    page.get_by_role("searchbox", name="Suchen").fill("vogel")
    page.locator("#count:text('1 Vortrag mit „vogel“')").wait_for()
    assert "lang=de" in page.url
    page.locator(".talk a").first.click()

    page.wait_for_url("**/talk/Birds?lang=de")
    assert page.complaints == []


def test_a_talk_says_in_the_language_of_the_address_when_it_starts(programme):  # noqa: F811
    page = programme("/talk/Birds?lang=de")

    page.locator("[data-status]:text('bis zum Beginn')").wait_for()
    assert page.complaints == []


def test_viewers_far_away_see_their_own_time_in_their_language(programme):  # noqa: F811
    page = programme("/schedule?lang=es", timezone_id="America/Bogota", locale="es-CO")

    page.get_by_role("button", name="Mi zona horaria").click()

    note = page.locator("[data-zone-note]")
    assert note.inner_text() == (
        "Las horas son las locales (America/Bogota); los días son los del evento."
    )


def test_a_viewer_at_the_events_own_time_is_not_offered_another(programme):  # noqa: F811
    page = programme("/schedule?lang=es", timezone_id="UTC")

    assert page.get_by_role("button", name="Mi zona horaria").count() == 0


def test_the_crews_graphs_speak_it_and_keep_it(german, site, go_live):
    go_live("example")
    page = german("/graphs?lang=de")

    page.locator(".graph h2:has-text('Bitrate insgesamt')").wait_for()
    link = page.locator(".legend a").first.get_attribute("href")

    assert "lang=de" in link
    assert "room=" in link
    assert page.locator(".graph summary").first.inner_text() == "Als Tabelle"
    assert page.complaints == []
