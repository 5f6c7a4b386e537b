"""All texts of pages are translatable: a test language marks every message."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request

from streaming_system.frontend.routes import PAGE_ROUTES as ROUTES_FOR_PEOPLE
from streaming_system.schedule.model import Schedule
from streaming_system.schedule.storage import save_schedule

from .pages import make_talk, streams_document
from .test_languages import PAGES, POT, TAG, asking, switch_everything_on

MARKED = re.compile("⟦[^⟦⟧]*⟧")


@pytest.fixture
def language(root, tmp_path):
    """A folder with a right-to-left language whose messages are all marked."""
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
    return tmp_path / "more"


@pytest.fixture
def marked(make_site, stub_tracker, language, tmp_path):
    """Return a function that creates a site in that language, with more keys of rooms."""

    def marked(**rooms):
        path = tmp_path / "config.json"
        switch_everything_on(path, stub_tracker)
        document = json.loads(path.read_text())
        for room, keys in rooms.items():
            document[room] |= keys
        path.write_text(json.dumps(document))
        settings = {
            "languages.folder": str(language),
            "events.folder": str(tmp_path / "events"),
            "tracker.internal_url": stub_tracker.url,
        }
        return make_site(**settings)

    return marked


@pytest.fixture
def marked_site(marked):
    return marked()


def words_of(page):
    """Return all visible and spoken texts of a page."""
    for element in page.select("script, style, textarea, [lang=en], [hreflang]:not([hreflang=en])"):
        element.decompose()
    for element in page.find_all(True):
        for name in ("title", "alt", "aria-label", "placeholder", "data-title"):
            if element.get(name):
                yield unescape(element[name])
    for description in page.select("meta[name=description], meta[property$=description]"):
        yield description["content"]
    # A message may contain elements.
    yield " ".join(page.stripped_strings)


def english(page):
    """Return the texts outside of messages, the feed and the configuration."""
    for words in words_of(page):
        while MARKED.search(words):
            words = MARKED.sub("", words)
        yield from re.findall("[A-Za-z]+", DATA.sub("", words))


# Names in the feed, the configuration and standards.
DATA = re.compile(
    r"Keynote & more|<b>Panel</b>|Moved|Soldering|Plenary|A subtitle|About|it\b|Ada|\bada\b|Bo\b"
    r"|Great Hall|\bhall\b|Lab\b|\blab\b|Tube|Test Conf|AEDT|UTC|Australia/Sydney|panel"
    r"|iCalendar|schedule\.xml|schedule2?\.json|overall-stats\.json|'nonsense'|YYYY-MM-DD, all"
    r"|day\b|nothing-here"
)


def moved(talk, days):
    by = timedelta(days=days)
    return replace(talk, start=talk.start + by, end=talk.end + by, guid=f"{talk.guid}-{days}")


class TestUntranslatedText:
    def test_all_page_routes_are_covered(self, marked_site):
        mapper = marked_site.app.registry.getUtility(IRoutesMapper)
        routes = [mapper(Request.blank(path))["route"] for path in PAGES]

        assert {route.name for route in routes if route} == ROUTES_FOR_PEOPLE

    @pytest.mark.parametrize("path", PAGES)
    def test_pages_are_translated(self, marked_site, path):
        page = marked_site.get(path, headers=asking("he"), expect_errors=True).html

        assert str(page).count("⟦") > 3
        assert list(english(page)) == []

    def test_fillers_and_states_are_translated(self, marked_site, clock, write_schedule):
        write_schedule(
            make_talk("10:00", 30, "Keynote & more"),
            make_talk("11:00", 30, "Moved"),
            title="Great Hall",
        )
        start = clock["now"]
        for hours in (-100, -2, 0.3, 2, 100):
            clock["now"] = start + timedelta(hours=hours)
            for path in ("/", "/hall", "/lab", "/monitor", "/talk/guid-Moved", "/embed/hall"):
                page = marked_site.get(path, headers=asking("he")).html
                assert (hours, path, list(english(page))) == (hours, path, [])

    @pytest.mark.parametrize(
        ("moment", "live", "says"),
        [
            ("2026-11-20T10:20", False, "starts on"),
            ("2026-11-23T10:20", False, "starts on"),
            ("2026-11-24T11:00", False, "The next talk starts at"),
            ("2026-11-24T11:00", None, "We cannot tell right now which rooms are live"),
            ("2026-11-24T18:00", False, "continues tomorrow at"),
            ("2026-11-25T18:00", True, "continues on"),
            ("2026-12-24T10:20", False, "is over."),
        ],
    )
    def test_index_is_translated_in_every_phase(
        self, marked, stub_tracker, clock, write_schedule, moment, live, says
    ):
        site = marked(tube={"youtube": ""})
        talk = make_talk("10:00", 30, "Moved", speakers=("Ada", "Bo"))
        write_schedule(talk, make_talk("11:30", 30, "Soldering"), moved(talk, 1), moved(talk, 9))
        stub_tracker.document = (
            b"" if live is None else streams_document(hall=["webm_high"] if live else None)
        )
        clock["now"] = datetime.fromisoformat(f"{moment}+11:00").astimezone(UTC)

        page = site.get("/", headers=asking("he")).html

        assert says in page.get_text()
        assert list(english(page)) == []

    @pytest.mark.parametrize("live", [True, False, None])
    def test_pages_without_schedule_are_translated(
        self, marked_site, stub_tracker, schedule_file, live
    ):
        save_schedule(Schedule(rooms={}), schedule_file)
        stub_tracker.document = (
            b"" if live is None else streams_document(hall=["webm_high"] if live else None)
        )
        pages = {
            path: marked_site.get(path, headers=asking("he")).html
            for path in ("/", "/hall", "/lab", "/schedule", "/hall/schedule", "/embed/hall")
        }

        left = {path: words for path, page in pages.items() if (words := list(english(page)))}
        assert left == {}

    def test_index_of_several_events_is_translated(self, marked):
        page = marked(lab={"conference": ""}).get("/", headers=asking("he")).html

        assert "⟦Other rooms⟧" in [heading.get_text() for heading in page.select("h2")]
        assert list(english(page)) == []

    @pytest.mark.parametrize(
        ("document", "notice"), [(b"nonsense", "is not responding"), ([], "No posts with")]
    )
    def test_empty_posts_page_is_translated(self, marked_site, stub_tracker, document, notice):
        stub_tracker.documents[TAG] = document

        page = marked_site.get("/hall/posts", headers=asking("he")).html

        assert notice in page.select_one(".posts").get_text()
        assert list(english(page)) == []

    def test_right_to_left_language_sets_direction(self, marked_site):
        page = marked_site.get("/?lang=he").html

        assert (page.html["lang"], page.html["dir"]) == ("he", "rtl")
        assert page.select_one(".languages a[lang=he]")["dir"] == "rtl"
        assert page.select_one(".languages a[lang=he]").string == "עברית"
