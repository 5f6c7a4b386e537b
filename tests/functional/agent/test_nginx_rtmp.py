"""A real nginx with the RTMP module: HLS viewers, counted in its access log."""

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


def test_hls_is_registered_with_the_viewers_of_the_access_log(nginx_rtmp, served, agent, encoders):
    hall = encoders(nginx_rtmp.encode("hall"))
    agent = agent(
        trackers=[served.url],
        token=f"token = {served.token('crew', '')}",
        sources=SOURCE.format(url=nginx_rtmp.url, log=nginx_rtmp.access_log),
    )
    found = wait_until(lambda: served.endpoints().get("edge1"), 40, "the endpoint is registered")
    assert (found["formats"], found["clients"], found["figures"]) == (["hls"], 0, {})
    # The other application's stream is not published.
    assert served.endpoints("lab") == {}
    playlist = f"{nginx_rtmp.url}/hls/hall.m3u8"
    wait_until(lambda: _get(playlist).status == 200, 30, "there is a playlist")

    def watch():
        """Let three browsers behind one address fetch the playlist and its last segment."""
        for browser in BROWSERS:
            text = _get(playlist, browser).data.decode()
            segment = text.split()[-1]
            _get(f"{nginx_rtmp.url}/hls/{segment}", browser)
        _get(f"{nginx_rtmp.url}/hls/attic.m3u8", "nobody's")
        found = served.endpoints().get("edge1")
        return found if found and found["clients"] == len(BROWSERS) else None

    found = wait_until(watch, 10, "three viewers")
    assert found["bitrate"] > 10_000
    # What nginx measures of the stream is what each of them should get.
    wait_until(lambda: 90_000 < _each(served) < 2_000_000, 20, "the bitrate of the stream")

    def counted():
        # They have gone once they have fetched nothing for some seconds.
        watch()
        return {of: count for of, count in agent.metric("clients").items() if count == 3}

    [labels] = wait_until(counted, 20, "the agent's own figure of three viewers")
    assert 'mount="live/hall"' in labels
    assert 'codec="H264' in labels

    # Nobody asks for anything any more.
    wait_until(lambda: served.endpoints()["edge1"]["clients"] == 0, 15, "no viewers")
    hall.kill()
    wait_until(lambda: served.endpoints() == {}, 20, "the endpoint is gone")


def _each(served):
    found = served.endpoints().get("edge1", {})
    return found["cbitrate"] / found["clients"] if found.get("clients") else _last(found)


def _last(found):
    # Between two looks, the viewers may have left the window.
    return 100_000 if found else 0


def _get(url, agent="test"):
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        return pool.request("GET", url, headers={"User-Agent": agent})
