"""What every answer says besides its body: how long it holds, and what browsers may do with it."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from pyramid.interfaces import IRoutesMapper

from .pages import make_talk, streams_document

HOSTILE = "</script><b>Bold & \"quoted\"</b><img src=x onerror='a()'>"
# Routes that lead elsewhere have nothing to keep.
REDIRECTS = {"room.of_event"}
# What monitors ask is answered anew each time.
NEVER_KEPT = {"health.live", "health.ready"}


def addresses(site, room="hall", talk="guid-Soldering"):
    """Return an address for each route of the site, so that none is forgotten."""
    routes = site.app.registry.getUtility(IRoutesMapper).get_routes()
    # What stands for the parts of paths; a new one belongs here.
    parts = {"room": room, "talk": talk, "event": "testconf", "icon": "192", "language": "de",
             "large": "", "form": "jpg"}  # fmt: skip
    theme = site.app.registry["themes"].get()
    others = {
        "oembed": f"/oembed?url=http://localhost/{room}",
        "theme": f"/theme/{theme.version if theme else 'none'}/style.css",
    }
    found = {}
    for route in routes:
        if route.name == "asset":
            path = f"/static/{site.app.registry['assets'].version}/site.css"
        elif route.name.startswith("__static"):
            path = "/static/site.css"
        else:
            path = others.get(route.name) or re.sub(
                r"{(\w+)(:[^}]*)?}", lambda match: parts[match[1]], route.pattern
            )
        found[route.name] = path
    return found


@pytest.fixture
def live_site(make_site, stub_tracker, tmp_path):
    """The pages with all that can be switched on, while the hall is live."""
    config = json.loads((tmp_path / "config.json").read_text())
    config["config"] |= {"embed": "https://blog.example.org", "theme": "terminal"}
    # Nobody answers there.
    config["default"]["posts"] = {"server": "http://127.0.0.1:9", "hashtag": "testconf"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "previews").mkdir()
    (tmp_path / "previews/hall.jpg").write_bytes(b"a picture")
    stub_tracker.document = streams_document(hall=["webm_high", "ogg_high"], lab=None)
    settings = {"preview.folder": str(tmp_path / "previews")}
    return make_site(**settings, **{"tracker.internal_url": stub_tracker.url})


def kept(site):
    """Return the addresses of answers that may be kept."""
    unkept = REDIRECTS | NEVER_KEPT
    of_routes = [path for name, path in addresses(site).items() if name not in unkept]
    return [*of_routes, "/hall?template=inroom", "/schedule?view=list", "/graphs?room=lab"]


class TestKeeping:
    def test_every_answer_has_an_entity_tag_and_says_how_long_it_holds(self, live_site):
        lacking = [
            path
            for path in kept(live_site)
            for answer in [live_site.get(path)]
            if not answer.headers.get("ETag") or not answer.cache_control.max_age
        ]

        assert lacking == []

    def test_who_has_it_gets_nothing_again_as_long_as_nothing_has_changed(self, live_site, clock):
        tags = {path: live_site.get(path).headers["ETag"] for path in kept(live_site)}

        # Within the same minute of the talk, which began at a whole one.
        clock["now"] += timedelta(seconds=59)

        for path, tag in tags.items():
            answer = live_site.get(path, headers={"If-None-Match": tag})
            assert (path, answer.status_int, answer.body) == (path, 304, b"")
            assert "max-age" in answer.headers["Cache-Control"]
            assert "Content-Security-Policy" in answer.headers

    @pytest.mark.parametrize("path", ["/", "/hall", "/talk/guid-Soldering"])
    def test_a_minute_later_the_page_is_another(self, live_site, clock, path):
        tag = live_site.get(path).headers["ETag"]

        clock["now"] += timedelta(seconds=60)

        assert live_site.get(path, headers={"If-None-Match": tag}).status_int == 200

    def test_head_says_what_get_would(self, live_site):
        for path in [*kept(live_site), "/testconf/hall"]:
            whole, head = live_site.get(path), live_site.head(path)
            assert (path, head.status_int, head.body) == (path, whole.status_int, b"")
            for name in ("ETag", "Cache-Control", "Content-Type", "Content-Security-Policy"):
                assert (path, head.headers.get(name)) == (path, whole.headers.get(name))

    def test_anybody_may_keep_pages_where_nobody_gets_another(self, own_site):
        site = own_site({"hall": {"title": "Hall"}})

        assert site.get("/hall").headers["Cache-Control"] == ("max-age=1, public")

    def test_only_the_browser_keeps_rooms_where_the_venue_gets_another_page(self, site):
        for path in ("/hall", "/hall?template=default", "/hall?lang=de"):
            assert site.get(path).headers["Cache-Control"] == "max-age=1, private"
        # Whoever asks for one of the two by name gets that one.
        for template in ("group", "inroom"):
            assert site.get(f"/hall?template={template}").cache_control.public

    def test_an_error_is_not_kept(self, site):
        for path in ("/nothing", "/hall?delta=x", "/static/none", "/static/0123456789ab/"):
            answer = site.get(path, status="4*")
            assert (answer.headers["Cache-Control"], answer.headers.get("ETag")) == (
                "no-store",
                None,
            )

    def test_another_server_of_the_same_streams_is_no_change(self, make_site, stub_tracker):
        stub_tracker.document = streams_document(hall=["webm_high"])
        [server] = stub_tracker.document["rooms"]["hall"]["endpoints"]
        names = ("one", "two", "three")
        stub_tracker.document["rooms"]["hall"]["endpoints"] = [
            server | {"url": f"http://{name}.example/?a&b=", "name": name, "weight": 1}
            for name in names
        ]
        # Each page is drawn for itself, as those of many workers and seconds are.
        drawing = {"tracker.internal_url": stub_tracker.url, "response_cache.enabled": "false"}
        site = make_site(**drawing)

        pages = [site.get("/hall") for _ in range(30)]

        drawn = {page.html.select_one("video")["data-endpoint"] for page in pages}
        assert drawn == set(names)
        [tag] = {page.headers["ETag"] for page in pages}
        assert tag.startswith("W/")
        site.get("/hall", headers={"If-None-Match": tag}, status=304)
        # Who plays from a server that has gone needs the new page.
        stub_tracker.document["rooms"]["hall"]["endpoints"].pop()
        other = make_site(**{"tracker.internal_url": stub_tracker.url})
        other.get("/hall", headers={"If-None-Match": tag}, status=200)

    @pytest.fixture
    def own_site(self, make_site, tmp_path):
        def own_site(document):
            (tmp_path / "own.json").write_text(json.dumps(document))
            return make_site(**{"config.public": str(tmp_path / "own.json")})

        return own_site


def test_a_path_that_is_no_text_is_refused_in_one_line(site):
    for path in ("/%ff", "/static/%c0%ae%c0%ae/x", "/hall/%e0json"):
        answer = site.get(path, status=400)
        assert (answer.text, answer.headers["Cache-Control"]) == (
            "the address is not UTF-8\n",
            "no-store",
        )
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


class TestStaticFiles:
    def test_pages_name_them_by_what_they_hold_and_they_are_kept_for_ever(self, live_site):
        page = live_site.get("/hall").html
        loaded = [element["src"] for element in page.select("script")]
        loaded += [
            link["href"] for link in page.select("link[rel=stylesheet], [rel=modulepreload]")
        ]

        assert len(loaded) > 5
        for address in loaded:
            assert re.match(r"/(static|theme)/[0-9a-f]{12}/", address)
            answer = live_site.get(address)
            assert answer.headers["Cache-Control"] == "immutable, max-age=31536000, public"

    def test_a_page_from_before_an_upgrade_gets_those_of_today_for_a_minute(self, site):
        answer = site.get("/static/0123456789ab/player/dom.js")

        assert "javascript" in answer.content_type
        assert "immutable" not in answer.headers["Cache-Control"]
        assert answer.cache_control.max_age == 60

    def test_without_a_version_they_are_kept_for_a_minute(self, site):
        assert site.get("/static/site.css").cache_control.max_age == 60

    @pytest.mark.parametrize("rest", ["../assets.py", "..%2fassets.py", "%2e%2e/assets.py", "none"])
    def test_nothing_else_is_served(self, site, rest):
        site.get(f"/static/{site.app.registry['assets'].version}/{rest}", status=404)


class TestSafety:
    def test_every_answer_says_what_browsers_may_do_with_it(self, live_site):
        errors = ["/nothing", "/hall?delta=x", "/streams/x"]
        for path in [*addresses(live_site).values(), *errors]:
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

    def test_a_hostile_title_is_harmless_everywhere(self, hostile_site):
        named = 0
        for path in addresses(hostile_site, talk="guid-hostile").values():
            answer = hostile_site.get(path, status="*")
            named += b"Bold" in answer.body
            if "html" in answer.content_type:
                page = answer.html
                assert page.select("b, img[onerror], script:not([src])") == [], path
                # Nothing has ended an attribute or an element early.
                assert [e for e in page.select("*") if any('"' in name for name in e.attrs)] == []
                assert page.select_one("html > body"), path
            elif "svg" not in answer.content_type and "xml" in answer.content_type:
                titles = [e.text or "" for e in answer.lxml.iter() if "title" in str(e.tag)]
                assert any(HOSTILE in title for title in titles), path
                assert answer.lxml.xpath("//b | //img") == [], path
            elif "json" in answer.content_type and answer.status_int == 200:
                assert answer.json is not None, path
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
            make_talk("11:30", 30, HOSTILE, via=HOSTILE, language=HOSTILE),
        )
        stub_tracker.document = streams_document(hall=["webm_high", "ogg_high"])
        return make_site(**{"tracker.internal_url": stub_tracker.url})
