"""How pages look elsewhere: embedded, found by oEmbed, previewed by messengers."""

import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from .pages import HALL, event, told

CODE_ALLOWS = {"autoplay", "fullscreen", "picture-in-picture", "encrypted-media"}


@pytest.fixture
def site_with(make_site, tmp_path, tracker_says):
    """Return a function that makes a site of more configuration, with a live hall."""

    def site_with(config=(), hall=(), default=()):
        document = json.loads((tmp_path / "config.json").read_text())
        document["config"].update(config)
        document["hall"].update(hall)
        document["default"].update(default)
        (tmp_path / "config.json").write_text(json.dumps(document))
        tracker_says.says = told(hall=["webm_high", "ogg_high"], lab=None)
        return make_site(**{"tracker.internal_url": tracker_says.url})

    return site_with


@pytest.fixture
def embeddable(site_with):
    return site_with({"embed": ["https://blog.example.org", "https://*.example.com"]})


def meta(page, name):
    """Return what a page says of itself, by the name of it."""
    [element] = page.html.select(f'meta[name="{name}"], meta[property="{name}"]')
    return element["content"]


def policy(answer):
    return {
        rule.partition(" ")[0]: rule.partition(" ")[2]
        for rule in answer.headers["Content-Security-Policy"].split("; ")
    }


class TestEmbed:
    def test_it_is_the_player_and_a_way_to_the_page(self, embeddable):
        page = embeddable.get("/embed/hall").html

        assert page.select_one(".stage video source")["src"].endswith("webcast-high.webm")
        assert page.select("header, nav, aside, .about, .formats") == []
        [link] = page.select(".embed-caption a")
        assert link["href"] == "http://localhost/hall"
        assert "Great Hall" in link.get_text()
        # All links lead out of the frame: our other pages must not be in it.
        assert page.select_one("base")["target"] == "_blank"
        assert page.select_one("link[rel=canonical]")["href"] == "http://localhost/hall"

    def test_it_plays_by_itself_only_where_its_address_says_so(self, embeddable):
        def waits(path):
            return "data-waits" in embeddable.get(path).html.select_one(".stage").attrs

        assert waits("/embed/hall")
        assert not waits("/embed/hall?autoplay=1")
        assert not waits("/hall")

    def test_only_the_sites_that_are_named_may_frame_it_and_nothing_else(self, embeddable):
        answer = embeddable.get("/embed/hall")

        allowed = "'self' https://blog.example.org https://*.example.com"
        assert policy(answer)["frame-ancestors"] == allowed
        assert policy(answer)["media-src"] == "http: https: blob:"
        assert "X-Frame-Options" not in answer.headers
        for path in ("/hall", "/", "/schedule", "/embed/nowhere"):
            other = embeddable.get(path, status="*")
            assert policy(other)["frame-ancestors"] == "'self'"
            assert other.headers["X-Frame-Options"] == "SAMEORIGIN"

    def test_without_the_key_only_the_site_itself_may(self, site):
        answer = site.get("/embed/hall")

        assert policy(answer)["frame-ancestors"] == "'self'"
        assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"

    def test_everybody_may_where_the_configuration_says_so(self, site_with):
        answer = site_with({"embed": "*"}).get("/embed/hall")

        assert policy(answer)["frame-ancestors"] == "'self' *"

    def test_in_the_venue_it_asks_people_to_come(self, embeddable):
        venue = {"REMOTE_ADDR": "192.0.2.44"}

        answer = embeddable.get("/embed/hall", extra_environ=venue)

        assert "not permitted from within the venue" in answer.text
        assert answer.html.select("video") == []
        assert "private" in answer.headers["Cache-Control"]
        # It can be framed, or the blog would show an error.
        assert "https://blog.example.org" in policy(answer)["frame-ancestors"]

    def test_a_youtube_room_may_frame_youtube(self, embeddable):
        answer = embeddable.get("/embed/tube")

        assert policy(answer)["frame-src"] == "https://www.youtube-nocookie.com"
        assert answer.html.select_one("[data-youtube]")


class TestOembed:
    def ask(self, site, url, **more):
        return site.get("/oembed", {"url": url, **more}, status="*")

    @pytest.mark.parametrize("path", ["/hall", "/embed/hall", "/hall?t=5#x", "/hall/"])
    def test_a_room_s_address_gives_its_player(self, embeddable, path):
        answer = self.ask(embeddable, f"http://localhost{path}", format="json")

        assert (answer.status_int, answer.content_type) == (200, "application/json")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        told = answer.json
        assert (told["version"], told["type"], told["title"]) == ("1.0", "video", "Great Hall")
        assert (told["provider_name"], told["provider_url"]) == ("Test Conf", "http://localhost/")
        frame = ElementTree.fromstring(told["html"].replace("allowfullscreen", ""))
        assert frame.tag == "iframe"
        assert frame.attrib["src"] == "http://localhost/embed/hall"
        assert frame.attrib["title"] == "Great Hall"
        assert set(frame.attrib["allow"].split("; ")) == CODE_ALLOWS
        assert (frame.attrib["width"], frame.attrib["height"]) == ("800", "494")
        assert (told["width"], told["height"]) == (800, 494)

    @pytest.mark.parametrize(
        ("most", "size"),
        [
            ({"maxwidth": "400"}, (400, 269)),
            ({"maxheight": "224"}, (320, 224)),
            ({"maxwidth": "400", "maxheight": "224"}, (320, 224)),
            ({"maxwidth": "99999"}, (800, 494)),
        ],
    )
    def test_it_fits_into_the_space_that_there_is(self, embeddable, most, size):
        told = self.ask(embeddable, "http://localhost/hall", **most).json

        assert (told["width"], told["height"]) == size

    @pytest.mark.parametrize(
        "url",
        [
            "http://other.example/hall",
            "http://localhost/",
            "http://localhost/nowhere",
            "http://localhost/schedule",
            "http://localhost/hall/schedule",
            "http://localhost:8080/hall",
            "http://localhost@other.example/hall",
            "ftp://localhost/hall",
            "hall",
            "http://[/hall",
        ],
    )
    def test_other_addresses_are_not_found(self, embeddable, url):
        answer = self.ask(embeddable, url)

        assert (answer.status_int, answer.content_type) == (404, "application/json")
        assert answer.json["error"]

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"url": "http://localhost/hall", "format": "xml"}, 501),
            ({}, 400),
            ({"url": "http://localhost/hall", "maxwidth": "wide"}, 400),
            ({"url": "http://localhost/hall", "maxheight": "-1"}, 400),
        ],
    )
    def test_what_it_cannot_do_it_says(self, embeddable, query, status):
        answer = embeddable.get("/oembed", query, status=status)

        assert answer.json["error"]

    def test_a_site_that_is_not_to_be_framed_says_so(self, site):
        answer = self.ask(site, "http://localhost/hall")

        assert answer.status_int == 401
        assert answer.json == {"error": "the rooms of this site may not be shown by others"}

    def test_below_a_prefix_addresses_have_it(self, embeddable):
        below = {"SCRIPT_NAME": "/live"}
        query = {"url": "http://localhost/live/hall"}

        answer = embeddable.get("/live/oembed", query, extra_environ=below)

        assert 'src="http://localhost/live/embed/hall"' in answer.json["html"]
        query = {"url": "http://localhost/hall"}
        embeddable.get("/live/oembed", query, extra_environ=below, status=404)

    def test_pages_of_rooms_tell_of_it_where_it_answers(self, site, site_with):
        kind = 'link[type="application/json+oembed"]'
        assert site.get("/hall").html.select(kind) == []

        site = site_with({"embed": "*"})

        for path in ("/hall", "/embed/hall"):
            [link] = site.get(path).html.select(kind)
            assert site.get(link["href"]).json["title"] == "Great Hall"
        assert site.get("/").html.select(kind) == []


class TestSocial:
    @pytest.mark.parametrize(
        ("path", "title", "description"),
        [
            ("/", "Test Conf", "Live streams and schedule. Rooms: Great Hall, Lab, Tube"),
            ("/hall", "Great Hall · Test Conf", "Now: Keynote & more · Ada, Bo"),
            ("/lab", "Lab · Test Conf", "Next: Soldering"),
            ("/tube", "Tube · Test Conf", "Live stream and schedule of Tube"),
            ("/talk/guid-Soldering", "Soldering", "Tuesday 24 November 2026, 11:00 · Lab"),
            ("/schedule", "Schedule · Test Conf", "4 talks: when, where and by whom"),
            ("/lab/schedule", "Schedule of Lab · Test Conf", "1 talk: when, where and by whom"),
        ],
    )
    def test_a_page_says_what_it_is(self, live_site, path, title, description):
        page = live_site.get(path)

        assert meta(page, "og:title") == title
        assert meta(page, "description") == meta(page, "og:description") == description
        assert meta(page, "og:url") == f"http://localhost{path}"
        assert meta(page, "og:site_name") == "Test Conf"
        assert meta(page, "twitter:card") == "summary"
        assert live_site.get(meta(page, "og:image")).content_type == "image/png"

    def test_an_abstract_is_plain_and_ends_at_a_word(self, site, plan):
        abstract = f"<p>Ärger &amp; <b>Mut</b>.</p><p>{'wordy ' * 60}</p>"
        plan(event("10:00", 30, "Long", abstract=abstract))

        text = meta(site.get("/talk/guid-Long"), "description")

        assert text.startswith("Ärger & Mut. wordy wordy")
        assert text.endswith("wordy…")
        assert 180 < len(text) <= 201

    @pytest.mark.parametrize(
        ("asked", "canonical"),
        [
            ("/hall?t=5&delta=3&template=group", "/hall"),
            ("/hall?lang=en&t=5", "/hall?lang=en"),
            ("/schedule?lang=en&day=2026-11-24", "/schedule?day=2026-11-24&lang=en"),
            ("/schedule?lang=nonsense", "/schedule"),
            ("/schedule?day=2026-11-24&q=x&view=list", "/schedule?day=2026-11-24"),
            ("/schedule?room=hall", "/schedule?room=hall"),
            ("/?delta=3", "/"),
            ("/embed/hall?delta=3", "/hall"),
        ],
    )
    def test_a_page_has_one_address(self, live_site, asked, canonical):
        [link] = live_site.get(asked).html.select("link[rel=canonical]")

        assert link["href"] == f"http://localhost{canonical}"

    def test_what_one_viewer_adds_to_an_address_is_not_shown_to_the_next(self, site):
        def leads(path):
            page = site.get(path).html
            links = page.select("link[rel=canonical], header a[href^='/']")
            return ["lang=en" in link["href"] for link in links]

        assert all(leads("/schedule?lang=en"))
        assert not any(leads("/schedule"))

    def test_behind_a_proxy_addresses_are_those_of_the_viewers(self, site):
        proxied = {"HTTP_HOST": "live.example.org", "wsgi.url_scheme": "https"}

        for path in ("/hall", "/schedule", "/schedule"):
            page = site.get(path, extra_environ=proxied)
            assert meta(page, "og:url") == f"https://live.example.org{path}"
            assert meta(page, "og:image") == "https://live.example.org/brand/picture"
        # What is kept of one host's pages is not shown on another.
        assert meta(site.get("/schedule"), "og:url") == "http://localhost/schedule"

    def test_a_room_s_preview_is_its_picture(self, site_with):
        site = site_with(hall={"preview": "/previews/hall.jpg"})

        page = site.get("/hall")

        assert meta(page, "og:image") == "http://localhost/previews/hall.jpg"
        assert meta(page, "twitter:card") == "summary_large_image"

    def test_a_drawn_logo_is_no_picture_for_messengers(self, site_with):
        site = site_with(default={"logo": "https://e.example/logo.svg?x"})

        assert meta(site.get("/"), "og:image") == "http://localhost/brand/picture"

    def test_the_event_s_logo_stands_for_it(self, site, tmp_path):
        (tmp_path / "brand").mkdir()
        (tmp_path / "brand/logo.jpg").write_bytes(b"jpeg")

        answer = site.get("/brand/picture")

        assert (answer.body, answer.content_type) == (b"jpeg", "image/jpeg")

    def test_what_is_wrong_is_not_for_search_engines(self, site):
        page = site.get("/nothing?delta=x", status=404)

        assert page.html.select("link[rel=canonical], meta[property]") == []

    def test_a_title_cannot_leave_its_place(self, site, plan):
        hostile = '"><script>a()</script>'
        plan(replace(HALL[0], title=hostile, speakers=(hostile,)))

        page = site.get("/hall")

        assert meta(page, "og:description") == f"Now: {hostile} · {hostile}"
        assert page.html.select("script:not([src])") == []
