"""The agent with Icecast, ffmpeg, listeners and a tracker."""

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
    """A client that reads a mount until it ends."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.stop = threading.Event()
        self.connected = threading.Event()
        self._url = url

    def run(self):
        with urllib3.PoolManager(retries=False, timeout=10) as pool:
            while not self.connected.is_set() and not self.stop.is_set():
                try:
                    self._read(pool)
                except urllib3.exceptions.HTTPError:
                    # Icecast refuses clients until a mount has its first cluster: retry, as
                    # players do.
                    self.stop.wait(0.5)

    def _read(self, pool):
        response = pool.request("GET", self._url, preload_content=False)
        try:
            while not self.stop.is_set() and response.read(4096):
                self.connected.set()
        finally:
            response.close()


@pytest.fixture
def listen():
    listeners = []

    def listen(url):
        listeners.append(Listener(url))
        listeners[-1].start()
        assert listeners[-1].connected.wait(30), f"{url} sends nothing"

    yield listen
    for listener in listeners:
        listener.stop.set()
    for listener in listeners:
        listener.join(10)


@pytest.mark.parametrize("login", ["", "password = secret"])
def test_icecast_mounts_are_registered_with_their_listeners_until_they_end(
    icecast, served, agent, encoders, listen, login
):
    high = encoders(icecast.encode("/hall.webm"))
    low = encoders(icecast.encode("/hall-low.webm"))
    for mount in ("/hall.webm", "/hall-low.webm"):
        wait_until(lambda mount=mount: mount in _fetch_stats(icecast), 40, f"{mount} is there")
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

    endpoint = wait_until(lambda: _endpoint_with(served, clients=5), 2 * INTERVAL, "five clients")
    assert endpoint["formats"] == ["webm"]
    assert endpoint["qualities"] == ["high", "low"]
    assert endpoint["url"] == "http://127.0.0.1:8080/hall/"
    assert endpoint["figures"]["webm_high"]["clients"] == 3
    assert endpoint["figures"]["webm_low"]["clients"] == 2
    if login:
        # The admin stats have the sent bytes: about 180 kbit/s to each of five listeners.
        endpoint = wait_until(lambda: _endpoint_sending(served, 300_000), 30, "a bitrate")
        assert endpoint["bitrate"] < 5_000_000
    assert agent.healthz() == (200, "ok\n")
    assert set(agent.metric("clients").values()) == {3, 2}

    low.kill()
    endpoint = wait_until(
        lambda: _endpoint_with(served, qualities=["high"]), 30, "one mount is left"
    )
    assert list(endpoint["figures"]) == ["webm_high"]
    high.kill()
    wait_until(lambda: served.endpoints() == {}, 30, "the endpoint is gone")


def test_endpoint_expires_when_icecast_ends(icecast, served, agent, encoders):
    encoders(icecast.encode("/hall.webm"))
    agent = agent(
        trackers=[served.url],
        token=f"token = {served.token()}",
        sources=SOURCE.format(url=icecast.url, login=""),
    )
    wait_until(lambda: "edge1" in served.endpoints(), 40, "the endpoint is registered")

    icecast.program.kill()

    wait_until(lambda: served.endpoints() == {}, 30, "the endpoint is gone")
    status, text = agent.healthz()
    assert (status, "icecast: " in text, "cannot be reached" in text) == (503, True, True)


def test_wrong_password_is_one_line(icecast, served, agent):
    agent = agent(
        trackers=[served.url],
        token=f"token = {served.token()}",
        sources=SOURCE.format(url=icecast.url, login="password = guess"),
        options=["--once"],
    )

    status, output = agent.wait_for_exit()

    assert status == 1
    assert f"icecast: {icecast.url}/admin/stats: 401: wrong user or password" in output
    assert "guess" not in output


def _fetch_stats(icecast):
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        return pool.request("GET", f"{icecast.url}/status-json.xsl").data.decode()


def _endpoint_with(served, **expected):
    endpoint = served.endpoints().get("edge1", {})
    matches = all(endpoint.get(name) == value for name, value in expected.items())
    return endpoint if matches else None


def _endpoint_sending(served, min_bitrate):
    endpoint = served.endpoints().get("edge1", {})
    return endpoint if endpoint.get("bitrate", 0) >= min_bitrate else None
