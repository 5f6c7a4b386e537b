"""Embedding, oEmbed, and metadata for messengers and search engines."""

import io
import json
from dataclasses import replace
from xml.etree import ElementTree

import pytest
import segno

from streaming_system.frontend.social_picture import image_size

from .pages import HALL, make_talk, streams_document

CODE_ALLOWS = {"autoplay", "fullscreen", "picture-in-picture", "encrypted-media"}


@pytest.fixture
def site_with(make_site, tmp_path, stub_tracker):
    """Return a function that creates a site with more configuration and a live hall."""

    def site_with(config=(), hall=(), default=()):
        document = json.loads((tmp_path / "config.json").read_text())
        document["config"].update(config)
        document["hall"].update(hall)
        document["default"].update(default)
        (tmp_path / "config.json").write_text(json.dumps(document))
        stub_tracker.document = streams_document(hall=["webm_high", "ogg_high"], lab=None)
        return make_site(**{"tracker.internal_url": stub_tracker.url})

    return site_with


@pytest.fixture
def embeddable(site_with):
    return site_with({"embed": ["https://blog.example.org", "https://*.example.com"]})


def meta(page, name):
    """Return the content of a meta element."""
    [element] = page.html.select(f'meta[name="{name}"], meta[property="{name}"]')
    return element["content"]


def jpeg_header(width, height):
    """Return the beginning of a JPEG file: an application segment and a frame header."""
    frame = b"\xff\xc2\x00\x11\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return b"\xff\xd8\xff\xe0\x00\x10" + bytes(14) + frame + bytes(10)


def policy(response):
    return {
        rule.partition(" ")[0]: rule.partition(" ")[2]
        for rule in response.headers["Content-Security-Policy"].split("; ")
    }


def test_qr_code_contains_the_url_of_the_room(site):
    page = site.get("/hall", headers={"Host": "conf.example"})
    [image] = page.html.select(".share-body img")

    code = site.get(image["src"], headers={"Host": "conf.example"})

    assert code.content_type == "image/svg+xml"
    expected = io.BytesIO()
    url = "http://conf.example/hall"
    segno.make(url, micro=False).save(expected, kind="svg", border=4, dark="#000", light="#fff")
    assert code.body == expected.getvalue()
    site.get("/nowhere/qr.svg", status=404)


class TestEmbed:
    def test_embed_has_player_and_link_to_page(self, embeddable):
        page = embeddable.get("/embed/hall").html

        assert page.select_one(".stage video source")["src"].endswith("webcast-high.webm")
        assert page.select("header, nav, aside, .about, .formats") == []
        [link] = page.select(".embed-caption a")
        assert link["href"] == "http://localhost/hall"
        assert "Great Hall" in link.get_text()
        # All links leave the frame, because other pages must not be in it.
        assert page.select_one("base")["target"] == "_blank"
        assert page.select_one("link[rel=canonical]")["href"] == "http://localhost/hall"

    def test_embed_autoplays_only_with_query(self, embeddable):
        def waits(path):
            return "data-waits" in embeddable.get(path).html.select_one(".stage").attrs

        assert waits("/embed/hall")
        assert not waits("/embed/hall?autoplay=1")
        assert not waits("/hall")

    def test_configured_sites_may_frame_embeds_only(self, embeddable):
        response = embeddable.get("/embed/hall")

        allowed = "'self' https://blog.example.org https://*.example.com"
        assert policy(response)["frame-ancestors"] == allowed
        assert policy(response)["media-src"] == "http: https: blob:"
        assert "X-Frame-Options" not in response.headers
        for path in ("/hall", "/", "/schedule", "/embed/nowhere"):
            other = embeddable.get(path, status="*")
            assert policy(other)["frame-ancestors"] == "'self'"
            assert other.headers["X-Frame-Options"] == "SAMEORIGIN"

    def test_without_configuration_only_own_site_may_frame_embed(self, site):
        response = site.get("/embed/hall")

        assert policy(response)["frame-ancestors"] == "'self'"
        assert response.headers["X-Frame-Options"] == "SAMEORIGIN"

    def test_wildcard_allows_all_sites_to_frame_embed(self, site_with):
        response = site_with({"embed": "*"}).get("/embed/hall")

        assert policy(response)["frame-ancestors"] == "'self' *"

    def test_embed_at_venue_invites_to_the_room(self, embeddable):
        venue = {"REMOTE_ADDR": "192.0.2.44"}

        response = embeddable.get("/embed/hall", extra_environ=venue)

        assert "not permitted from within the venue" in response.text
        assert response.html.select("video") == []
        assert "private" in response.headers["Cache-Control"]
        # The embedding site shows an error unless the page may be framed.
        assert "https://blog.example.org" in policy(response)["frame-ancestors"]

    def test_embed_of_youtube_room_may_frame_youtube(self, embeddable):
        response = embeddable.get("/embed/tube")

        assert policy(response)["frame-src"] == "https://www.youtube-nocookie.com"
        assert response.html.select_one("[data-youtube]")


class TestOembed:
    def fetch(self, site, url, **more):
        return site.get("/oembed", {"url": url, **more}, status="*")

    @pytest.mark.parametrize("path", ["/hall", "/embed/hall", "/hall?t=5#x", "/hall/"])
    def test_oembed_of_room_url_is_its_player(self, embeddable, path):
        response = self.fetch(embeddable, f"http://localhost{path}", format="json")

        assert (response.status_int, response.content_type) == (200, "application/json")
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        streams_document = response.json
        assert (
            streams_document["version"],
            streams_document["type"],
            streams_document["title"],
        ) == ("1.0", "video", "Great Hall")
        assert (streams_document["provider_name"], streams_document["provider_url"]) == (
            "Test Conf",
            "http://localhost/",
        )
        frame = ElementTree.fromstring(streams_document["html"].replace("allowfullscreen", ""))
        assert frame.tag == "iframe"
        assert frame.attrib["src"] == "http://localhost/embed/hall"
        assert frame.attrib["title"] == "Great Hall"
        assert set(frame.attrib["allow"].split("; ")) == CODE_ALLOWS
        assert (frame.attrib["width"], frame.attrib["height"]) == ("800", "494")
        assert (streams_document["width"], streams_document["height"]) == (800, 494)

    @pytest.mark.parametrize(
        ("limits", "size"),
        [
            ({"maxwidth": "400"}, (400, 269)),
            ({"maxheight": "224"}, (320, 224)),
            ({"maxwidth": "400", "maxheight": "224"}, (320, 224)),
            ({"maxwidth": "99999"}, (800, 494)),
        ],
    )
    def test_oembed_respects_maximum_size(self, embeddable, limits, size):
        streams_document = self.fetch(embeddable, "http://localhost/hall", **limits).json

        assert (streams_document["width"], streams_document["height"]) == size

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
    def test_oembed_of_other_urls_is_404(self, embeddable, url):
        response = self.fetch(embeddable, url)

        assert (response.status_int, response.content_type) == (404, "application/json")
        assert response.json["error"]

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"url": "http://localhost/hall", "format": "xml"}, 501),
            ({}, 400),
            ({"url": "http://localhost/hall", "maxwidth": "wide"}, 400),
            ({"url": "http://localhost/hall", "maxheight": "-1"}, 400),
        ],
    )
    def test_oembed_rejects_unsupported_parameters(self, embeddable, query, status):
        response = embeddable.get("/oembed", query, status=status)

        assert response.json["error"]

    def test_oembed_is_401_if_embedding_is_disabled(self, site):
        response = self.fetch(site, "http://localhost/hall")

        assert response.status_int == 401
        assert response.json == {"error": "the rooms of this site may not be shown by others"}

    def test_oembed_below_a_prefix_has_prefixed_urls(self, embeddable):
        below = {"SCRIPT_NAME": "/live"}
        query = {"url": "http://localhost/live/hall"}

        response = embeddable.get("/live/oembed", query, extra_environ=below)

        assert 'src="http://localhost/live/embed/hall"' in response.json["html"]
        query = {"url": "http://localhost/hall"}
        embeddable.get("/live/oembed", query, extra_environ=below, status=404)

    def test_room_pages_link_oembed_if_enabled(self, site, site_with):
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
    def test_page_has_social_metadata(self, live_site, path, title, description):
        page = live_site.get(path)

        assert meta(page, "og:title") == title
        assert meta(page, "description") == meta(page, "og:description") == description
        assert meta(page, "og:url") == f"http://localhost{path}"
        assert meta(page, "og:site_name") == "Test Conf"
        assert meta(page, "twitter:card") == "summary_large_image"
        image = live_site.get(meta(page, "og:image"))
        assert image.content_type == "image/png"
        assert image_size(image.body) == (1200, 630)
        # Some messengers refuse large files, or load them too late for a preview.
        assert len(image.body) < 40_000

    def test_description_is_plain_text_truncated_at_a_word(self, site, write_schedule):
        abstract = f"<p>Ärger &amp; <b>Mut</b>.</p><p>{'wordy ' * 60}</p>"
        write_schedule(make_talk("10:00", 30, "Long", abstract=abstract))

        text = meta(site.get("/talk/guid-Long"), "description")

        assert text.startswith("Ärger & Mut. wordy wordy")
        assert text.endswith("wordy…")
        assert 180 < len(text) <= 201

    @pytest.mark.parametrize(
        ("query", "canonical"),
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
    def test_page_has_a_canonical_url(self, live_site, query, canonical):
        [link] = live_site.get(query).html.select("link[rel=canonical]")

        assert link["href"] == f"http://localhost{canonical}"

    def test_cached_page_has_no_query_of_another_viewer(self, site):
        def leads(path):
            page = site.get(path).html
            links = page.select("link[rel=canonical], header a[href^='/']")
            return ["lang=en" in link["href"] for link in links]

        assert all(leads("/schedule?lang=en"))
        assert not any(leads("/schedule"))

    def test_urls_behind_proxy_are_public_ones(self, site):
        proxied = {"HTTP_HOST": "live.example.org", "wsgi.url_scheme": "https"}

        for path in ("/hall", "/schedule", "/schedule"):
            page = site.get(path, extra_environ=proxied)
            assert meta(page, "og:url") == f"https://live.example.org{path}"
            assert meta(page, "og:image") == "https://live.example.org/brand/picture"
        # Pages cached for one host are not shown on another.
        assert meta(site.get("/schedule"), "og:url") == "http://localhost/schedule"

    def test_social_image_of_room_is_its_preview(self, site_with):
        site = site_with(hall={"preview": "/previews/hall.jpg"})

        page = site.get("/hall")

        assert meta(page, "og:image") == "http://localhost/previews/hall.jpg"
        assert meta(page, "twitter:card") == "summary_large_image"

    @pytest.mark.parametrize(
        "logo", ["https://e.example/logo.svg?x", "/brand/logo", "/logo.SVG#a.png", "/logo.webp"]
    )
    def test_social_image_is_always_a_bitmap(self, site_with, logo):
        site = site_with(default={"logo": logo}, hall={"logo": logo, "preview": logo})

        for path in ("/", "/hall", "/schedule"):
            page = site.get(path)
            assert meta(page, "og:image") == "http://localhost/brand/picture"
            assert meta(page, "twitter:image") == "http://localhost/brand/picture"
            size = (meta(page, "og:image:width"), meta(page, "og:image:height"))
            assert size == ("1200", "630")
            assert meta(page, "twitter:card") == "summary_large_image"
        assert site.get("/brand/picture").content_type == "image/png"

    def test_social_image_is_the_newest_preview_with_its_size(self, make_site, tmp_path):
        (tmp_path / "hall-large.jpg").write_bytes(jpeg_header(1280, 720))
        (tmp_path / "hall.jpg").write_bytes(jpeg_header(320, 180))
        (tmp_path / "lab.jpg").write_bytes(b"no picture")
        site = make_site(**{"preview.folder": str(tmp_path)})
        headers = {"Host": "live.example:8080"}

        page = site.get("/hall", headers=headers)

        assert meta(page, "og:image") == "http://live.example:8080/preview/hall-large.jpg"
        assert meta(page, "og:image:type") == "image/jpeg"
        assert (meta(page, "og:image:width"), meta(page, "og:image:height")) == ("1280", "720")
        assert meta(page, "twitter:card") == "summary_large_image"
        assert site.get("/preview/hall-large.jpg").body == jpeg_header(1280, 720)
        other = meta(site.get("/lab", headers=headers), "og:image")
        assert other == "http://live.example:8080/brand/picture"

    def test_oembed_has_a_thumbnail(self, embeddable):
        result = embeddable.get("/oembed?url=http://localhost/hall").json

        assert result["thumbnail_url"] == "http://localhost/brand/picture"
        assert (result["thumbnail_width"], result["thumbnail_height"]) == (1200, 630)

    def test_social_image_of_event_is_its_logo(self, site, tmp_path):
        (tmp_path / "brand").mkdir()
        (tmp_path / "brand/logo.jpg").write_bytes(b"jpeg")

        response = site.get("/brand/picture")

        assert (response.body, response.content_type) == (b"jpeg", "image/jpeg")

    def test_error_page_has_no_social_metadata(self, site):
        page = site.get("/nothing?delta=x", status=404)

        assert page.html.select("link[rel=canonical], meta[property]") == []

    def test_title_is_escaped_in_metadata(self, site, write_schedule):
        hostile = '"><script>a()</script>'
        write_schedule(replace(HALL[0], title=hostile, speakers=(hostile,)))

        page = site.get("/hall")

        assert meta(page, "og:description") == f"Now: {hostile} · {hostile}"
        assert page.html.select("script:not([src])") == []
