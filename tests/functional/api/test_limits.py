"""Who calls too often is told when to call again, and nobody else notices."""

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

    Its clock stands still in the midst of a minute: where one begins, its share does, too.
    """
    midst = time.time() // 60 * 60 + 30.5
    monkeypatch.setattr(time, "time", lambda: midst)

    def limited(**limits):
        rates = {f"limit.{name}": rate for name, rate in limits.items()}
        app = app_pool.get(tracker_app.main, tracker_settings | rates)
        return TestApp(app, extra_environ={"REMOTE_ADDR": "203.0.113.1"})

    return limited


def test_an_address_has_its_share_and_no_more(limited):
    app = limited(reads="3/minute")
    for _ in range(3):
        app.get("/api/v1/rooms")

    answer = app.get("/api/v1/rooms", status=429)

    assert answer.content_type == "application/problem+json"
    assert answer.json["type"] == "/api/v1/#too-many-requests"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": "203.0.113.2"}, status=200)


@pytest.mark.parametrize(
    "address",
    [
        "/overall-stats.json?range={}",
        "/api/v1/rooms/hall/samples?step={}",
        "/api/v1/rooms/hall/playback?minutes={}",
    ],
)
def test_figures_over_time_have_a_share_of_their_own(limited, address):
    app = limited(graphs="2/hour")
    for number in (5, 6):
        app.get(address.format(number))

    app.get(address.format(7), status=429)
    app.get("/api/v1/rooms", status=200)


def test_the_share_comes_back_with_time(limited):
    app = limited(reads="1/second")
    app.get("/api/v1/rooms")

    assert app.get("/api/v1/rooms", status=429).headers["Retry-After"] == "1"


def test_all_of_an_ipv6_network_is_one_caller(limited):
    app = limited(reads="1/minute")
    app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": "2001:db8:1:2::1"})

    app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": "2001:db8:1:2:ffff::9"}, status=429)
    app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": "2001:db8:1:3::1"}, status=200)
    assert client_key("::ffff:192.0.2.1") != client_key("::ffff:192.0.2.2")


def test_a_token_has_its_share_wherever_it_is_shown(limited, hall, rows):
    app = limited(reports="2/minute")
    for last in (1, 2):
        app.put_json(EDGE, {}, headers=hall, extra_environ={"REMOTE_ADDR": f"192.0.2.{last}"})

    answer = app.put_json(
        EDGE, {"clients": 7}, headers=hall, extra_environ={"REMOTE_ADDR": "192.0.2.3"}, status=429
    )

    assert "Retry-After" in answer.headers
    assert [row["clients"] for row in rows(Endpoint)] == [0]


def test_guessing_tokens_is_limited_too(limited):
    app = limited(reports="2/minute")
    for guess in ("a", "b"):
        app.put_json(EDGE, {}, headers={"Authorization": f"Bearer sst_{guess}"}, status=401)

    app.put_json(EDGE, {}, headers={"Authorization": "Bearer sst_c"}, status=429)


def test_the_old_protocol_is_limited_in_its_own_words(limited, rows):
    app = limited(reports="1/minute")
    app.post("/endpoint/register", REGISTRATION)

    answer = app.post("/endpoint/register", REGISTRATION, status=429)

    assert answer.text.startswith("ERROR TOO MANY ")
    assert "Retry-After" in answer.headers
    assert len(rows(Endpoint)) == 1


def test_pages_are_limited_in_json(limited):
    app = limited(reads="1/minute")
    app.get("/streams.json?made=first")

    # The same once more within a second would cost nothing, and is not counted.
    assert app.get("/streams.json?made=second", status=429).json["error"].startswith("TOO MANY")


def test_a_limit_can_be_switched_off(limited):
    app = limited(reads="off")

    for _ in range(20):
        app.get("/api/v1/rooms", status=200)


def test_no_address_is_kept(limited, caplog):
    caplog.set_level(logging.DEBUG)
    app = limited(reads="1/minute")
    address = "198.51.100.77"
    for status in (200, 429):
        app.get("/api/v1/rooms", extra_environ={"REMOTE_ADDR": address}, status=status)

    limiter = app.app.registry["limiter"]
    kept = [str(thing) for thing in gc.get_referents(*vars(limiter._window.storage).values())]
    assert address not in " ".join(kept)
    assert address not in caplog.text


def test_every_limited_address_is_one_that_there_is(limited):
    app = limited()
    mapper = app.app.registry.getUtility(IRoutesMapper)
    routes = {route.name for route in mapper.get_routes(include_static=True)}

    assert {route for _, route in ROUTE_RATES} <= routes
