"""`agent generate` with the real servers, encoders and a tracker: the files as they are."""

import json
from urllib.parse import urljoin

import pytest
import urllib3
from programs import require

from .conftest import wait_until
from .generated_server import WEBM_RESPONSE, GeneratedServer, fetch_start

ROOMS = ("hall", "lab")
TS_START = b"G"


@pytest.fixture
def generate(tmp_path, served):
    """Return a function that generates a server for two rooms."""
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"config": {}, **{room: {} for room in ROOMS}}))

    def generate(server, *ports):
        return GeneratedServer(
            tmp_path / "edge",
            server,
            config=config,
            tracker=served.url,
            token=served.token("crew", ""),
            ports=ports,
        )

    return generate


def fetch(url):
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        return pool.request("GET", url)


def fetch_segments(playlist_url):
    """Return the URLs of a playlist's segments; none if there is no playlist."""
    response = fetch(playlist_url)
    if response.status != 200:
        return []
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    lines = response.data.decode().splitlines()
    return [urljoin(playlist_url, line) for line in lines if line and not line.startswith("#")]


def last_number(playlist_url):
    """Return the number of the last segment of nginx's playlist."""
    return int(fetch_segments(playlist_url)[-1].rpartition("/")[2].removesuffix(".ts"))


def wait_for_rooms(served, file):
    """Wait until both rooms are live, and return the URLs that players get, by room."""

    def live_urls():
        endpoints = {room: served.endpoints(room).get("edge1") for room in ROOMS}
        if not all(endpoints.values()):
            return None
        return {
            room: endpoint["url"] + next(iter(endpoint.get("files", {}).values()), file)
            for room, endpoint in endpoints.items()
        }

    return wait_until(live_urls, 60, "both rooms are live")


@pytest.mark.icecast
def test_generated_icecast_makes_all_rooms_live(generate, served, encoders):
    require("icecast2")
    require("ffmpeg")
    edge = generate("icecast", "http", "agent")
    server = encoders(edge.start())
    server.wait_for(f"http://127.0.0.1:{edge.ports['http']}/status-json.xsl")
    for room in ROOMS:
        encoders(edge.publish(room))
    agent = encoders(edge.start_agent())

    urls = wait_for_rooms(served, "webcast-high.webm")

    assert urls == {room: edge.viewer_url(room) for room in ROOMS}
    for url in urls.values():
        wait_until(lambda url=url: fetch_start(url) == WEBM_RESPONSE, 20, f"{url} plays")
    assert "Traceback" not in agent.output
    assert "WARN" not in server.output

    # Encoders connect again to a server that restarts.
    server.stop()
    encoders(edge.start())
    for url in urls.values():
        wait_until(lambda url=url: fetch_start(url) == WEBM_RESPONSE, 60, f"{url} plays again")

    # The password of a room is good for that room only.
    script = edge.folder / "publish/attic.sh"
    script.write_text((edge.folder / "publish/hall.sh").read_text().replace("/hall/", "/attic/"))
    intruder = encoders(edge.publish("hall", script=script))
    wait_until(lambda: "401" in intruder.output, 60, "the password is refused")


@pytest.mark.nginx
def test_generated_nginx_makes_all_rooms_live_and_survives_a_reload(generate, served, encoders):
    require("nginx")
    require("ngx_rtmp_module")
    require("ffmpeg")
    edge = generate("nginx-rtmp", "http", "rtmp", "stats", "agent")
    server = edge.start()
    assert server.process.wait(20) == 0, server.output
    try:
        publishers = {room: encoders(edge.publish(room)) for room in ROOMS}
        encoders(edge.start_agent())

        urls = wait_for_rooms(served, "stream.m3u8")

        assert urls == {room: edge.viewer_url(room) for room in ROOMS}
        for url in urls.values():
            assert fetch(fetch_segments(url)[-1]).data.startswith(TS_START)

        edge.control_nginx("reload")

        # The new workers do not list the streams of encoders that are connected to the old ones.
        for room, url in urls.items():
            last = last_number(url)
            # A stream that has stalled would be gone by then.
            wait_until(
                lambda url=url, last=last: last_number(url) > last + 8, 40, f"{url} advances"
            )
            assert publishers[room].process.poll() is None
            assert set(served.endpoints(room)) == {"edge1"}

        # An encoder that restarts continues the same playlist.
        publishers["hall"].stop()
        encoders(edge.publish("hall"))
        last = last_number(urls["hall"])
        wait_until(lambda: last_number(urls["hall"]) > last, 30, "the playlist advances")
        assert fetch(fetch_segments(urls["hall"])[-1]).data.startswith(TS_START)
        # Requests for streams that had not begun were no errors, which have viewers' addresses.
        assert "GET /hls" not in (edge.folder / "var/log/error.log").read_text()
    finally:
        edge.control_nginx("stop")
