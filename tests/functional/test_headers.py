"""Cache and security headers of the frontend's responses."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from pyramid.interfaces import IRoutesMapper

from .pages import make_talk, streams_document

HOSTILE = "</script><b>Bold & \"quoted\"</b><img src=x onerror='a()'>"
# Redirects have no content.
REDIRECTS = {"room.of_event"}
# Health checks and metrics are never cached.
UNCACHEABLE = {"health.live", "health.ready", "metrics"}
# They need another server: see test_recordings.py.
OF_OTHER_SERVERS = {"talk.recording", "talk.rendition"}


def route_paths(site, room="hall", talk="guid-Soldering"):
    """Return a path for every route of the site, by the name of the route."""
    routes = site.app.registry.getUtility(IRoutesMapper).get_routes()
    # The values of path parameters.
    parameters = {"room": room, "talk": talk, "event": "testconf", "icon": "192", "language": "de",
                  "large": "", "form": "jpg"}  # fmt: skip
    theme = site.app.registry["themes"].get()
    others = {
        "oembed": f"/oembed?url=http://localhost/{room}",
        "theme": f"/theme/{theme.version if theme else 'none'}/style.css",
    }
    paths = {}
    for route in routes:
        if route.name in OF_OTHER_SERVERS:
            continue
        if route.name == "asset":
            path = f"/static/{site.app.registry['assets'].version}/site.css"
        elif route.name.startswith("__static"):
            path = "/static/site.css"
        else:
            path = others.get(route.name) or re.sub(
                r"{(\w+)(:[^}]*)?}", lambda match: parameters[match[1]], route.pattern
            )
        paths[route.name] = path
    return paths


@pytest.fixture
def live_site(make_site, stub_tracker, tmp_path):
    """The site with all optional features, while the hall is live."""
    config = json.loads((tmp_path / "config.json").read_text())
    config["config"] |= {"embed": "https://blog.example.org", "theme": "terminal"}
    # No server listens there.
    config["default"]["posts"] = {"server": "http://127.0.0.1:9", "hashtag": "testconf"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "previews").mkdir()
    (tmp_path / "previews/hall.jpg").write_bytes(b"a picture")
    stub_tracker.document = streams_document(hall=["webm_high", "ogg_high"], lab=None)
    settings = {"preview.folder": str(tmp_path / "previews")}
    return make_site(**settings, **{"tracker.internal_url": stub_tracker.url})


def cacheable_paths(site):
    """Return the paths of cacheable responses."""
    excluded = REDIRECTS | UNCACHEABLE
    paths = [path for name, path in route_paths(site).items() if name not in excluded]
    return [*paths, "/hall?template=inroom", "/schedule?view=list", "/graphs?room=lab"]


class TestCaching:
    def test_every_response_has_an_etag_and_a_max_age(self, live_site):
        lacking = [
            path
            for path in cacheable_paths(live_site)
            for response in [live_site.get(path)]
            if not response.headers.get("ETag") or not response.cache_control.max_age
        ]

        assert lacking == []

    def test_conditional_request_gets_304_while_nothing_changes(self, live_site, clock):
        tags = {path: live_site.get(path).headers["ETag"] for path in cacheable_paths(live_site)}

        # The talk is still in the same minute.
        clock["now"] += timedelta(seconds=59)

        for path, tag in tags.items():
            response = live_site.get(path, headers={"If-None-Match": tag})
            assert (path, response.status_int, response.body) == (path, 304, b"")
            assert "max-age" in response.headers["Cache-Control"]
            assert "Content-Security-Policy" in response.headers

    @pytest.mark.parametrize("path", ["/", "/hall", "/talk/guid-Soldering"])
    def test_page_changes_with_the_minute_of_the_talk(self, live_site, clock, path):
        tag = live_site.get(path).headers["ETag"]

        clock["now"] += timedelta(seconds=60)

        assert live_site.get(path, headers={"If-None-Match": tag}).status_int == 200

    def test_head_gets_the_headers_of_get(self, live_site):
        for path in [*cacheable_paths(live_site), "/testconf/hall"]:
            get, head = live_site.get(path), live_site.head(path)
            assert (path, head.status_int, head.body) == (path, get.status_int, b"")
            for name in ("ETag", "Cache-Control", "Content-Type", "Content-Security-Policy"):
                assert (path, head.headers.get(name)) == (path, get.headers.get(name))

    def test_pages_are_public_without_a_venue(self, own_site):
        site = own_site({"hall": {"title": "Hall"}})

        assert site.get("/hall").headers["Cache-Control"] == ("max-age=1, public")

    def test_room_pages_are_private_with_a_venue(self, site):
        for path in ("/hall", "/hall?template=default", "/hall?lang=de"):
            assert site.get(path).headers["Cache-Control"] == "max-age=1, private"
        # A URL that names the template has one response for all clients.
        for template in ("group", "inroom"):
            assert site.get(f"/hall?template={template}").cache_control.public

    def test_errors_are_not_cacheable(self, site):
        for path in ("/nothing", "/hall?delta=x", "/static/none", "/static/0123456789ab/"):
            response = site.get(path, status="4*")
            assert (response.headers["Cache-Control"], response.headers.get("ETag")) == (
                "no-store",
                None,
            )

    def test_etag_ignores_the_selected_endpoint(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["webm_high"])
        [server] = stub_tracker.document["rooms"]["hall"]["endpoints"]
        names = ("one", "two", "three")
        stub_tracker.document["rooms"]["hall"]["endpoints"] = [
            server | {"url": f"http://{name}.example/?a&b=", "name": name, "weight": 1}
            for name in names
        ]
        # Without the cache, each page selects an endpoint, as pages of different workers do.
        settings = {"tracker.internal_url": stub_tracker.url, "response_cache.enabled": "false"}
        site = make_site(**settings)

        pages = [site.get("/hall") for _ in range(30)]

        selected = {page.html.select_one("video")["data-endpoint"] for page in pages}
        assert selected == set(names)
        [tag] = {page.headers["ETag"] for page in pages}
        assert tag.startswith("W/")
        site.get("/hall", headers={"If-None-Match": tag}, status=304)
        # A player of a removed endpoint needs the new page.
        stub_tracker.document["rooms"]["hall"]["endpoints"].pop()
        other = make_site(**{"tracker.internal_url": stub_tracker.url})
        other.get("/hall", headers={"If-None-Match": tag}, status=200)

    @pytest.fixture
    def own_site(self, make_site, tmp_path):
        def own_site(document):
            (tmp_path / "own.json").write_text(json.dumps(document))
            return make_site(**{"config.public": str(tmp_path / "own.json")})

        return own_site


def test_path_that_is_not_utf_8_gets_one_line(site):
    for path in ("/%ff", "/static/%c0%ae%c0%ae/x", "/hall/%e0json"):
        response = site.get(path, status=400)
        assert (response.text, response.headers["Cache-Control"]) == (
            "the address is not UTF-8\n",
            "no-store",
        )
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]


class TestStaticFiles:
    def test_pages_use_versioned_paths_which_are_immutable(self, live_site):
        page = live_site.get("/hall").html
        loaded = [element["src"] for element in page.select("script")]
        loaded += [
            link["href"] for link in page.select("link[rel=stylesheet], [rel=modulepreload]")
        ]

        assert len(loaded) > 5
        for address in loaded:
            assert re.match(r"/(static|theme)/[0-9a-f]{12}/", address)
            response = live_site.get(address)
            assert response.headers["Cache-Control"] == "immutable, max-age=31536000, public"

    def test_path_of_an_old_version_gets_the_current_file_for_a_minute(self, site):
        response = site.get("/static/0123456789ab/player/dom.js")

        assert "javascript" in response.content_type
        assert "immutable" not in response.headers["Cache-Control"]
        assert response.cache_control.max_age == 60

    def test_stylesheets_of_a_room_are_one_file(self, live_site):
        sheets = live_site.get("/hall").html.select("link[rel=stylesheet]")
        bundles = [link["href"] for link in sheets if "/bundles/" in link["href"]]
        bundle = live_site.get(bundles[0])

        assert len(bundles) == 1
        for name in ("foundation", "site", "switcher", "player", "room", "actions", "share"):
            assert live_site.get(f"/static/{name}.css").text in bundle.text
        files = {link["href"].rpartition("/")[2] for link in sheets}
        assert not files & {"foundation.css", "site.css", "room.css", "offline.css"}

    def test_file_without_version_is_cacheable_for_a_minute(self, site):
        assert site.get("/static/site.css").cache_control.max_age == 60

    @pytest.mark.parametrize("rest", ["../assets.py", "..%2fassets.py", "%2e%2e/assets.py", "none"])
    def test_other_files_are_not_served(self, site, rest):
        site.get(f"/static/{site.app.registry['assets'].version}/{rest}", status=404)


class TestSecurity:
    def test_every_response_has_security_headers(self, live_site):
        errors = ["/nothing", "/hall?delta=x", "/streams/x"]
        for path in [*route_paths(live_site).values(), *errors]:
            headers = live_site.get(path, status="*").headers
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin", path
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
            assert "camera=()" in headers["Permissions-Policy"].split(", "), path
            policy = headers["Content-Security-Policy"].split("; ")
            if path == "/embed/hall":
                assert "frame-ancestors 'self' https://blog.example.org" in policy
                assert "X-Frame-Options" not in headers
            else:
                assert "frame-ancestors 'self'" in policy, path
                assert headers["X-Frame-Options"] == "SAMEORIGIN", path
            assert "default-src 'none'" in policy, path

    def test_hostile_title_is_escaped_on_every_page(self, hostile_site):
        named = 0
        for path in route_paths(hostile_site, talk="guid-hostile").values():
            response = hostile_site.get(path, status="*")
            named += b"Bold" in response.body
            if "html" in response.content_type:
                page = response.html
                assert page.select("b, img[onerror], script:not([src])") == [], path
                # The title has not ended an attribute or an element.
                assert [e for e in page.select("*") if any('"' in name for name in e.attrs)] == []
                assert page.select_one("html > body"), path
            elif "svg" not in response.content_type and "xml" in response.content_type:
                titles = [e.text or "" for e in response.lxml.iter() if "title" in str(e.tag)]
                assert any(HOSTILE in title for title in titles), path
                assert response.lxml.xpath("//b | //img") == [], path
            elif "json" in response.content_type and response.status_int == 200:
                assert response.json is not None, path
        assert named >= 15

    @pytest.fixture
    def hostile_site(self, make_site, tmp_path, write_schedule, stub_tracker):
        rooms = {
            "config": {"embed": ["*"]},
            "default": {"title": HOSTILE, "conference": HOSTILE, "twitter": HOSTILE},
            "hall": {"title": HOSTILE},
        }
        (tmp_path / "config.json").write_text(json.dumps(rooms))
        write_schedule(
            replace(
                make_talk(
                    "10:00", 60, HOSTILE, speakers=(HOSTILE,), track=HOSTILE, subtitle=HOSTILE
                ),
                guid="guid-hostile",
            ),
            make_talk("11:30", 30, HOSTILE, relayed_from=HOSTILE, language=HOSTILE),
        )
        stub_tracker.document = streams_document(hall=["webm_high", "ogg_high"])
        return make_site(**{"tracker.internal_url": stub_tracker.url})


def test_policy_allows_pictures_of_an_ipv6_address(make_site, tmp_path):
    path = tmp_path / "config.json"
    document = json.loads(path.read_text())
    document["hall"] |= {"preview": "http://[2001:db8::1]:8080/hall.jpg", "logo": "/logo.png"}
    path.write_text(json.dumps(document))

    policy = make_site().get("/hall").headers["Content-Security-Policy"]

    # Its grammar has no IPv6 addresses.
    assert "[" not in policy
    [images] = [part for part in policy.split("; ") if part.startswith("img-src ")]
    assert "http://*:8080" in images.split()
