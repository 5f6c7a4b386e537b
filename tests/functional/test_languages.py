"""Languages of pages: negotiation, URLs and catalogues."""

import json
import re
import shutil

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import write_po

from .pages import make_talk, streams_document
from .test_chat_and_posts import status

LANGUAGES = ("de", "en", "es", "fr")
PAGES = (
    "/",
    "/events",
    "/hall",
    "/lab",
    "/tube",
    "/hall?template=inroom",
    "/schedule",
    "/schedule?day=all&q=panel",
    "/lab/schedule",
    "/talk/guid-Moved",
    "/monitor",
    "/wall",
    "/graphs",
    "/graphs?room=hall",
    "/embed/hall",
    "/embed/tube",
    "/hall/posts",
    "/offline",
    "/nothing-here",
    "/schedule?day=nonsense",
    "/schedule?room=nowhere",
    "/lab/posts",
    "/talk/nothing",
    "/testconf/nowhere",
    "/otherconf/hall",
)
PROGRAMS = (
    "/hall/json",
    "/hall/rss",
    "/hall/atom",
    "/hall/schedule.ics",
    "/hall/stream.m3u",
    "/streams.m3u",
    "/streams/v2.json",
    "/schedule.xml",
    "/schedule.json",
    "/schedule2.json",
    "/schedule.ics",
    "/talk/guid-Moved.ics",
)


TAG = "/api/v1/timelines/tag/testconf?limit=20"


def switch_everything_on(config, stub_tracker):
    """Enable all features; the hall is live and has posts."""
    document = json.loads(config.read_text())
    document["config"]["embed"] = "*"
    document["hall"] |= {
        "posts": {"server": stub_tracker.url, "hashtag": "testconf"},
        "feedback": "https://f.example/{talk}",
        "recordings": "https://r.example/",
        "matrix": "#hall:m.example",
        "irclog": "https://l.example/",
        "twitter_announce": "@conf@m.example",
        "link": "https://e.example/",
    }
    config.write_text(json.dumps(document))
    stub_tracker.document = streams_document(hall=["webm_high", "ogg_high"], lab=None)
    stub_tracker.documents[TAG] = [
        status("<p>Good</p>", media_attachments=[{}]),
        status("<p>Hm</p>", sensitive=True),
    ]


@pytest.fixture
def live_site(make_site, stub_tracker, tmp_path):
    """The pages with all features."""
    switch_everything_on(tmp_path / "config.json", stub_tracker)
    settings = {"events.folder": str(tmp_path / "events"), "tracker.internal_url": stub_tracker.url}
    return make_site(**settings)


def text(element):
    return " ".join(element.get_text().split())


def asking(language):
    return {"Accept-Language": language}


class TestNegotiation:
    @pytest.mark.parametrize(
        ("accepted", "language"),
        [
            ("de", "de"),
            # No catalogue of the country: the language matches.
            ("de-AT", "de"),
            ("fr-CA,fr;q=0.9,en;q=0.5", "fr"),
            ("ja, es-MX;q=0.8", "es"),
            ("en;q=0.5, de;q=0.8", "de"),
            ("de;q=0, fr", "fr"),
            ("ja", "en"),
            ("*", "en"),
            ("", "en"),
            ("not a language; at all", "en"),
        ],
    )
    def test_browser_preference_selects_language(self, site, accepted, language):
        response = site.get("/", headers=asking(accepted))

        assert response.html.html["lang"] == language
        assert response.headers["Content-Language"] == language
        assert "Accept-Language" in response.vary

    def test_query_overrides_browser_preference(self, site):
        response = site.get("/hall?lang=fr", headers=asking("de"))

        assert response.html.html["lang"] == response.headers["Content-Language"] == "fr"
        assert "Accept-Language" not in (response.vary or ())

    @pytest.mark.parametrize("unknown", ["xx", "", "../de", "de%00", "<b>"])
    def test_unknown_language_in_query_is_ignored(self, site, unknown):
        response = site.get(f"/hall?lang={unknown}", headers=asking("de"))

        assert response.html.html["lang"] == "de"
        assert "Accept-Language" in response.vary
        assert not [link["href"] for link in response.html.select("main a[href*='lang=']")]

    def test_undecodable_query_is_400_page(self, site):
        page = site.get("/hall?lang=%ff", headers=asking("de"), status=400).html

        assert text(page.h1) == "Diese Adresse ist ungültig"

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("path", PAGES)
    def test_every_page_is_in_the_requested_language(self, live_site, path, language):
        response = live_site.get(path, headers=asking(language), expect_errors=True)

        assert (response.html.html["lang"], response.html.html["dir"]) == (language, "ltr")
        assert response.headers["Content-Language"] == language
        assert "Accept-Language" in response.vary

    @pytest.mark.parametrize("path", PROGRAMS)
    def test_responses_for_programs_are_in_english(self, live_site, path):
        english = live_site.get(path)
        german = live_site.get(path, headers=asking("de"))

        assert german.body == english.body
        assert "Accept-Language" not in (german.vary or ())
        assert "Content-Language" not in german.headers

    def test_language_sets_no_cookie(self, site):
        assert "Set-Cookie" not in site.get("/?lang=de").headers

    def test_cached_schedule_page_varies_by_language(self, site):
        pages = [site.get("/schedule", headers=asking(one)) for one in ("de", "fr", "de", "en")]

        assert [text(page.html.h1) for page in pages] == [
            "Programm",
            "Programme",
            "Programm",
            "Schedule",
        ]
        assert len({page.headers["ETag"] for page in pages}) == 3

    def test_cached_page_without_lang_has_no_links_with_lang(self, site):
        site.get("/schedule?lang=de")
        page = site.get("/schedule", headers=asking("de"))

        assert not page.html.select("main a[href*='lang=']")


class TestUrls:
    @pytest.mark.parametrize("path", PAGES)
    def test_only_links_to_pages_repeat_lang(self, live_site, path):
        joint = "&" if "?" in path else "?"
        page = live_site.get(f"{path}{joint}lang=de", expect_errors=True).html
        found = page.select("a[href]:not([hreflang])")
        here = (link["href"].removeprefix("http://localhost") for link in found)
        links = {link for link in here if link.startswith("/")}
        programs = re.compile(r"\.(ics|xml|json|m3u|js|css)|/(rss|atom|json)$|^/tracker/")

        with_language = {link for link in links if "lang=de" in link}

        assert with_language
        assert all(programs.search(link) for link in links - with_language), links - with_language
        assert not [link for link in with_language if programs.search(link)]
        others = {link.get("href") for link in page.select("link, script")} - {None}
        assert not [link for link in others if "lang=" in link and "hreflang" not in link
                    and not link.startswith("http")]  # fmt: skip

    def test_fetched_fragments_repeat_lang(self, live_site):
        room, posts = (live_site.get(f"/hall{page}?lang=de").html for page in ("", "/posts"))

        assert {part["data-from"] for part in room.select("[data-from]")} == {
            "/hall/posts?lang=de",
            "/hall/schedule?lang=de&view=list",
        }
        assert posts.select_one("[data-from]")["data-from"] == "/hall/posts?lang=de"

    def test_offline_page_has_path_without_lang(self, live_site):
        # A script uses it to detect that it replaces another page.
        page = live_site.get("/offline?lang=de").html

        assert page.select_one("[data-offline]")["data-offline"] == "/offline"

    def test_redirect_of_app_link_repeats_lang(self, live_site):
        response = live_site.get("/testconf/hall?lang=de", status=302)

        assert response.location == "http://localhost/hall?lang=de"

    def test_unnamed_event_has_same_url_in_all_languages(self, make_site, tmp_path):
        config = tmp_path / "config.json"
        document = json.loads(config.read_text())
        del document["default"]["conference"]
        config.write_text(json.dumps(document))
        site = make_site()

        assert text(site.get("/?lang=de").html.title) == "Livestreams"
        assert site.get("/livestreams/hall", headers=asking("de")).status_int == 302

    def test_forms_repeat_lang(self, site):
        page = site.get("/schedule?lang=de")
        form = next(f for f in page.forms.values() if "q" in f.fields)
        form["q"] = "panel"

        found = form.submit()

        assert text(found.html.select_one("#count")) == "1 Vortrag mit „panel“."
        assert found.html.html["lang"] == "de"

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("/", ""),
            ("/hall?template=inroom", "template=inroom&"),
            ("/schedule?day=all&q=a+%26b&junk=1", "day=all&q=a+%26b&"),
            ("/graphs?room=hall&range=60&lang=fr", "room=hall&range=60&"),
        ],
    )
    def test_language_switch_links_the_same_page(self, site, path, query):
        page = site.get(path, headers=asking("fr")).html
        links = page.select("footer nav[aria-label=Langue] a")

        assert [(a["lang"], a["hreflang"], a.string) for a in links] == [
            ("de", "de", "Deutsch"),
            ("en", "en", "English"),
            ("es", "es", "Español"),
            ("fr", "fr", "Français"),
        ]
        home = "http://localhost" + path.partition("?")[0]
        assert [a["href"] for a in links] == [f"{home}?{query}lang={a['lang']}" for a in links]
        assert [a["lang"] for a in links if a.has_attr("aria-current")] == ["fr"]

    def test_pages_list_alternate_languages(self, site):
        links = site.get("/hall?lang=de").html.select("link[rel=alternate][hreflang]")

        assert {link["hreflang"]: link["href"] for link in links} == {
            "de": "http://localhost/hall?lang=de",
            "en": "http://localhost/hall?lang=en",
            "es": "http://localhost/hall?lang=es",
            "fr": "http://localhost/hall?lang=fr",
            "x-default": "http://localhost/hall",
        }

    def test_cached_page_has_requested_host(self, site):
        site.get("/schedule", headers={"Host": "attacker.example"})
        page = site.get("/schedule")

        assert "attacker.example" not in page.text


class TestCatalogues:
    def test_dates_times_and_zones_in_german(self, site, write_schedule):
        write_schedule(make_talk("10:00", 60, "Eins", speakers=("Ada", "Bo", "Cy"), language="en"))
        page = site.get("/talk/guid-Eins?lang=de").html

        assert text(page.select_one(".eyebrow")) == "Dienstag, 24. November 2026"
        assert text(page.select_one(".speakers")) == "Ada, Bo und Cy"
        assert text(page.select_one("[data-status]")) == "Läuft, noch 40 Min."
        facts = [text(fact) for fact in page.select("dd")]
        assert facts == ["10:00 – 11:00 AEDT (Australia/Sydney)", "Great Hall", "Englisch"]

    @pytest.mark.parametrize(
        ("language", "day", "heading"),
        [
            ("en", "Tue 24 Nov", "Tuesday 24 November"),
            ("de", "Di 24. Nov.", "Dienstag, 24. November"),
            ("fr", "mar. 24 nov.", "mardi 24 novembre"),
            ("es", "mar 24 nov", "martes, 24 de noviembre"),
        ],
    )
    def test_schedule_days_in_german(self, site, write_schedule, language, day, heading):
        write_schedule(make_talk("10:00", 60, "One"), make_talk("10:00", 3000, "Two"))
        page = site.get(f"/schedule?view=list&lang={language}").html

        assert text(page.select_one(".days a")) == day
        assert text(page.select_one(".agenda h2")) == heading

    def test_zone_name_is_translated_if_available(self, site, write_schedule):
        from zoneinfo import ZoneInfo

        write_schedule(make_talk("20:00", 60, "Later"), zone=ZoneInfo("Europe/Berlin"))

        assert "um 10:00 MEZ" in text(site.get("/hall?lang=de").html.select_one(".stage"))
        assert "at 10:00 CET" in text(site.get("/hall?lang=en").html.select_one(".stage"))

    def test_js_catalogue_has_plural_forms(self, site):
        page = site.get("/talk/guid-Moved?lang=de").html
        address = page.html["data-catalogue"]
        response = site.get(address)

        assert response.json["{count} day"] == {"one": "{count} Tag", "other": "{count} Tage"}
        assert response.json["now"] == "jetzt"
        # Messages of the server are not in it.
        assert "Skip to content" not in response.json
        assert "immutable" in response.headers["Cache-Control"]
        assert page.select_one("link[rel=preload][as=fetch]")["href"] == address
        site.get(address, headers={"If-None-Match": response.headers["ETag"]}, status=304)

    def test_outdated_js_catalogue_url_is_cached_briefly(self, site):
        response = site.get("/words/de.json?v=old")

        assert "max-age=60" in response.headers["Cache-Control"]
        assert "immutable" not in response.headers["Cache-Control"]

    def test_english_js_catalogue_is_empty(self, site):
        page = site.get("/hall").html

        assert not page.html.has_attr("data-catalogue")
        assert not page.select("link[rel=preload]")
        assert site.get("/words/en.json").json == {}

    def test_unknown_js_catalogue_is_404(self, site):
        assert site.get("/words/xx.json", status=404).json == {"error": "there is no such language"}


POT = "src/streaming_system/frontend/locale/streaming-system.pot"


class TestEventCatalogues:
    @pytest.fixture
    def folder(self, tmp_path):
        return tmp_path / "event's own"

    @pytest.fixture
    def add_messages(self, folder):
        """Return a function that adds translations to a catalogue."""

        def add_messages(language, **messages):
            catalogue = Catalog(locale=language)
            for message, string in messages.items():
                catalogue.add(message, string, locations=[("static/schedule.js", None)])
            target = folder / language / "LC_MESSAGES"
            target.mkdir(parents=True)
            with (target / "streaming-system.po").open("wb") as file:
                write_po(file, catalogue)
            with (target / "streaming-system.mo").open("wb") as file:
                write_mo(file, catalogue)

        return add_messages

    def test_event_catalogue_adds_a_language(self, make_site, folder, add_messages):
        add_messages("nl", Rooms="Zalen")
        site = make_site(**{"languages.folder": str(folder)})
        page = site.get("/hall", headers=asking("nl-BE")).html

        assert page.html["lang"] == "nl"
        assert text(page.select_one("nav a")) == "Zalen"
        # Missing translations are English.
        assert text(page.select("nav a")[1]) == "Schedule"
        assert "Nederlands" in [a.string for a in page.select(".languages a")]
        assert site.get(page.html["data-catalogue"]).json == {"Rooms": "Zalen"}

    def test_event_catalogue_overrides_messages(self, make_site, folder, add_messages):
        add_messages("de", Rooms="Bühnen", now="gerade", Ended="")
        site = make_site(**{"languages.folder": str(folder)})
        page = site.get("/hall?lang=de").html
        words = site.get(page.html["data-catalogue"]).json

        assert [text(link) for link in page.select("nav a")][:2] == ["Bühnen", "Programm"]
        assert (words["now"], words["Ended"]) == ("gerade", "Beendet")

    def test_country_catalogue_extends_its_language(self, make_site, folder, add_messages):
        add_messages("de_AT", now="grad")
        site = make_site(**{"languages.folder": str(folder)})
        page = site.get("/hall", headers=asking("de-AT")).html
        words = site.get(page.html["data-catalogue"]).json

        assert page.html["lang"] == "de-AT"
        assert text(page.select_one("nav a")) == "Räume"
        assert (words["now"], words["Ended"]) == ("grad", "Beendet")

    def test_missing_languages_folder_stops_the_start(self, make_site, folder):
        with pytest.raises(SystemExit) as stop:
            make_site(**{"languages.folder": str(folder)})

        assert (
            str(stop.value) == f"languages.folder in the ini file is {folder}, which is no folder"
        )


def test_unknown_language_folder_stops_the_start(make_site, root, tmp_path):
    folder = tmp_path / "more/nonsense/LC_MESSAGES"
    folder.mkdir(parents=True)
    shutil.copy(root / POT.replace("streaming-system.pot", "de/LC_MESSAGES/streaming-system.mo"),
                folder)  # fmt: skip

    with pytest.raises(SystemExit) as stop:
        make_site(**{"languages.folder": str(tmp_path / "more")})

    assert str(stop.value) == (
        "a folder of catalogues is called nonsense, which is no language; "
        "right are names like de or pt_BR"
    )
