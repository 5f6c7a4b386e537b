"""Cache poisoning: a client cannot change the cached pages of other clients."""

import itertools

import pytest
from functional.proxy.site import FROM_CACHE, NAME, VENUE

NUMBERS = itertools.count()
UNUSUAL_HEADERS = (
    {"Cookie": "crew=x; user=y; lang=de"},
    {"Authorization": "Bearer x"},
    {"Accept": "application/json"},
    {"Accept": "*/*;q=0"},
    {"Accept-Encoding": "gzip;q=0, br;q=0, identity;q=0"},
    {"Accept-Encoding": "compress"},
    {"Range": "bytes=0-9"},
    {"If-Range": "x", "Range": "bytes=0-9"},
    {"If-None-Match": "*"},
    {"If-None-Match": 'W/"x", "y"'},
    {"If-Modified-Since": "Thu, 31 Dec 2099 23:59:59 GMT"},
    {"If-Match": "x"},
    {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"User-Agent": ""},
    {"X-HTTP-Method-Override": "POST"},
    {"X-Requested-With": "XMLHttpRequest"},
    {"X-Forwarded-Scheme": "http"},
    {"X-Forwarded-SSL": "on"},
    {"X-Original-URL": "/lab"},
    {"X-Rewrite-URL": "/lab"},
    {"X-Accel-Redirect": "/tracker/metrics"},
    {"X-Sendfile": "/etc/passwd"},
    {"Script-Name": "/evil"},
    {"X-Script-Name": "/evil"},
    {"Max-Forwards": "0"},
    {"Surrogate-Capability": 'abc="ESI/1.0"'},
    {"Pragma": "no-cache", "Cache-Control": "no-store"},
)
PAGES = ("/schedule", "/graphs", "/hall/json")


def page(response, path):
    """Return the status, type and body of a page, without its own URL."""
    return (
        response.status,
        response.headers["Content-Type"],
        response.data.replace(path.encode(), b""),
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("base", PAGES)
def test_unusual_headers_do_not_poison_cached_pages(target, base, method):
    plain = f"{base}?x{next(NUMBERS):04}"
    target.get(plain)
    expected = page(target.get(plain), plain)
    assert expected[0] == 200
    for headers in UNUSUAL_HEADERS:
        path = f"{base}?x{next(NUMBERS):04}"
        target.request(method, path, headers=headers)

        cached = page(target.get(path), path)

        if cached != expected:
            # Pages contain the current minute.
            plain = f"{base}?x{next(NUMBERS):04}"
            expected = page(target.get(plain), plain)
        assert cached == expected, headers


def test_request_body_does_not_poison_cached_pages(target):
    for body in (b"template=inroom", b"lang=de&template=default"):
        path = f"/schedule?x{next(NUMBERS):04}"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        first = target.request("GET", path, body=body, headers=kind)
        assert page(first, path) == page(target.get(path), path)
        assert b'lang="en"' in first.data


# The template parameter selects the page for all clients; the last one counts.
WITH_TEMPLATE = ("/hall?template=default&template=inroom", "/hall?;template=inroom")
VARIANTS = ("/hall", "/hall/", "/hall?", "/hall?template=", "/hall?template=default",
            *WITH_TEMPLATE, "/hall?TEMPLATE=inroom", "/hall?lang=fr",
            "/%68%61%6c%6c", "//hall", "/./hall", "/lab/../hall", "/hall#x", "/hall?x=template=",
            "/hall?%74emplate=default")  # fmt: skip


@pytest.mark.parametrize("first", ["venue", "viewer"])
def test_spellings_of_a_room_url_do_not_mix_venue_and_public_pages(target, first):
    """Pages that depend on the client's address are not cached, at any spelling of their URL."""
    for path in VARIANTS:
        for client in (first, "viewer" if first == "venue" else "venue"):
            source = {"source": VENUE} if client == "venue" else {}
            response = target.raw(
                f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n", **source
            )
            if response.startswith("HTTP/1.1 200 "):
                is_venue_page = "player.css" not in response
                has_template = path in WITH_TEMPLATE
                cached = any(f"X-Cache: {state}" in response for state in FROM_CACHE)
                assert has_template or is_venue_page == (client == "venue"), (path, client)
                assert not cached or has_template, (path, client)
