"""Rate limits that several workers share on a Redis server, and what holds while it is away."""

import logging
import secrets
import shutil
import tempfile
from pathlib import Path

import limits
import pytest
from programs import require
from webtest import TestApp

from streaming_system import tracker as tracker_app
from streaming_system.tracker.rate_limiting import RateLimitedError, RateLimiter
from streaming_system.tracker.rate_storage import RETRY_INTERVAL, SharedRateWindows
from streaming_system.tracker.rate_storage_url import parse_storage_url

from ..agent.servers import Program
from ..proxy.site import wait_until

LIMITS = {"limit.reads": limits.parse("3/hour")}


class Redis:
    """A server without a port, on a socket in a folder with a short name."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.url = f"redis+unix://{self.socket}"
        self.start()

    def start(self):
        self.socket.unlink(missing_ok=True)
        self.program = Program(
            require("redis-server"), "--port", "0", "--unixsocket", self.socket,
            "--save", "", "--appendonly", "no", folder=self.folder, name="redis",
        )  # fmt: skip
        wait_until(self.socket.exists, 20, "the server is up")

    def stop(self):
        self.program.kill()


@pytest.fixture(scope="module")
def redis():
    require("redis-server")
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    server = Redis(folder)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def workers(redis, clock):
    """Return the limiters of two workers with a key of this test."""
    key = secrets.token_bytes(32)
    return [
        RateLimiter(LIMITS, SharedRateWindows(redis.url, clock=lambda: clock[0]), key)
        for _ in range(2)
    ]


def hits(worker, count=1, client="203.0.113.1"):
    """Return how many of some requests are allowed."""
    allowed = 0
    for _ in range(count):
        try:
            worker.hit("reads", client)
        except RateLimitedError as error:
            if not 1 <= error.seconds <= 3600:
                raise
        else:
            allowed += 1
    return allowed


def test_workers_share_the_rate_of_a_client(workers):
    one, two = workers

    assert (hits(one, 2), hits(two, 2), hits(one)) == (2, 1, 0)
    assert hits(two, client="203.0.113.2") == 1


def test_each_worker_counts_while_the_server_is_away(workers, redis, clock, caplog):
    one, two = workers
    assert hits(one, 2) == 2
    redis.stop()

    with caplog.at_level(logging.WARNING):
        assert (hits(one, 5), hits(two, 5)) == (3, 3)
        assert [r.levelname for r in caplog.records] == ["ERROR", "ERROR"]
        assert "limit.storage is away" in caplog.text
        redis.start()
        # It is asked again after an interval, not with each request.
        assert hits(one) == 0
        clock[0] += RETRY_INTERVAL
        assert (hits(one, 2), hits(two, 2)) == (2, 1)
    assert caplog.text.count("limit.storage is back") == 2


def test_two_trackers_with_one_database_share_rates(redis, app_pool, tracker_settings):
    settings = tracker_settings | {"limit.storage": redis.url, "limit.reads": "3/hour"}
    apps = [
        TestApp(
            app_pool.get(tracker_app.main, settings | {"alert.clock": str(seconds)}),
            extra_environ={"REMOTE_ADDR": "203.0.113.77"},
        )
        for seconds in (5, 6)
    ]

    statuses = [apps[n % 2].get("/api/v1/rooms", status="*").status_code for n in range(5)]

    assert statuses == [200, 200, 200, 429, 429]


@pytest.mark.parametrize(
    "text",
    ["localhost", "http://localhost/", "redis://", "redis://h:0/", "redis://h:x/", "memory://"],
)
def test_invalid_url_is_refused(text):
    with pytest.raises(ValueError, match=r"localhost|//|port|Port"):
        parse_storage_url(text)


@pytest.mark.parametrize(
    "text", ["", "redis://h", "redis://:p@h:6379/1", "rediss://h/0", "redis+unix:///run/redis.sock"]
)
def test_valid_url_is_accepted(text):
    assert parse_storage_url(text) == text
