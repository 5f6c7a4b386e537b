"""Streams are registered while viewers can play them, whatever the server's status page says."""

import itertools
import os
import signal
import threading
import time
import urllib.request

import pytest

from streaming_system.agent.fetch import FetchError
from streaming_system.agent.hls_progress import HlsProgress

from .conftest import wait_until
from .fake_server import raw_handler

STALL_SECONDS, RECOVERY_SECONDS = 15, 10
# The tests' machine may be busy.
SLACK_SECONDS = 10
STATIC = "[source:cdn]\nuse = static\nstreams =\n    hall = hall {stream}\n"


def playlist(number, *, segments=3, target=1):
    names = "".join(f"#EXTINF:1,\nsegment{number + n}.ts\n" for n in range(segments))
    return (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:{number}\n{names}"
    ).encode()


class HlsServer:
    """Serves a playlist that advances each second while it runs."""

    def __init__(self, server):
        self.is_running = True
        self._server = server
        self._number = 0
        self._stop = threading.Event()
        self._publish()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(1):
            if self.is_running:
                self._number += 1
                self._publish()

    def _publish(self):
        for number in range(self._number, self._number + 3):
            self._server.responses[f"/hall/segment{number}.ts"] = (200, {}, b"G" * 188)
        self._server.responses["/hall/stream.m3u8"] = (200, {}, playlist(self._number))

    def close(self):
        self._stop.set()
        self._thread.join()


@pytest.fixture
def hls_server(fake_server):
    server = HlsServer(fake_server)
    yield server
    server.close()


@pytest.fixture
def start(served, agent, fake_server):
    """Return a function that starts an agent with one stream at the fake server."""

    def start(stream="hls", **options):
        return agent(
            trackers=[served.url],
            token=f"token = {served.token('crew', '')}",
            sources=options.pop("sources", STATIC.format(stream=stream)),
            url=f"{fake_server.url}/{{room}}/",
            check="yes",
            **options,
        )

    return start


def test_a_stalled_playlist_is_deregistered_and_returns(start, served, hls_server):
    running = start()
    wait_until(lambda: "edge1" in served.endpoints(), 20, "the endpoint is registered")

    hls_server.is_running = False
    wait_until(lambda: served.endpoints() == {}, STALL_SECONDS + SLACK_SECONDS, "it is gone")
    status, text = running.healthz()
    assert status == 503
    assert "/hall/stream.m3u8: the playlist is stuck for" in text
    [component] = served.get("/api/v1/components")["components"]
    assert (component["machine"], component["name"]) == ("edge1:streams", "hall hls")
    assert component["mood"] == "sad"
    assert component["detail"].startswith("the playlist is stuck for")

    hls_server.is_running = True
    wait_until(
        lambda: "edge1" in served.endpoints(), RECOVERY_SECONDS + SLACK_SECONDS, "it is back"
    )
    wait_until(lambda: running.healthz() == (200, "ok\n"), 5, "it is healthy")


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        ((404, {}, b"not found"), "the playlist responds with status 404"),
        ((200, {}, b""), "the response is no playlist: it is empty"),
        ((200, {}, b"<html>It works!</html>"), "the response is no playlist, but an HTML page"),
        ((200, {}, b"#EXTM3U\n"), "the playlist is empty"),
        (
            (200, {}, b"#EXTM3U\n#EXT-X-TARGETDURATION:x\n#EXTINF:,\na.ts\n"),
            "the last segment responds with status 404",
        ),
        ((200, {}, playlist(1)), "the last segment responds with status 404"),
        ((200, {}, playlist(1) + b"#EXT-X-ENDLIST\n"), "the stream has ended"),
    ],
)
def test_once_names_a_stream_that_does_not_play(once, served, fake_server, response, problem):
    fake_server.responses["/hall/stream.m3u8"] = response

    status, output = once(
        trackers=[served.url],
        token=f"token = {served.token('crew', '')}",
        sources=STATIC.format(stream="hls"),
        url=f"{fake_server.url}/{{room}}/",
        check="yes",
    )

    assert status == 1
    assert f"{fake_server.url}/hall/stream.m3u8: " in output
    assert problem in output
    assert "Nothing is streamed from here" in output
    assert "Traceback" not in output
    assert served.endpoints() == {}


def test_once_waits_for_a_playlist_to_advance(once, served, fake_server, hls_server):
    status, output = once(
        trackers=[served.url],
        token=f"token = {served.token('crew', '')}",
        sources=STATIC.format(stream="hls"),
        url=f"{fake_server.url}/{{room}}/",
        check="yes",
    )

    assert (status, "hall: hls; 0 clients" in output) == (0, True), output


class TestSessions:
    """MediaMTX and SRS add the id of a new session to the URLs in each response."""

    @pytest.fixture
    def session_server(self, fake_server):
        """Serve a playlist that advances each second while ``is_running``."""
        sessions = itertools.count()
        begin = time.monotonic()
        fake_server.is_running = True

        def respond(request):
            path, _, query = request.path.partition("?")
            if path == "/hall/stream.m3u8":
                url = f"media.m3u8?session={next(sessions)}"
                return 200, {}, f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n".encode()
            if path == "/hall/media.m3u8":
                number = int(time.monotonic() - begin) if fake_server.is_running else 0
                text = playlist(number).decode().replace(".ts\n", f".ts?{query}\n")
                return 200, {}, text.encode()
            return 200, {}, b"G" * 188

        fake_server.responses["*"] = respond
        return fake_server

    def test_stream_is_registered(self, once, served, session_server):
        status, output = once(
            trackers=[served.url],
            token=f"token = {served.token('crew', '')}",
            sources=STATIC.format(stream="hls"),
            url=f"{session_server.url}/{{room}}/",
            check="yes",
        )

        assert (status, "hall: hls; 0 clients" in output) == (0, True), output

    def test_stalled_stream_is_stuck(self, session_server):
        session_server.is_running = False
        url = f"{session_server.url}/hall/stream.m3u8"
        progress = HlsProgress(url, stall_timeout=lambda target: 0.0, max_segment_bytes=1000)

        assert progress.advance(10) is False
        with pytest.raises(FetchError, match="the playlist is stuck for"):
            progress.advance(10)


def test_a_stream_that_the_status_page_misses_stays_registered(
    start, served, fake_server, hls_server
):
    # With several nginx workers, each page lists only the streams of one worker.
    empty = b"<rtmp><server><application><name>live</name><live/></application></server></rtmp>"
    fake_server.responses["/stat"] = (200, {}, empty)
    source = (
        f"[source:nginx]\nuse = nginx_rtmp\nurl = {fake_server.url}/stat\n"
        "streams =\n    live/hall = hall hls\n"
    )

    running = start(sources=source)

    wait_until(lambda: "edge1" in served.endpoints(), 20, "the endpoint is registered")
    fake_server.responses["/stat"] = (500, {}, b"")
    wait_until(lambda: running.healthz()[0] == 503, 10, "the status page fails")
    time.sleep(4)
    assert "edge1" in served.endpoints()


def test_each_source_may_have_its_own_url_and_playlist(start, served, fake_server, hls_server):
    fake_server.responses["/other/hall/index.m3u8"] = (302, {"Location": "/hall/stream.m3u8"}, b"")
    sources = STATIC.format(stream="hls") + (
        "[source:nginx]\nuse = static\n"
        f"streams.url = {fake_server.url}/other/{{room}}/\nhls.playlist = index.m3u8\n"
        "streams =\n    hall = hall hls\n"
    )

    start(sources=sources)

    endpoints = wait_until(
        lambda: len(served.endpoints()) == 2 and served.endpoints(), 20, "both endpoints"
    )
    assert {name: endpoint["url"] for name, endpoint in endpoints.items()} == {
        "edge1": f"{fake_server.url}/hall/",
        "edge1-nginx": f"{fake_server.url}/other/hall/",
    }


def test_a_file_is_checked_and_reported_where_players_find_it(
    start, served, fake_server, hls_server
):
    fake_server.responses["/hall/live/index.m3u8"] = (302, {"Location": "/hall/stream.m3u8"}, b"")
    source = "[source:a]\nuse = static\nstreams =\n    hall = hall hls file=live/index.m3u8\n"

    start(sources=source)

    endpoint = wait_until(lambda: served.endpoints().get("edge1"), 20, "it is registered")
    assert endpoint["files"] == {"hls": "live/index.m3u8"}
    [offer] = served.get("/hall/streams.json")["endpoints"]
    assert offer["url"] + offer["files"]["hls"] == f"{fake_server.url}/hall/live/index.m3u8"


def test_a_missing_file_is_named(once, served, fake_server, hls_server):
    status, output = once(
        trackers=[served.url],
        token=f"token = {served.token('crew', '')}",
        sources="[source:a]\nuse = static\nstreams =\n    hall = hall hls file=gone.m3u8\n",
        url=f"{fake_server.url}/{{room}}/",
        check="yes",
    )

    assert status == 1
    assert f"{fake_server.url}/hall/gone.m3u8: the playlist responds with status 404" in output


class TestIcecast:
    SOURCE = (
        "[source:icecast]\nuse = icecast\nurl = {url}\n"
        "streams =\n    /hall/webcast-high.webm = hall webm_high\n"
    )

    @pytest.fixture
    def running(self, icecast, served, agent):
        return agent(
            trackers=[served.url],
            token=f"token = {served.token('crew', '')}",
            sources=self.SOURCE.format(url=icecast.url),
            url=f"{icecast.url}/{{room}}/",
            check="yes",
        )

    def test_a_frozen_publisher_is_deregistered_and_returns(
        self, icecast, served, running, encoders
    ):
        encoder = encoders(icecast.encode("/hall/webcast-high.webm"))
        endpoint = wait_until(lambda: served.endpoints().get("edge1"), 40, "it is registered")
        # The connection of the check is no viewer.
        assert endpoint["clients"] == 0

        os.killpg(encoder.process.pid, signal.SIGSTOP)
        try:
            wait_until(
                lambda: served.endpoints() == {}, STALL_SECONDS + SLACK_SECONDS, "it is gone"
            )
            assert "/hall/webcast-high.webm: " in running.healthz()[1]
        finally:
            os.killpg(encoder.process.pid, signal.SIGCONT)
            encoder.kill()
        encoders(icecast.encode("/hall/webcast-high.webm"))
        wait_until(lambda: "edge1" in served.endpoints(), 20 + SLACK_SECONDS, "it is back")

    def test_any_mount_below_the_base_url_plays(self, icecast, served, agent, encoders):
        agent(
            trackers=[served.url],
            token=f"token = {served.token('crew', '')}",
            sources="[source:icecast]\nuse = icecast\n"
            f"url = {icecast.url}\nstreams =\n    /hall.webm = hall webm_high\n",
            url=f"{icecast.url}/",
            check="yes",
        )
        encoders(icecast.encode("/hall.webm"))

        wait_until(lambda: "edge1" in served.endpoints(), 40, "it is registered")

        [offer] = served.get("/hall/streams.json")["endpoints"]
        assert offer["files"] == {"webm_high": "hall.webm"}
        with urllib.request.urlopen(offer["url"] + offer["files"]["webm_high"], timeout=10) as body:
            # The signature of Matroska.
            assert body.read(4) == b"\x1aE\xdf\xa3"

    def test_a_wrong_mount_is_named(self, icecast, served, running, encoders):
        encoders(icecast.encode("/hall.webm"))

        wait_until(
            lambda: "webcast-high.webm: responds with status 404" in running.healthz()[1],
            20,
            "the mount is named",
        )
        assert served.endpoints() == {}


def test_a_server_that_never_responds_is_named(start, served, fake_server):
    @raw_handler
    def hang(handler):
        fake_server.stopped.wait(60)

    fake_server.responses["/hall/stream.m3u8"] = hang

    running = start()

    wait_until(lambda: "stream.m3u8: the playlist " in running.healthz()[1], 20, "it is named")
    assert served.endpoints() == {}


def test_a_server_that_drips_its_headers_is_named(start, served, fake_server):
    @raw_handler
    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not fake_server.stopped.wait(0.5):
            handler.wfile.write(b"X: y\r\n")
            handler.wfile.flush()

    fake_server.responses["/hall/webcast-high.webm"] = drip

    running = start("webm_high")

    wait_until(lambda: "webm: takes more than 8 s" in running.healthz()[1], 25, "it is named")
    assert served.endpoints() == {}


def test_an_unreachable_address_is_named(served, once):
    status, output = once(
        trackers=[served.url],
        token=f"token = {served.token('crew', '')}",
        sources=STATIC.format(stream="hls"),
        url="https://127.0.0.1:9/{room}/",
        check="yes",
    )

    assert status == 1
    assert "https://127.0.0.1:9/hall/stream.m3u8: the playlist cannot be reached" in output
