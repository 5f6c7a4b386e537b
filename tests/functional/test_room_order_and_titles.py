"""The order of rooms, their titles in several languages, and the languages of the site."""

import json
import re

import pytest

from .pages import HALL, make_talk

# Neither in the order of ids nor in that of titles.
ORDER = ["zoo", "hall", "attic", "lab"]
TITLES = {
    "zoo": {"en": "Zoo", "de": "Tierpark"},
    "hall": {"en": "Great Hall", "de": "Großer Saal"},
    "attic": "Attic",
    "lab": {"de": "Labor", "en": "Lab"},
}


@pytest.fixture
def configure(tmp_path, conference):
    """Return a function that sets the configuration of the rooms, in their order."""

    def configure(**site):
        document = {
            "config": {"secret": "s", **site},
            "default": {
                "conference": {"en": "Test Conf", "de": "Testkonferenz"},
                "schedule-timezone": "Australia/Sydney",
            },
            **{room: {"title": TITLES[room]} for room in ORDER},
        }
        (tmp_path / "config.json").write_text(json.dumps(document))

    return configure


def titles(language):
    return [title if isinstance(title, str) else title[language] for title in TITLES.values()]


def order_of(text, names):
    """Return some names in the order of their first occurrence in a text."""
    return sorted(names, key=lambda name: text.index(name))


class TestOrder:
    @pytest.mark.parametrize(
        "path",
        ["/monitor", "/lab", "/schedule?day=all", "/streams.m3u", "/streams/v2.json"],
    )
    def test_pages_and_playlists_have_the_order_of_the_configuration(
        self, configure, make_site, path
    ):
        configure()
        site = make_site()

        text = re.sub(r"<(head|title)>.*?</\1>", "", site.get(path).text, flags=re.S)
        present = [title for title in titles("en") if title in text]

        assert len(present) >= 2
        assert order_of(text, present) == present

    def test_index_has_the_order_of_the_configuration(self, configure, make_site):
        configure()
        # Before the event, all rooms are in one group.
        page = make_site().get("/?delta=-9000000").html

        cards = [card["data-room"] for card in page.select("[data-room]")]
        assert list(dict.fromkeys(cards)) == ORDER

    def test_exports_have_the_order_of_the_configuration(
        self, configure, make_site, write_schedule, schedule_file
    ):
        configure()
        document = json.loads(schedule_file.read_text())
        document["rooms"]["attic"] = document["rooms"]["zoo"] = document["rooms"]["lab"]
        schedule_file.write_text(json.dumps(document))
        site = make_site()

        rooms = re.findall(r"<room name=.([^\"']*)", site.get("/schedule.xml").text)
        assert list(dict.fromkeys(rooms)) == titles("en")
        assert list(site.get("/schedule/file.json").json["rooms"]) == ORDER
        table = site.get("/schedule").html.select("thead th")
        heads = [
            cell.get_text(strip=True) for cell in table if cell.get_text(strip=True) in titles("en")
        ]
        assert heads == titles("en")


class TestTitles:
    def test_pages_show_titles_in_their_language(self, configure, make_site):
        configure()
        site = make_site()

        for path in ("/", "/hall", "/monitor", "/schedule", "/hall/schedule"):
            german, english = site.get(f"{path}?lang=de"), site.get(f"{path}?lang=en")
            assert "Großer Saal" in german.text, path
            assert "Great Hall" not in german.text, path
            assert "Great Hall" in english.text, path
            assert "Großer Saal" not in english.text, path
        assert "Testkonferenz" in site.get("/?lang=de").html.title.text
        # A language without a text has the default one.
        assert "Great Hall" in site.get("/hall?lang=fr").text

    def test_fillers_have_titles_in_the_language_of_the_page(
        self, configure, make_site, write_schedule
    ):
        configure()
        write_schedule(*HALL, title="Great Hall")
        site = make_site()

        assert "Großer Saal" in site.get("/hall?lang=de&delta=-20000").text
        assert "Great Hall" not in site.get("/hall?lang=de&delta=-20000").text

    @pytest.mark.parametrize(
        "path",
        ["/schedule.xml", "/schedule.json", "/schedule2.json", "/schedule.ics", "/hall/rss",
         "/hall/atom", "/hall/schedule.ics", "/streams/v2.json", "/streams.m3u",
         "/hall/stream.m3u", "/manifest.webmanifest"],
    )  # fmt: skip
    @pytest.mark.parametrize(
        ("languages", "expected", "other"),
        [((), ("Great Hall", "Test Conf"), "Großer Saal"),
         (["de", "en"], ("Großer Saal", "Testkonferenz"), "Great Hall")],
    )  # fmt: skip
    def test_programs_get_titles_in_the_default_language(
        self, configure, make_site, path, languages, expected, other
    ):
        configure(languages=list(languages))
        site = make_site()

        text = site.get(path, headers={"Accept-Language": "en, de"}).body.decode()
        if "json" in path or "manifest" in path:
            text = json.dumps(json.loads(text), ensure_ascii=False)

        assert any(title in text for title in expected)
        assert other not in text

    def test_url_of_an_app_has_the_event_of_the_default_language(self, configure, make_site):
        configure()
        site = make_site()

        for language in ("de", "en"):
            response = site.get("/testconf/hall", headers={"Accept-Language": language})
            assert response.location.endswith("/hall")


class TestLanguages:
    def test_languages_are_limited_and_ordered(self, configure, make_site):
        configure(languages=["fr", "de"])
        site = make_site()

        page = site.get("/")
        assert [link["lang"] for link in page.html.select(".languages a[lang]")] in (
            ["fr", "de"],
            # The current one may be no link.
            ["de"],
        )
        assert page.html.html["lang"] == "fr"
        assert [link["hreflang"] for link in page.html.select("link[rel=alternate][hreflang]")][
            :2
        ] == ["fr", "de"]
        assert site.get("/?lang=es").html.html["lang"] == "fr"
        assert site.get("/", headers={"Accept-Language": "en"}).html.html["lang"] == "fr"
        assert site.get("/", headers={"Accept-Language": "de-AT"}).html.html["lang"] == "de"
        assert site.get("/hall/rss").status_int == 200
        assert site.get("/none", status=404).html.html["lang"] == "fr"

    def test_language_without_catalogue_stops_the_start_with_one_line(self, configure, make_site):
        configure(languages=["de", "tlh"])

        with pytest.raises(SystemExit) as stop:
            make_site()

        assert "key 'languages': there is no catalogue for 'tlh'; allowed: de, en, es, fr" in str(
            stop.value
        )


def test_talks_of_the_schedule_keep_their_room(configure, make_site, write_schedule):
    configure()
    write_schedule(make_talk("10:00", 30, "Talk"))
    site = make_site()

    page = site.get(site.get("/schedule?lang=de").html.select_one("a[href*='/talk/']")["href"])
    assert "Großer Saal" in page.text
