"""Faults of a stream: how soon its server gets no viewers, and again, and what the crew reads."""

import os
import re
import signal
import ssl
import subprocess
import threading
import time

import pytest
from functional.agent.conftest import (  # noqa: F401 - They are fixtures.
    agent,
    encoders,
    fake_server,
    icecast,
    served,
    tracker_process,
    wait_until,
)
from functional.agent.fake_server import FakeServer, raw_handler
from functional.agent.servers import NginxRtmp
from functional.agent.test_liveness import HlsServer
from programs import require

# The limits of docs/explanation/agent.md, and more on a slow machine.
GONE_SECONDS, BACK_SECONDS, SLACK_SECONDS = 15, 10, 15
# So long must a server stay that a fault does not concern.
STAY_SECONDS = 20
PLAYLIST = "/hall/stream.m3u8"
STAT = """<rtmp><server><application><name>live</name><live><stream><name>hall</name>
<nclients>1</nclients><publishing/></stream></live></application></server></rtmp>"""
STATIC = "[source:cdn]\nuse = static\nstreams =\n    hall = hall hls\n"
ICECAST_SOURCE = (
    "[source:icecast]\nuse = icecast\nurl = {url}\npassword = secret\n"
    "streams =\n    /hall.webm = hall webm_high\n"
)
NGINX_SOURCE = (
    "[source:nginx]\nuse = nginx_rtmp\nurl = {url}/stat\nhls.playlist = {{room}}.m3u8\n"
    "streams =\n    live/hall = hall hls\n"
)


class Stream:
    """A stream that an agent registers."""

    def __init__(self, tracker, running, record_result):
        self._tracker, self._running = tracker, running
        self._record_result = record_result

    def is_registered(self):
        return "edge1" in self._tracker.endpoints()

    def measure(self, fault, inject, repair, problem):
        """Inject a fault, wait until its effect is seen, repair it, and wait for its end."""
        wait_until(self.is_registered, 60, "the stream is registered")
        since = time.monotonic()
        inject()
        wait_until(
            lambda: not self.is_registered(), GONE_SECONDS + SLACK_SECONDS, "it is deregistered"
        )
        gone = time.monotonic() - since
        message = wait_until(lambda: self._message(problem), 10, f"{problem} is reported")
        since = time.monotonic()
        repair()
        wait_until(self.is_registered, BACK_SECONDS + SLACK_SECONDS, "it is back")
        back = time.monotonic() - since
        wait_until(lambda: self._running.healthz()[0] == 200, 10, "no problem is left")
        self._record_result(fault, gone=round(gone, 1), back=round(back, 1), message=message)

    def measure_harmless(self, fault, inject, problem=""):
        """Inject a fault that takes no viewer away."""
        wait_until(self.is_registered, 60, "the stream is registered")
        inject()
        message = problem and wait_until(lambda: self._message(problem), 20, "it is reported")
        deadline = time.monotonic() + STAY_SECONDS
        while time.monotonic() < deadline:
            assert self.is_registered()
            time.sleep(0.5)
        self._record_result(fault, stays=True, message=message)

    def _message(self, problem):
        """Return the problem for people, without the names and addresses of this machine."""
        for line in self._running.healthz()[1].splitlines():
            if problem in line:
                return re.sub(r"^[^:]+: (?:\S+://\S+: )?", "", line)
        return ""


@pytest.fixture
def start(served, agent, record_result):  # noqa: F811
    """Return a function that starts an agent for a stream."""

    def start(sources, url):
        token = f"token = {served.token('crew', '')}"
        running = agent(trackers=[served.url], token=token, sources=sources, url=url, check="yes")
        return Stream(served, running, record_result)

    return start


class TestIcecast:
    @pytest.fixture
    def stream(self, start, icecast):  # noqa: F811
        return start(ICECAST_SOURCE.format(url=icecast.url), f"{icecast.url}/")

    def test_frozen_publisher(self, stream, icecast, encoders):  # noqa: F811
        publisher = encoders(icecast.encode("/hall.webm"))

        def replace():
            publisher.kill()
            encoders(icecast.encode("/hall.webm"))

        stream.measure(
            "Publisher frozen (SIGSTOP), then replaced",
            lambda: os.killpg(publisher.process.pid, signal.SIGSTOP),
            replace,
            "hall.webm",
        )

    def test_killed_publisher(self, stream, icecast, encoders):  # noqa: F811
        publisher = encoders(icecast.encode("/hall.webm"))

        stream.measure(
            "Publisher killed, then started",
            publisher.kill,
            lambda: encoders(icecast.encode("/hall.webm")),
            "responds with status 404",
        )

    def test_killed_server(self, stream, icecast, encoders):  # noqa: F811
        encoders(icecast.encode("/hall.webm"))

        def restart():
            icecast.start()
            encoders(icecast.encode("/hall.webm"))

        stream.measure(
            "Streaming server killed, then started with its publisher",
            icecast.program.kill,
            restart,
            "cannot be reached: connection refused",
        )

    def test_wrong_mount(self, stream, icecast, encoders):  # noqa: F811
        publishers = [encoders(icecast.encode("/hall.webm"))]

        def publish_to(mount):
            publishers.pop().kill()
            publishers.append(encoders(icecast.encode(mount)))

        stream.measure(
            "Publisher uses another mount, then the right one",
            lambda: publish_to("/hal.webm"),
            lambda: publish_to("/hall.webm"),
            "responds with status 404",
        )


class TestNginx:
    @pytest.fixture
    def nginx(self, tmp_path):
        require("nginx", "ngx_rtmp_module", "ffmpeg")
        server = NginxRtmp(tmp_path / "nginx")
        yield server
        server.program.stop()

    @pytest.fixture
    def stream(self, start, nginx, encoders):  # noqa: F811
        encoders(nginx.encode("hall"))
        return start(NGINX_SOURCE.format(url=nginx.url), f"{nginx.url}/hls/")

    def test_reload(self, stream, nginx):
        stream.measure_harmless(
            "Streaming server reloaded (nginx)",
            lambda: nginx.program.process.send_signal(signal.SIGHUP),
        )

    def test_full_disk(self, start, nginx, encoders):  # noqa: F811
        disk = nginx.folder / "hls"
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
        if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode:
            pytest.skip("not root, who may mount a small file system")
        try:
            encoders(nginx.encode("hall"))
            stream = start(NGINX_SOURCE.format(url=nginx.url), f"{nginx.url}/hls/")
            rest = disk / "rest"
            stream.measure(
                "Disk full for HLS segments", lambda: _fill(rest), rest.unlink, ".m3u8: "
            )
        finally:
            nginx.program.stop()
            subprocess.run(["umount", "-l", str(disk)], check=True)


def _fill(file):
    """Write to a file until the disk is full, and while its old files are deleted."""

    def write():
        with file.open("ab", buffering=0) as output:
            while file.exists():
                try:
                    output.write(bytes(4096))
                except OSError:
                    time.sleep(0.05)

    file.touch()
    threading.Thread(target=write, daemon=True).start()


class FaultyHlsServer(HlsServer):
    """Publishes playlists, or the response of a fault."""

    fault = None
    has_segments = True

    def _publish(self):
        if self.fault is not None:
            self._server.responses[PLAYLIST] = self.fault
            return
        super()._publish()
        if not self.has_segments:
            for path in [path for path in self._server.responses if path.endswith(".ts")]:
                del self._server.responses[path]


@raw_handler
def drip(handler):
    """Send a header line each half second."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for _ in range(40):
        time.sleep(0.5)
        handler.wfile.write(b"X: y\r\n")
        handler.wfile.flush()


class TestHls:
    @pytest.fixture
    def hls(self, fake_server):  # noqa: F811
        server = FaultyHlsServer(fake_server)
        yield server
        server.close()

    @pytest.fixture
    def stream(self, start, fake_server, hls):  # noqa: F811
        return start(STATIC, f"{fake_server.url}/{{room}}/")

    @pytest.mark.parametrize(
        ("fault", "changes", "problem"),
        [
            (
                "Playlist at another path",
                {"fault": (404, {}, b"")},
                "the playlist responds with status 404",
            ),
            (
                "Segments missing (404)",
                {"has_segments": False},
                "the last segment responds with status 404",
            ),
            ("Playlist empty", {"fault": (200, {}, b"#EXTM3U\n")}, "the playlist is empty"),
            ("Playlist stalled", {"is_running": False}, "the playlist is stuck"),
            (
                "Server sends its headers byte by byte",
                {"fault": drip},
                "the playlist takes more than 5 s",
            ),
        ],
    )
    def test_faulty_response(self, stream, hls, fault, changes, problem):
        normal = {name: getattr(hls, name) for name in changes}

        def apply(values):
            for name, value in values.items():
                setattr(hls, name, value)

        stream.measure(fault, lambda: apply(changes), lambda: apply(normal), problem)

    def test_page_instead_of_stats(self, start, fake_server, hls):  # noqa: F811
        fake_server.responses["/stat"] = (200, {}, STAT.encode())
        source = (
            f"[source:nginx]\nuse = nginx_rtmp\nurl = {fake_server.url}/stat\n"
            "streams =\n    live/hall = hall hls\n"
        )
        stream = start(source, f"{fake_server.url}/{{room}}/")
        page = (200, {}, b"<!DOCTYPE html><html>Log in</html>")

        stream.measure_harmless(
            "HTML page instead of the server's stats",
            lambda: fake_server.responses.update({"/stat": page}),
            "the response is XML with a DOCTYPE, or HTML",
        )


def test_invalid_certificate(start, tmp_path, monkeypatch):
    require("openssl")
    trusted, other = (_make_certificate(tmp_path / f"{name}.pem") for name in ("trusted", "other"))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    with FakeServer(certificate=trusted) as server:
        respond = server.respond

        def respond_once(handler):
            respond(handler)
            # The certificate is verified when a connection begins.
            handler.close_connection = True

        server.respond = respond_once
        hls = HlsServer(server)
        stream = start(STATIC, f"{server.url}/{{room}}/")
        context: ssl.SSLContext = server.socket.context
        try:
            stream.measure(
                "Certificate invalid, then replaced",
                lambda: context.load_cert_chain(other),
                lambda: context.load_cert_chain(trusted),
                "has an invalid certificate",
            )
        finally:
            hls.close()


def _make_certificate(file):
    """Write a certificate for this machine, and its key."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(file), "-out", f"{file}.crt"),
        ],
        check=True,
        capture_output=True,
    )
    with file.open("a") as both:
        both.write(file.with_name(f"{file.name}.crt").read_text())
    return file
