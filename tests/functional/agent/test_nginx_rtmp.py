"""The agent with nginx and its RTMP module: HLS viewers are counted in the access log."""

import urllib3

from .conftest import wait_until

SOURCE = """
[source:nginx]
use = nginx_rtmp
url = {url}/stat
access.log = {log}
access.path = /hls/{{mount}}
access.window = 6
streams =
    live/hall = hall hls
    live/lab = lab hls
"""
BROWSERS = ("Firefox", "Chromium", "VLC")


def test_hls_stream_is_registered_with_the_viewers_of_the_access_log(
    nginx_rtmp, served, agent, encoders
):
    hall = encoders(nginx_rtmp.encode("hall"))
    agent = agent(
        trackers=[served.url],
        token=f"token = {served.token('crew', '')}",
        sources=SOURCE.format(url=nginx_rtmp.url, log=nginx_rtmp.access_log),
    )
    endpoint = wait_until(lambda: served.endpoints().get("edge1"), 40, "the endpoint is registered")
    assert (endpoint["formats"], endpoint["clients"], endpoint["figures"]) == (["hls"], 0, {})
    # Nothing is published to live/lab.
    assert served.endpoints("lab") == {}
    playlist = f"{nginx_rtmp.url}/hls/hall.m3u8"
    wait_until(lambda: _fetch(playlist).status == 200, 30, "there is a playlist")

    def watch():
        """Fetch the playlist and its last segment by three browsers behind one address."""
        for browser in BROWSERS:
            text = _fetch(playlist, browser).data.decode()
            segment = text.split()[-1]
            _fetch(f"{nginx_rtmp.url}/hls/{segment}", browser)
        _fetch(f"{nginx_rtmp.url}/hls/attic.m3u8", "Firefox")
        endpoint = served.endpoints().get("edge1")
        return endpoint if endpoint and endpoint["clients"] == len(BROWSERS) else None

    endpoint = wait_until(watch, 10, "three viewers")
    assert endpoint["bitrate"] > 10_000
    # The nominal bitrate of each viewer is the one that nginx measures.
    wait_until(
        lambda: 90_000 < _nominal_bitrate(served) < 2_000_000, 20, "the bitrate of the stream"
    )

    def count_viewers():
        # Viewers expire without requests.
        watch()
        return {of: count for of, count in agent.metric("clients").items() if count == 3}

    [labels] = wait_until(count_viewers, 20, "three viewers in the agent's metrics")
    assert 'mount="live/hall"' in labels
    assert 'codec="H264' in labels

    # Without requests, the viewers expire.
    wait_until(lambda: served.endpoints()["edge1"]["clients"] == 0, 15, "no viewers")
    hall.kill()
    wait_until(lambda: served.endpoints() == {}, 20, "the endpoint is gone")


def _nominal_bitrate(served):
    endpoint = served.endpoints().get("edge1", {})
    if endpoint.get("clients"):
        return endpoint["cbitrate"] / endpoint["clients"]
    # Between two polls, the viewers may expire.
    return 100_000 if endpoint else 0


def _fetch(url, agent="test"):
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        return pool.request("GET", url, headers={"User-Agent": agent})
