"""A site on several machines, also while some of them are cut off."""

import itertools

from ..proxy.site import NAME
from .site import PAGES

MAX_RESPONSE_TIME = 5  # seconds
QUERY_NUMBERS = itertools.count()


def page(machines, frontend, path):
    return machines.viewer.request("GET", f"{frontend}{path}", headers={"Host": NAME})


def get_uncached(machines):
    """Request a page that no cache contains."""
    return machines.get(f"/schedule?q=Keynote{next(QUERY_NUMBERS)}", timeout=MAX_RESPONSE_TIME)


def test_all_frontend_hosts_serve_the_same_pages(machines):
    one, other = machines.frontends

    for path in ("/", "/hall", "/schedule?day=all", "/talk/guid-Soldering", "/schedule/file.json"):

        def are_equal(path=path):
            pages = page(machines, one, path), page(machines, other, path)
            assert (path, pages[0].status, pages[1].status) == (path, 200, 200)
            are_same = pages[0].data == pages[1].data
            return are_same and pages[0].headers["ETag"] == pages[1].headers["ETag"]

        # A host that has just started may not have the rooms' state yet.
        machines.until(are_equal, f"the same {path} on both hosts")


def test_import_on_one_host_reaches_the_other_host(machines, later):
    machines.publish(later("A keynote moved in", 1))

    for frontend in machines.frontends:
        machines.until(
            lambda url=frontend: b"A keynote moved in" in page(machines, url, "/schedule").data,
            f"the new title on {frontend}",
        )


def test_registration_at_one_tracker_reaches_the_other_tracker(machines):
    one, other = machines.trackers
    assert not machines.is_live(other, "hall")

    assert machines.register(one, "hall").data == b"OK\n"

    machines.until(lambda: machines.is_live(other, "hall"), "a live room on the other tracker")
    # The pages of both frontends get it through nginx.
    for frontend in machines.frontends:
        machines.until(
            lambda url=frontend: b'data-live="true"' in page(machines, url, "/").data,
            f"a live room on {frontend}",
        )


def test_cors_allows_only_the_pages_of_the_site(machines):
    def allowed(tracker, origin):
        response = machines.viewer.request(
            "GET", f"{tracker}/streams.json", headers={"Origin": origin}
        )
        return response.headers.get("Access-Control-Allow-Origin")

    assert [allowed(each, PAGES) for each in machines.trackers] == [PAGES, PAGES]
    assert [allowed(each, "https://evil.example") for each in machines.trackers] == [None, None]
    # The pages' policy allows requests to the tracker.
    policy = page(machines, machines.frontends[1], "/schedule").headers["Content-Security-Policy"]
    assert "connect-src 'self' https://tracker.example.org;" in policy


def test_pages_are_served_while_a_frontend_host_is_cut_off(machines):
    assert machines.get("/schedule").status == 200
    machines.network.cut("b")
    try:
        responses = [get_uncached(machines).status for _ in range(4)]
        cached = machines.get("/schedule", timeout=MAX_RESPONSE_TIME)
    finally:
        machines.network.join("b")

    assert responses == [200] * 4
    assert cached.status == 200
    frontend = machines.frontends[0]
    machines.until(lambda: machines.is_up(f"{frontend}/readyz"), "the host is back")


def test_tracker_works_while_another_tracker_host_is_cut_off(machines):
    machines.network.cut("d")
    try:
        # The first request can use a connection to the host that is cut off.
        machines.until(
            lambda: machines.is_registered(machines.url("/tracker"), "lab"),
            "a registration by nginx",
        )
        assert machines.is_live(machines.trackers[1], "lab")
    finally:
        machines.network.join("d")


def test_pages_are_served_while_all_trackers_are_cut_off(machines):
    machines.until(
        lambda: machines.is_registered(machines.url("/tracker"), "lab"), "a registration by nginx"
    )
    machines.until(lambda: b'data-live="true"' in machines.get("/").data, "a live room")
    for name in "de":
        machines.network.cut(name)
    try:
        assert [get_uncached(machines).status for _ in range(4)] == [200] * 4
        assert machines.get("/", timeout=MAX_RESPONSE_TIME).status == 200
        for frontend in machines.frontends:
            assert page(machines, frontend, "/hall").status == 200
    finally:
        for name in "de":
            machines.network.join(name)
    machines.until(lambda: b'data-live="true"' in machines.get("/").data, "it knows again")
