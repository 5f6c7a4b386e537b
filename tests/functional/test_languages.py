"""Pages in languages: which one, how it is kept, and that no English is left over."""

import re
import shutil
from html import unescape

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from .pages import event, told

LANGUAGES = ("de", "en", "es", "fr")
PAGES = (
    "/",
    "/hall",
    "/lab",
    "/tube",
    "/hall?template=inroom",
    "/schedule",
    "/schedule?day=all&q=panel",
    "/lab/schedule",
    "/talk/guid-Moved",
    "/monitor",
    "/graphs",
    "/graphs?room=hall",
    "/nothing-here",
    "/schedule?day=nonsense",
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
    "/schedule.ics",
    "/talk/guid-Moved.ics",
)


def text(element):
    return " ".join(element.get_text().split())


def asking(language):
    return {"Accept-Language": language}


class TestWhichLanguage:
    @pytest.mark.parametrize(
        ("accepted", "language"),
        [
            ("de", "de"),
            # A region's own catalogue is not there: the language's will do.
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
    def test_it_is_what_the_browser_likes_best(self, site, accepted, language):
        answer = site.get("/", headers=asking(accepted))

        assert answer.html.html["lang"] == language
        assert answer.headers["Content-Language"] == language
        assert answer.vary == ("Accept-Language",)

    def test_the_address_has_the_last_word(self, site):
        answer = site.get("/hall?lang=fr", headers=asking("de"))

        assert answer.html.html["lang"] == answer.headers["Content-Language"] == "fr"
        assert "Vary" not in answer.headers

    @pytest.mark.parametrize("unknown", ["xx", "", "../de", "de%00", "<b>"])
    def test_an_unknown_language_in_the_address_is_ignored(self, site, unknown):
        answer = site.get(f"/hall?lang={unknown}", headers=asking("de"))

        assert answer.html.html["lang"] == "de"
        assert answer.vary == ("Accept-Language",)
        assert not [link["href"] for link in answer.html.select("main a[href*='lang=']")]

    def test_an_address_that_is_no_text_is_a_page_that_says_so(self, site):
        page = site.get("/hall?lang=%ff", headers=asking("de"), status=400).html

        assert text(page.h1) == "Diese Adresse ist nicht zu verstehen"

    @pytest.mark.parametrize("language", LANGUAGES)
    @pytest.mark.parametrize("path", PAGES)
    def test_every_page_speaks_it(self, live_site, path, language):
        answer = live_site.get(path, headers=asking(language), expect_errors=True)

        assert (answer.html.html["lang"], answer.html.html["dir"]) == (language, "ltr")
        assert answer.headers["Content-Language"] == language
        assert "Accept-Language" in answer.vary

    @pytest.mark.parametrize("path", PROGRAMS)
    def test_what_programs_read_is_the_same_for_everybody(self, live_site, path):
        english = live_site.get(path)
        german = live_site.get(path, headers=asking("de"))

        assert german.body == english.body
        assert "Accept-Language" not in (german.vary or ())
        assert "Content-Language" not in german.headers

    def test_no_cookie_is_set(self, site):
        assert "Set-Cookie" not in site.get("/?lang=de").headers

    def test_a_kept_page_of_the_programme_is_not_handed_to_speakers_of_another(self, site):
        pages = [site.get("/schedule", headers=asking(one)) for one in ("de", "fr", "de", "en")]

        assert [text(page.html.h1) for page in pages] == [
            "Programm",
            "Programme",
            "Programm",
            "Schedule",
        ]
        assert len({page.headers["ETag"] for page in pages}) == 3

    def test_a_kept_page_whose_address_names_no_language_has_no_links_that_do(self, site):
        site.get("/schedule?lang=de")
        page = site.get("/schedule", headers=asking("de"))

        assert not page.html.select("main a[href*='lang=']")


class TestAddresses:
    @pytest.mark.parametrize("path", PAGES)
    def test_every_link_to_a_page_keeps_the_language_and_no_other_does(self, live_site, path):
        joint = "&" if "?" in path else "?"
        page = live_site.get(f"{path}{joint}lang=de", expect_errors=True).html
        links = {link["href"] for link in page.select("a[href^='/']:not([hreflang])")}
        programs = re.compile(r"\.(ics|xml|json|m3u|js|css)|/(rss|atom|json)$|^/tracker/")

        kept = {link for link in links if "lang=de" in link}

        assert kept
        assert all(programs.search(link) for link in links - kept), links - kept
        assert not [link for link in kept if programs.search(link)]
        others = {link.get("href") for link in page.select("link, script")} - {None}
        assert not [link for link in others if "lang=" in link and "hreflang" not in link
                    and not link.startswith("http")]  # fmt: skip

    def test_forms_keep_it_too(self, site):
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
    def test_the_switch_leads_to_the_same_page_in_every_language(self, site, path, query):
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

    def test_search_engines_hear_of_the_others(self, site):
        links = site.get("/hall?lang=de").html.select("link[rel=alternate][hreflang]")

        assert {link["hreflang"]: link["href"] for link in links} == {
            "de": "http://localhost/hall?lang=de",
            "en": "http://localhost/hall?lang=en",
            "es": "http://localhost/hall?lang=es",
            "fr": "http://localhost/hall?lang=fr",
            "x-default": "http://localhost/hall",
        }

    def test_a_kept_page_names_the_host_that_was_asked(self, site):
        site.get("/schedule", headers={"Host": "attacker.example"})
        page = site.get("/schedule")

        assert "attacker.example" not in page.text


class TestWords:
    def test_german_dates_times_and_zones(self, site, plan):
        plan(event("10:00", 60, "Eins", speakers=("Ada", "Bo", "Cy"), language="en"))
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
    def test_days_of_the_programme(self, site, plan, language, day, heading):
        plan(event("10:00", 60, "One"), event("10:00", 3000, "Two"))
        page = site.get(f"/schedule?view=list&lang={language}").html

        assert text(page.select_one(".days a")) == day
        assert text(page.select_one(".agenda h2")) == heading

    def test_a_zone_has_its_name_in_the_language_where_that_has_one(self, site, plan):
        from zoneinfo import ZoneInfo

        plan(event("20:00", 60, "Later"), zone=ZoneInfo("Europe/Berlin"))

        assert "um 10:00 MEZ" in text(site.get("/hall?lang=de").html.select_one(".stage"))
        assert "at 10:00 CET" in text(site.get("/hall?lang=en").html.select_one(".stage"))

    def test_a_catalogue_names_the_form_for_each_kind_of_number(self, site):
        page = site.get("/talk/guid-Moved?lang=de").html
        address = page.html["data-words"]
        answer = site.get(address)

        assert answer.json["{count} day"] == {"one": "{count} Tag", "other": "{count} Tage"}
        assert answer.json["now"] == "jetzt"
        # What only the server says is not in it.
        assert "To the content" not in answer.json
        assert "immutable" in answer.headers["Cache-Control"]
        assert page.select_one("link[rel=preload][as=fetch]")["href"] == address
        site.get(address, headers={"If-None-Match": answer.headers["ETag"]}, status=304)

    def test_a_catalogue_of_another_version_is_not_kept_for_long(self, site):
        answer = site.get("/words/de.json?v=old")

        assert "max-age=60" in answer.headers["Cache-Control"]
        assert "immutable" not in answer.headers["Cache-Control"]

    def test_english_needs_no_catalogue(self, site):
        page = site.get("/hall").html

        assert not page.html.has_attr("data-words")
        assert not page.select("link[rel=preload]")
        assert site.get("/words/en.json").json == {}

    def test_an_unknown_catalogue_is_not_there(self, site):
        assert site.get("/words/xx.json", status=404).json == {"error": "there is no such language"}


MARKED = re.compile("⟦[^⟦⟧]*⟧")


@pytest.fixture
def marked_site(make_site, tracker_says, root, tmp_path):
    """The pages in a language whose every message is marked. Its script goes from right to left."""
    with (root / POT).open("rb") as file:
        catalogue = read_po(file, locale="he")
    for message in catalogue:
        if message.id:
            ids = [message.id] if isinstance(message.id, str) else list(message.id)
            strings = [f"⟦{one}⟧" for one in ids]
            many = strings + strings[-1:] * (catalogue.num_plurals - len(strings))
            message.string = strings[0] if isinstance(message.id, str) else tuple(many)
    folder = tmp_path / "more/he/LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "streaming-system.po").open("wb") as file:
        write_po(file, catalogue)
    with (folder / "streaming-system.mo").open("wb") as file:
        write_mo(file, catalogue)
    tracker_says.says = told(hall=["webm_high", "ogg_high"], lab=None)
    settings = {"languages.folder": str(tmp_path / "more")}
    settings["tracker.internal_url"] = tracker_says.url
    return make_site(**settings)


POT = "src/streaming_system/frontend/locale/streaming-system.pot"


def words_of(page):
    """Return everything on a page that somebody reads or hears."""
    for element in page.select("script, style, [lang=en], [hreflang]:not([hreflang=en])"):
        element.decompose()
    for element in page.find_all(True):
        for name in ("title", "alt", "aria-label", "placeholder"):
            if element.get(name):
                yield unescape(element[name])
    # A message may have elements within it.
    yield " ".join(page.stripped_strings)


def english(page):
    """Return what is in no message and no data of the feed's or the configuration's."""
    for words in words_of(page):
        while MARKED.search(words):
            words = MARKED.sub("", words)
        yield from re.findall("[A-Za-z]+", DATA.sub("", words))


# What the feed, the configuration and standards call things.
DATA = re.compile(
    r"Keynote & more|<b>Panel</b>|Moved|Soldering|Plenary|A subtitle|About|it\b|Ada|Bo\b"
    r"|Great Hall|\bhall\b|Lab\b|\blab\b|Tube|Test Conf|AEDT|UTC|Australia/Sydney|panel"
    r"|iCalendar|schedule\.xml|schedule\.json|overall-stats\.json|'nonsense'|YYYY-MM-DD, all"
    r"|day\b|nothing-here"
)


class TestNoEnglishIsLeftOver:
    @pytest.mark.parametrize("path", PAGES)
    def test_all_words_of_a_page_are_translated(self, marked_site, path):
        page = marked_site.get(path, headers=asking("he"), expect_errors=True).html

        assert str(page).count("⟦") > 5
        assert list(english(page)) == []

    def test_all_words_of_gaps_and_states_are_translated(self, marked_site, clock, plan):
        from datetime import timedelta

        plan(event("10:00", 30, "Keynote & more"), event("11:00", 30, "Moved"), title="Great Hall")
        start = clock["now"]
        for hours in (-100, -2, 0.3, 2, 100):
            clock["now"] = start + timedelta(hours=hours)
            for path in ("/", "/hall", "/monitor", "/talk/guid-Moved"):
                page = marked_site.get(path, headers=asking("he")).html
                assert (hours, path, list(english(page))) == (hours, path, [])

    def test_a_language_that_is_written_from_right_to_left_needs_nothing_else(self, marked_site):
        page = marked_site.get("/?lang=he").html

        assert (page.html["lang"], page.html["dir"]) == ("he", "rtl")
        assert page.select_one(".languages a[lang=he]")["dir"] == "rtl"
        assert page.select_one(".languages a[lang=he]").string == "עברית"


class TestAnEventsOwnCatalogues:
    @pytest.fixture
    def folder(self, tmp_path):
        return tmp_path / "event's own"

    @pytest.fixture
    def say(self, folder):
        """Return a function that adds messages to a language, as a translator would."""

        def say(language, **messages):
            catalogue = Catalog(locale=language)
            for message, string in messages.items():
                catalogue.add(message, string, locations=[("static/schedule.js", None)])
            target = folder / language / "LC_MESSAGES"
            target.mkdir(parents=True)
            with (target / "streaming-system.po").open("wb") as file:
                write_po(file, catalogue)
            with (target / "streaming-system.mo").open("wb") as file:
                write_mo(file, catalogue)

        return say

    def test_they_add_a_language(self, make_site, folder, say):
        say("nl", Rooms="Zalen")
        site = make_site(**{"languages.folder": str(folder)})
        page = site.get("/hall", headers=asking("nl-BE")).html

        assert page.html["lang"] == "nl"
        assert text(page.select_one("nav a")) == "Zalen"
        # What nobody has translated is English.
        assert text(page.select("nav a")[1]) == "Schedule"
        assert "Nederlands" in [a.string for a in page.select(".languages a")]
        assert site.get(page.html["data-words"]).json == {"Rooms": "Zalen"}

    def test_they_take_the_place_of_some_of_our_messages(self, make_site, folder, say):
        say("de", Rooms="Bühnen", now="gerade", Over="")
        site = make_site(**{"languages.folder": str(folder)})
        page = site.get("/hall?lang=de").html
        words = site.get(page.html["data-words"]).json

        assert [text(link) for link in page.select("nav a")][:2] == ["Bühnen", "Programm"]
        assert (words["now"], words["Over"]) == ("gerade", "Vorbei")

    def test_those_of_a_country_complete_those_of_its_language(self, make_site, folder, say):
        say("de_AT", now="grad")
        site = make_site(**{"languages.folder": str(folder)})
        page = site.get("/hall", headers=asking("de-AT")).html
        words = site.get(page.html["data-words"]).json

        assert page.html["lang"] == "de-AT"
        assert text(page.select_one("nav a")) == "Räume"
        assert (words["now"], words["Over"]) == ("grad", "Vorbei")

    def test_a_folder_that_is_not_there_stops_the_start(self, make_site, folder):
        with pytest.raises(SystemExit) as stop:
            make_site(**{"languages.folder": str(folder)})

        assert (
            str(stop.value) == f"languages.folder in the ini file is {folder}, which is no folder"
        )


def test_a_folder_that_is_no_language_stops_the_start(make_site, root, tmp_path):
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
