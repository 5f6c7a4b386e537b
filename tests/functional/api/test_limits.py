"""Rate limits: a client that exceeds them gets 429; other clients are unaffected."""

import gc
import logging
import time

import pytest
from pyramid.interfaces import IRoutesMapper
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.models import Endpoint
from streaming_system.tracker.rate_limiting import ROUTE_RATES, client_key

from ..conftest import SECRET

EDGE = "/api/v1/rooms/hall/endpoints/edge1"
REGISTRATION = {"secret": SECRET, "group": "hall", "data": "{}"}


@pytest.fixture
def limited(app_pool, tracker_settings, monkeypatch):
    """Return a function that starts a tracker with other limits.

    The clock is frozen in the middle of a minute, so that no window ends during the test.
    """
    now = time.time() // 60 * 60 + 30.5
    monkeypatch.setattr(time, "time", lambda: now)

    def limited(**limits):
        rates = {f"limit.{name}": rate for name, rate in limits.items()}
        app = app_pool.get(tracker_app.main, tracker_settings | rates)
        return TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})

    return limited


def test_address_gets_429_beyond_its_limit(limited):
    app = limited(reads="3/minute")
    for _ in range(3):
        app.get("/api/v1/rooms")

    response = app.get("/api/v1/rooms", status=429)

    assert response.content_type == "application/problem+json"
    assert response.json["type"] == "/api/v1/#too-many-requests"
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": "203.0.113.2"}, status=200)


@pytest.mark.parametrize(
    "address",
    [
        "/overall-stats.json?range={}",
        "/api/v1/rooms/hall/samples?step={}",
        "/api/v1/rooms/hall/playback?minutes={}",
    ],
)
def test_queries_over_time_have_a_separate_limit(limited, address):
    app = limited(graphs="2/hour")
    for number in (5, 6):
        app.get(address.format(number))

    app.get(address.format(7), status=429)
    app.get("/api/v1/rooms", status=200)


def test_retry_after_is_the_time_until_the_window_ends(limited):
    app = limited(reads="1/second")
    app.get("/api/v1/rooms")

    assert app.get("/api/v1/rooms", status=429).headers["Retry-After"] == "1"


def test_ipv6_network_counts_as_one_client(limited):
    app = limited(reads="1/minute")
    app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": "2001:db8:1:2::1"})

    app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": "2001:db8:1:2:ffff::9"}, status=429)
    app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": "2001:db8:1:3::1"}, status=200)
    assert client_key("::ffff:192.0.2.1") != client_key("::ffff:192.0.2.2")


def test_token_has_one_limit_for_all_addresses(limited, hall, rows):
    app = limited(reports="2/minute")
    for last in (1, 2):
        app.put_json(EDGE, {}, headers=hall, extra_environ={"REMOTE_ADDR": f"192.0.2.{last}"})

    response = app.put_json(
        EDGE, {"clients": 7}, headers=hall, extra_environ={"REMOTE_ADDR": "192.0.2.3"}, status=429
    )

    assert "Retry-After" in response.headers
    assert [row["clients"] for row in rows(Endpoint)] == [0]


def test_invalid_tokens_count_for_the_limit_of_the_address(limited):
    app = limited(reports="2/minute")
    for guess in ("a", "b"):
        app.put_json(EDGE, {}, headers={"Authorization": f"Bearer sst_{guess}"}, status=401)

    app.put_json(EDGE, {}, headers={"Authorization": "Bearer sst_c"}, status=429)


def test_legacy_protocol_gets_429_as_plain_text(limited, rows):
    app = limited(reports="1/minute")
    app.post("/endpoint/register", REGISTRATION)

    response = app.post("/endpoint/register", REGISTRATION, status=429)

    assert response.text.startswith("ERROR TOO MANY ")
    assert "Retry-After" in response.headers
    assert len(rows(Endpoint)) == 1


def test_other_paths_get_429_as_json(limited):
    app = limited(reads="1/minute")
    app.get("/streams.json?told=1")

    # A repeated query would be a cache hit, which is not counted.
    assert app.get("/streams.json?told=2", status=429).json["error"].startswith("TOO MANY")


def test_limit_can_be_switched_off(limited):
    app = limited(reads="off")

    for _ in range(20):
        app.get("/api/v1/rooms", status=200)


def test_rate_limiter_stores_and_logs_no_address(limited, caplog):
    caplog.set_level(logging.DEBUG)
    app = limited(reads="1/minute")
    address = "198.51.100.77"
    for status in (200, 429):
        app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": address}, status=status)

    limiter = app.app.registry["limiter"]
    stored = [str(thing) for thing in gc.get_referents(*vars(limiter._window.storage).values())]
    assert address not in " ".join(stored)
    assert address not in caplog.text


def test_every_limited_route_exists(limited):
    app = limited()
    mapper = app.app.registry.getUtility(IRoutesMapper)
    routes = {route.name for route in mapper.get_routes(include_static=True)}

    assert {route for _, route in ROUTE_RATES} <= routes
