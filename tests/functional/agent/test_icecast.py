"""A real Icecast, fed by ffmpeg, watched by real listeners, registered with a real tracker."""

import threading

import pytest
import urllib3

from .conftest import wait_until

SOURCE = """
[source:icecast]
use = icecast
url = {url}
{login}
streams =
    /hall.webm = hall webm_high
    /hall-low.webm = hall webm_low
"""


INTERVAL = 4


class Listener(threading.Thread):
    """Somebody who watches a mount until it ends."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.watches = threading.Event()
        self._url = url

    def run(self):
        with urllib3.PoolManager(retries=False, timeout=10) as pool:
            answer = pool.request("GET", self._url, preload_content=False)
            while not self.over.is_set() and answer.read(4096):
                self.watches.set()
            answer.close()


@pytest.fixture
def listen():
    listeners = []

    def listen(url):
        listeners.append(Listener(url))
        listeners[-1].start()
        assert listeners[-1].watches.wait(15), f"nothing comes from {url}"

    yield listen
    for listener in listeners:
        listener.over.set()
    for listener in listeners:
        listener.join(10)


@pytest.mark.parametrize("login", ["", "password = secret"])
def test_five_listeners_of_two_mounts_are_shown_and_an_ended_mount_is_not(
    icecast, served, agent, encoders, listen, login
):
    high = encoders(icecast.encode("/hall.webm"))
    low = encoders(icecast.encode("/hall-low.webm"))
    for mount in ("/hall.webm", "/hall-low.webm"):
        wait_until(lambda mount=mount: mount in _mounted(icecast), 40, f"{mount} is there")
    agent = agent(
        trackers=[served.url],
        token=f"token = {served.token()}",
        sources=SOURCE.format(url=icecast.url, login=login),
        interval=INTERVAL,
    )
    wait_until(lambda: "edge1" in served.endpoints(), 40, "the endpoint is registered")

    for _ in range(3):
        listen(f"{icecast.url}/hall.webm")
    for _ in range(2):
        listen(f"{icecast.url}/hall-low.webm")

    found = wait_until(lambda: _with(served, clients=5), 2 * INTERVAL, "five clients")
    assert found["formats"] == ["webm"]
    assert found["qualities"] == ["high", "low"]
    assert found["url"] == "http://127.0.0.1:8080/hall/"
    assert found["figures"]["webm_high"]["clients"] == 3
    assert found["figures"]["webm_low"]["clients"] == 2
    if login:
        # With its password, Icecast says how much it sends: about 180 kbit/s to each of five.
        found = wait_until(lambda: _sends(served, 300_000), 30, "a bitrate")
        assert found["bitrate"] < 5_000_000
    assert agent.healthz() == (200, "ok\n")
    assert set(agent.metric("clients").values()) == {3, 2}

    low.kill()
    found = wait_until(lambda: _with(served, qualities=["high"]), 30, "one mount is left")
    assert list(found["figures"]) == ["webm_high"]
    high.kill()
    wait_until(lambda: served.endpoints() == {}, 30, "the endpoint is gone")


def test_an_icecast_that_ends_takes_its_endpoint_along(icecast, served, agent, encoders):
    encoders(icecast.encode("/hall.webm"))
    agent = agent(
        trackers=[served.url],
        token=f"token = {served.token()}",
        sources=SOURCE.format(url=icecast.url, login=""),
    )
    wait_until(lambda: "edge1" in served.endpoints(), 40, "the endpoint is registered")

    icecast.program.kill()

    wait_until(lambda: served.endpoints() == {}, 30, "the endpoint is gone")
    status, words = agent.healthz()
    assert (status, "icecast: " in words, "cannot be read" in words) == (503, True, True)


def test_a_wrong_password_is_one_line(icecast, served, agent):
    agent = agent(
        trackers=[served.url],
        token=f"token = {served.token()}",
        sources=SOURCE.format(url=icecast.url, login="password = guess"),
        options=["--once"],
    )

    status, said = agent.ended()

    assert status == 1
    assert f"icecast: {icecast.url}/admin/stats: 401: wrong user or password" in said
    assert "guess" not in said


def _mounted(icecast):
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        return pool.request("GET", f"{icecast.url}/status-json.xsl").data.decode()


def _with(served, **wanted):
    found = served.endpoints().get("edge1", {})
    return found if all(found.get(name) == value for name, value in wanted.items()) else None


def _sends(served, least):
    found = served.endpoints().get("edge1", {})
    return found if found.get("bitrate", 0) >= least else None
