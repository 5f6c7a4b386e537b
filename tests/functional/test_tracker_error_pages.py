"""Errors of the tracker: pages for browsers, and one line for programs."""

import pytest
from webtest import TestApp

from streaming_system import tracker as tracker_app

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PROGRAMS = ({}, {"Accept": "*/*"}, {"Accept": "application/json"})


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/nosuch", 404, "There is nothing at this address"),
        ("GET", "/admin/nosuch", 404, "There is nothing at this address"),
        ("GET", "/api/v1/nosuch", 404, "There is nothing at this address"),
        ("GET", "/%ff", 400, "The address is not UTF-8"),
        ("GET", "/endpoint/register", 405, "Post a form with secret, group"),
        ("GET", "/api/v1/tokens", 401, "A token is needed"),
        ("POST", "/streams.json", 404, "There is nothing at this address"),
        ("GET", "/overall-stats.json?range=%ff", 400, "That request cannot be understood"),
    ],
)
def test_browser_gets_a_page_and_a_program_one_line(tracker, method, path, status, sentence):
    page = tracker.request(path, method=method, headers=BROWSER, status=status)

    assert page.content_type == "text/html"
    assert sentence in page.html.main.get_text()
    assert page.html.select_one("header .brand").get_text(strip=True) == "Test Conf"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    for headers in PROGRAMS:
        line = tracker.request(path, method=method, headers=headers, status=status)
        assert line.content_type in ("application/json", "application/problem+json", "text/plain")
        assert "<" not in line.text
        assert "Accept" in line.vary


def test_page_has_the_headers_of_the_error(tracker):
    page = tracker.get("/endpoint/register", headers=BROWSER, status=405)

    assert page.headers["Allow"] == "POST"


def test_page_says_when_to_try_again(app_pool, tracker_settings):
    app = TestApp(app_pool.get(tracker_app.main, tracker_settings | {"limit.graphs": "1/hour"}))
    statuses = [
        app.get(f"/overall-stats.json?range={minutes}", headers=BROWSER, status="*")
        for minutes in (10, 11, 12)
    ]

    assert statuses[-1].status_int == 429
    assert "Try again in" in statuses[-1].html.main.get_text()
    assert int(statuses[-1].headers["Retry-After"]) > 0


def test_page_repeats_nothing_of_the_address(tracker):
    page = tracker.get("/<script>alert(1)", headers=BROWSER, status=404)

    assert "alert(1)" not in page.text


def test_health_is_the_same_for_people_and_programs(tracker):
    page = tracker.get("/readyz", headers=BROWSER)

    assert page.content_type == "application/json"


def test_own_address_leads_people_to_the_monitor(tracker):
    assert tracker.get("/", headers=BROWSER, status=302).location.endswith("/monitor")
    assert tracker.get("/", status=404).json == {"error": "there is nothing at this address"}


def test_report_of_a_browser_like_client_is_refused_as_before(tracker):
    """The original's programs stop after any status but 200."""
    response = tracker.post("/endpoint/register", {"secret": "wrong"}, headers=BROWSER)

    assert response.text.startswith("ERROR ")
