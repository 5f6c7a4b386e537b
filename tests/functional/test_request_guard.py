"""Headers and queries that once broke responses, and errors outside of the error views."""

import re

import pytest
from pyramid.interfaces import IRoutesMapper

from .test_headers import REDIRECTS, live_site, route_paths  # noqa: F401 - live_site is a fixture.

UNDECODABLE = ("x=%ff", "lang=%ff", "q=a&%c3%28=1")


@pytest.fixture
def site_paths(live_site):  # noqa: F811
    return [path for name, path in route_paths(live_site).items() if name not in REDIRECTS]


@pytest.mark.parametrize("languages", ["en;q=0", "*;q=0", "de;q=0, en;q=0, *;q=0.0", "xx, *;q=0"])
def test_client_that_refuses_all_languages_gets_english(live_site, languages):  # noqa: F811
    for path in ("/", "/hall", "/schedule", "/graphs", "/talk/guid-Soldering"):
        response = live_site.get(path, headers={"Accept-Language": languages})

        assert response.html.html["lang"] == "en"
        assert "Content-Security-Policy" in response.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Accept-Language": "en," * 13_000},
        {"Accept": "a/b;q=0.1," * 4000},
        {"If-None-Match": '"x", ' * 8000},
        {"If-Modified-Since": "Sat, 01 Jan 9999999 00:00:00 GMT"},
        {"If-Unmodified-Since": "Sat, 01 Jan 9999999 00:00:00 GMT"},
        {"If-Range": "Sat, 01 Jan 9999999 00:00:00 GMT", "Range": "bytes=0-1"},
        {"Range": f"bytes={'9' * 5000}-"},
        {"Range": "bytes=-"},
        {"Origin": "https://[::1"},
        {"Cookie": 'x="\\377"; y=\xff'},
    ],
)
def test_invalid_headers_are_ignored(live_site, site_paths, headers):  # noqa: F811
    for path in site_paths:
        response = live_site.get(path, headers=headers)

        assert (path, response.status_int) == (path, 200)


@pytest.mark.parametrize("query", UNDECODABLE)
def test_every_page_refuses_an_undecodable_query(live_site, site_paths, query):  # noqa: F811
    for path in site_paths:
        response = live_site.get(f"{path.partition('?')[0]}?{query}", status=400)

        assert response.headers["Cache-Control"] == "no-store"
        assert "Content-Security-Policy" in response.headers


def test_undecodable_query_is_refused_while_the_page_is_cached(site):
    site.get("/schedule")

    site.get("/schedule?%ff", status=400)


@pytest.mark.parametrize("query", UNDECODABLE)
def test_every_route_of_the_tracker_refuses_an_undecodable_query(tracker, query):
    parameters = {"room": "hall", "endpoint": "e", "machine": "m", "annotation": "1", "token": "1",
                  "key": "1", "server": "srs", "talk": "1", "format": "json"}  # fmt: skip
    routes = tracker.app.registry.getUtility(IRoutesMapper).get_routes()
    for route in routes:
        path = re.sub(r"{(\w+)(:[^}]*)?}", lambda match: parameters[match[1]], route.pattern)
        path = "/" + path.replace("*subpath", "x").replace("*path", "x").lstrip("/")

        response = tracker.get(f"{path}?{query}", status=400)

        assert "the query is not UTF-8" in response.text


def test_refusals_have_the_format_of_the_address(tracker, site):
    assert tracker.get("/streams.json?%ff", status=400).json == {
        "error": "the query is not UTF-8, or too long"
    }
    assert tracker.post("/endpoint/register?%ff", status=400).text == (
        "ERROR the query is not UTF-8, or too long\n"
    )
    problem = tracker.get("/api/v1/rooms?%ff", status=400)
    assert problem.content_type == "application/problem+json"
    assert problem.json["type"].endswith("#bad-address")
    assert site.get("/oembed?url=%ff", status=400).json["error"]
    assert site.get("/hall?%ff", status=400).html.h1


@pytest.mark.parametrize("host", ["[::1", "a:99999", "a/b", "user@evil.example", "\xff"])
def test_invalid_host_is_refused_and_not_shown(site, host):
    response = site.get("/hall", headers={"Host": host}, status=400)

    assert host not in response.text


@pytest.mark.parametrize("name", ["frontend", "tracker"])
def test_error_outside_of_the_error_views_has_the_security_headers(
    name, site, tracker, monkeypatch, caplog
):
    app = {"frontend": site, "tracker": tracker}[name]

    def fail(event):
        raise KeyError("a bug")

    # As a bug of a subscriber to NewResponse.
    monkeypatch.setattr(app.app.registry, "notify", fail)

    response = app.get(
        "/healthz", headers={"X-Request-ID": "id-of-the-proxy"}, status=500, expect_errors=True
    )

    assert response.text == "something is wrong on our side\n"
    assert response.headers["X-Request-ID"] == "id-of-the-proxy"
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert "KeyError: 'a bug'" in caplog.text
