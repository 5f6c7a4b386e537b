"""What viewers and encoders notice of several machines: nothing, even while some are away."""

import itertools

from ..proxy.site import NAME
from .site import PAGES

# A viewer waits no longer.
PATIENCE = 5
ASKED = itertools.count()


def page(machines, frontend, path):
    return machines.viewer.request("GET", f"{frontend}{path}", headers={"Host": NAME})


def fresh(machines):
    """Return what nobody has asked for yet, so that no cache can answer."""
    return machines.get(f"/schedule?q=Keynote{next(ASKED)}", timeout=PATIENCE)


def test_each_host_gives_the_same_pages(machines):
    one, other = machines.frontends

    for path in ("/", "/hall", "/schedule?day=all", "/talk/guid-Soldering", "/schedule/file.json"):
        pages = page(machines, one, path), page(machines, other, path)
        assert (path, pages[0].status, pages[1].status) == (path, 200, 200)
        assert pages[0].data == pages[1].data
        assert pages[0].headers["ETag"] == pages[1].headers["ETag"]


def test_what_one_host_imports_the_other_shows(machines, later):
    machines.publish(later("A keynote moved in", 1))

    for frontend in machines.frontends:
        machines.until(
            lambda url=frontend: b"A keynote moved in" in page(machines, url, "/schedule").data,
            f"the new title on {frontend}",
        )


def test_what_is_said_to_one_tracker_the_other_knows(machines):
    one, other = machines.trackers
    assert not machines.is_live(other, "hall")

    assert machines.register(one, "hall").data == b"OK\n"

    machines.until(lambda: machines.is_live(other, "hall"), "a live room on the other tracker")
    # And the pages of both, through nginx and the trackers.
    for frontend in machines.frontends:
        machines.until(
            lambda url=frontend: b'data-live="true"' in page(machines, url, "/").data,
            f"a live room on {frontend}",
        )


def test_only_the_pages_of_the_site_may_ask_the_tracker_of_another_name(machines):
    def allowed(tracker, origin):
        answer = machines.viewer.request(
            "GET", f"{tracker}/streams.json", headers={"Origin": origin}
        )
        return answer.headers.get("Access-Control-Allow-Origin")

    assert [allowed(each, PAGES) for each in machines.trackers] == [PAGES, PAGES]
    assert [allowed(each, "https://evil.example") for each in machines.trackers] == [None, None]
    # The pages' own policy lets browsers ask there.
    policy = page(machines, machines.frontends[1], "/schedule").headers["Content-Security-Policy"]
    assert "connect-src 'self' https://tracker.example.org;" in policy


def test_pages_come_while_a_host_of_pages_is_cut_off(machines):
    assert machines.get("/schedule").status == 200
    machines.network.cut("b")
    try:
        answers = [fresh(machines).status for _ in range(4)]
        kept = machines.get("/schedule", timeout=PATIENCE)
    finally:
        machines.network.join("b")

    assert answers == [200] * 4
    assert kept.status == 200
    frontend = machines.frontends[0]
    machines.until(lambda: machines.is_up(f"{frontend}/readyz"), "the host is back")


def test_one_tracker_does_the_work_of_two_while_its_host_is_cut_off(machines):
    machines.network.cut("d")
    try:
        # The first may find the connection that was there.
        machines.until(
            lambda: machines.is_registered(machines.url("/tracker"), "lab"),
            "a registration by nginx",
        )
        assert machines.is_live(machines.trackers[1], "lab")
    finally:
        machines.network.join("d")


def test_pages_come_while_all_trackers_are_cut_off(machines):
    machines.until(lambda: b'data-live="true"' in machines.get("/").data, "a live room")
    for name in "de":
        machines.network.cut(name)
    try:
        assert [fresh(machines).status for _ in range(4)] == [200] * 4
        assert machines.get("/", timeout=PATIENCE).status == 200
        for frontend in machines.frontends:
            assert page(machines, frontend, "/hall").status == 200
    finally:
        for name in "de":
            machines.network.join(name)
    machines.until(lambda: b'data-live="true"' in machines.get("/").data, "it knows again")
