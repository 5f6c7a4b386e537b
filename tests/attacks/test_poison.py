"""Pages that many get out of nginx's cache are none that one stranger has shaped."""

import itertools

import pytest
from functional.proxy.site import FROM_CACHE, NAME, VENUE

NUMBERS = itertools.count()
ODD = (
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


def page(answer, path):
    """Return what a page says, without its own address."""
    return answer.status, answer.headers["Content-Type"], answer.data.replace(path.encode(), b"")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("base", PAGES)
def test_whoever_asks_first_and_how_the_others_get_the_same_page(target, base, method):
    plain = f"{base}?x{next(NUMBERS):04}"
    target.get(plain)
    wanted = page(target.get(plain), plain)
    assert wanted[0] == 200
    for headers in ODD:
        path = f"{base}?x{next(NUMBERS):04}"
        target.request(method, path, headers=headers)

        found = page(target.get(path), path)

        if found != wanted:
            # Pages tell the minute, and another one may have begun.
            plain = f"{base}?x{next(NUMBERS):04}"
            wanted = page(target.get(plain), plain)
        assert found == wanted, headers


def test_a_body_that_comes_with_the_question_changes_nothing(target):
    for body in (b"template=inroom", b"lang=de&template=default"):
        path = f"/schedule?x{next(NUMBERS):04}"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        first = target.request("GET", path, body=body, headers=kind)
        assert page(first, path) == page(target.get(path), path)
        assert b'lang="en"' in first.data


# The last word is the one that holds; whoever asks gets the page of that name.
BY_NAME = ("/hall?template=default&template=inroom", "/hall?;template=inroom")
VARIANTS = ("/hall", "/hall/", "/hall?", "/hall?template=", "/hall?template=default",
            *BY_NAME, "/hall?TEMPLATE=inroom", "/hall?lang=fr",
            "/%68%61%6c%6c", "//hall", "/./hall", "/lab/../hall", "/hall#x", "/hall?x=template=",
            "/hall?%74emplate=default")  # fmt: skip


@pytest.mark.parametrize("first", ["venue", "viewer"])
def test_no_spelling_of_a_room_mixes_those_at_the_venue_up_with_the_others(target, first):
    """What depends on the address of who asks is never kept, whatever it is called."""
    for path in VARIANTS:
        for who in (first, "viewer" if first == "venue" else "venue"):
            source = {"source": VENUE} if who == "venue" else {}
            said = target.raw(
                f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n", **source
            )
            if said.startswith("HTTP/1.1 200 "):
                in_room = "player.css" not in said
                by_name = path in BY_NAME
                kept = any(f"X-Cache: {how}" in said for how in FROM_CACHE)
                assert by_name or in_room == (who == "venue"), (path, who)
                assert not kept or by_name, (path, who)
