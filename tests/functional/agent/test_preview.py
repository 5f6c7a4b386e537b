"""Thumbnails of real streams, taken by the command `preview`."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from programs import find, require

from ..pages import streams_document
from .conftest import json_response, wait_until
from .fake_server import FakeServer, endless_response, raw_handler
from .running import RunningAgent
from .servers import Program, free_port

# The id of a cluster in WebM.
CLUSTER_ID = b"\x1f\x43\xb6\x75"
FFMPEG = find("ffmpeg")
THUMBNAIL_SIZES = {"": (480, 270), "-large": (1280, 720)}


class RunningPreview(RunningAgent):
    """`streaming-system agent preview`, with its own agent.ini."""

    def __init__(self, folder, **keys):
        port, self.pictures = free_port(), folder / "previews"
        lines = [f"{key} = {value}\n" for key, value in {"interval": 2, **keys}.items()]
        super().__init__(
            folder,
            command="preview",
            status_port=port,
            trackers=["http://127.0.0.1:9"],
            token="",
            sources=f"[preview]\nfolder = previews\nstatus = 127.0.0.1:{port}\n{''.join(lines)}",
        )

    def successes(self, room):
        return self.metric("previews_total").get(f'{{result="taken",room="{room}"}}', 0)

    def failures(self, room):
        return self.metric("previews_total").get(f'{{result="failed",room="{room}"}}', 0)

    def file_names(self):
        return {path.name for path in self.pictures.glob("[!.]*")}

    def children(self):
        """Return the PIDs of its child processes."""
        ps = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return [int(pid) for pid in ps.stdout.split()]


@pytest.fixture(autouse=True)
def _require_ffmpeg():
    require("ffmpeg")


def use_ffmpeg_without(monkeypatch, folder, *encoders):
    """Let programs find an ffmpeg that was built without some libraries."""
    folder.mkdir(exist_ok=True)
    patterns = "|".join(f"*{encoder}*" for encoder in encoders)
    (folder / "ffmpeg").write_text(
        f'#!/bin/sh\ncase "$*" in {patterns}) echo Unknown encoder >&2; exit 1;; esac\n'
        f'exec {FFMPEG} "$@"\n'
    )
    (folder / "ffmpeg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


@pytest.fixture
def avif():
    """Ask for AVIF, which takes most of the processor time of a thumbnail."""


@pytest.fixture
def preview(request, tmp_path, monkeypatch):
    """Return a function that starts a thumbnail service."""
    if "avif" not in request.fixturenames:
        use_ffmpeg_without(monkeypatch, tmp_path / "bin", "av1")
    started = []

    def preview(folder="agent", **keys):
        if isinstance(keys.get("rooms"), dict):
            lines = (f"\n    {room} = {url}" for room, url in keys["rooms"].items())
            keys["rooms"] = "".join(lines)
        started.append(RunningPreview(tmp_path / folder, **keys))
        return started[-1]

    yield preview
    for one in started:
        one.stop()


def encode(folder, *options):
    """Run ffmpeg in a folder; return responses with the files."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *options], cwd=folder, check=True)
    return {f"/{path.name}": (200, {}, path.read_bytes()) for path in folder.iterdir()}


@pytest.fixture(scope="session")
def hls(tmp_path_factory):
    """An HLS stream: red, with an aspect ratio of 4:3."""
    require("ffmpeg")
    return encode(
        tmp_path_factory.mktemp("hls"), "-f", "lavfi", "-i", "color=red:size=320x240:rate=10",
        "-t", "4", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p",
        "-hls_time", "1", "-hls_list_size", "0", "stream.m3u8",
    )  # fmt: skip


@pytest.fixture(scope="session")
def webm(tmp_path_factory):
    """A WebM file: blue, with audio."""
    require("ffmpeg")
    return encode(
        tmp_path_factory.mktemp("webm"), "-f", "lavfi", "-i", "color=blue:size=320x180:rate=10",
        "-f", "lavfi", "-i", "sine", "-t", "2", "-c:v", "libvpx", "-c:a", "libopus", "hall.webm",
    )  # fmt: skip


def size(picture):
    """Return width and height of an image."""
    ffprobe = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
         "stream=width,height", "-of", "csv=p=0", picture],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return tuple(map(int, ffprobe.stdout.strip().strip(",").split(",")))


def colour(picture, x, y):
    """Return the dominant colour of a pixel: red, green or blue; black is ""."""
    width, _ = size(picture)
    ffmpeg = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", picture, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    offset = (y * width + x) * 3
    pixel = ffmpeg.stdout[offset : offset + 3]
    return "" if max(pixel) < 40 else ("red", "green", "blue")[pixel.index(max(pixel))]


class TestThumbnails:
    def test_hls_has_thumbnails_in_two_sizes_and_three_formats(
        self, avif, preview, fake_server, hls
    ):
        fake_server.responses |= hls

        running = preview(rooms={"hall": f"{fake_server.url}/stream.m3u8"})

        wait_until(lambda: running.successes("hall"), 60, "a picture")
        expected_names = {
            f"hall{size}.{end}" for size in THUMBNAIL_SIZES for end in ("jpg", "webp", "avif")
        }
        assert running.file_names() == expected_names
        for suffix, expected in THUMBNAIL_SIZES.items():
            for end in ("jpg", "webp", "avif"):
                assert size(running.pictures / f"hall{suffix}.{end}") == expected
        # 4:3 is centred in 16:9, with black bars on both sides.
        picture = running.pictures / "hall-large.jpg"
        assert [colour(picture, x, 360) for x in (40, 640, 1240)] == ["", "red", ""]
        assert running.healthz() == (200, "ok\n")
        # Agents do not count this user agent as a viewer.
        assert {request.headers["User-Agent"] for request in fake_server.requests} == {
            "streaming-system (agent) preview"
        }

    def test_webm_thumbnail_is_renewed(self, preview, fake_server, webm):
        fake_server.responses |= webm
        running = preview(rooms={"hall": f"{fake_server.url}/hall.webm"})
        wait_until(lambda: running.successes("hall"), 60, "a picture")
        picture = running.pictures / "hall.jpg"
        before = picture.stat()

        wait_until(lambda: running.successes("hall") >= 2, 60, "a second picture")

        assert picture.stat().st_ino != before.st_ino
        assert picture.stat().st_mode & 0o777 == 0o640
        assert colour(picture, 240, 135) == "blue"

    def test_stream_that_starts_between_two_key_frames_has_a_thumbnail(
        self, preview, fake_server, tmp_path
    ):
        # As with Icecast in the middle of a stream: the first second cannot be decoded.
        files = encode(
            tmp_path / "webm", "-f", "lavfi", "-i", "color=blue:size=320x180:rate=10", "-t", "2",
            "-c:v", "libvpx", "-g", "10", "-cluster_time_limit", "500", "hall.webm",
        )  # fmt: skip
        head, *clusters = files["/hall.webm"][2].split(CLUSTER_ID)
        assert len(clusters) > 2
        fake_server.responses["/hall.webm"] = (
            200,
            {},
            head + CLUSTER_ID + CLUSTER_ID.join(clusters[1:]),
        )

        running = preview(rooms={"hall": f"{fake_server.url}/hall.webm"})

        wait_until(lambda: running.successes("hall") + running.failures("hall"), 60, "an attempt")
        assert running.successes("hall"), running.output
        assert colour(running.pictures / "hall.jpg", 240, 135) == "blue"

    def test_icecast_stream_has_a_thumbnail(self, preview, icecast, encoders):
        encoders(icecast.encode("/hall.webm"))

        running = preview(rooms={"hall": f"{icecast.url}/hall.webm"})

        wait_until(lambda: running.successes("hall"), 60, "a picture")
        assert size(running.pictures / "hall.jpg") == (480, 270)

    def test_thumbnail_is_replaced_atomically(self, preview, fake_server, hls):
        fake_server.responses |= hls
        running = preview(rooms={"hall": f"{fake_server.url}/stream.m3u8"})
        wait_until(lambda: running.successes("hall"), 60, "a picture")
        pictures = [running.pictures / f"hall{which}.jpg" for which in THUMBNAIL_SIZES]
        edges, stop = set(), threading.Event()

        def read_pictures():
            while not stop.is_set():
                for picture in pictures:
                    data = picture.read_bytes()
                    edges.add((data[:2], data[-2:]))

        reader = threading.Thread(target=read_pictures)
        reader.start()
        try:
            wait_until(lambda: running.successes("hall") >= 4, 60, "three more pictures")
        finally:
            stop.set()
            reader.join()

        assert edges == {(b"\xff\xd8", b"\xff\xd9")}

    def test_unsupported_format_is_skipped(self, preview, fake_server, hls, tmp_path, monkeypatch):
        use_ffmpeg_without(monkeypatch, tmp_path / "bin", "av1", "libwebp")
        fake_server.responses |= hls

        running = preview(rooms={"hall": f"{fake_server.url}/stream.m3u8"})

        wait_until(lambda: running.successes("hall"), 60, "a picture")
        assert running.file_names() == {"hall.jpg", "hall-large.jpg"}
        assert running.output.count("this ffmpeg cannot write") == 2
        assert "this ffmpeg cannot write AVIF; it is skipped" in running.output

    def test_missing_ffmpeg_is_reported_in_one_line(self, preview, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path / "empty"))

        running = preview(rooms={"hall": "http://127.0.0.1:9/x"})

        assert running.process.wait(60) == 1
        assert running.output == (
            "Error: agent.ini: [preview]: needs ffmpeg, which is not installed\n"
        )


class TestOfflineStreams:
    def test_hanging_server_does_not_delay_other_rooms_and_leaves_no_process(
        self, preview, fake_server, hls
    ):
        @raw_handler
        def hang(handler):
            fake_server.stopped.wait(60)

        fake_server.responses |= {**hls, "/hangs.m3u8": hang}
        rooms = {"lab": f"{fake_server.url}/hangs.m3u8", "hall": f"{fake_server.url}/stream.m3u8"}

        running = preview(rooms=rooms, timeout=1.5, **{"at.once": 2})

        wait_until(lambda: running.failures("lab") >= 2, 60, "two runs")
        assert running.successes("hall") >= 1
        status, message = running.healthz()
        assert (status, message.partition(":")[0]) == (503, "lab")
        # Runs for the same room do not overlap.
        assert len(running.children()) <= 2
        assert running.terminate() < 2
        assert _processes_in(running.pictures) == []

    def test_undecodable_stream_has_a_no_signal_picture(self, preview, fake_server, tmp_path):
        contents = {
            "html": (200, {"Content-Type": "text/html"}, b"<html><h1>Log in</h1></html>"),
            "noise": (200, {"Content-Type": "video/webm"}, os.urandom(300_000)),
            "endless": endless_response(fake_server.stopped, b"\0" * 65536, 0.01),
            "sound": _encode_audio(tmp_path),
            "playlist": (
                200,
                {},
                b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
            ),
        }
        fake_server.responses |= {f"/{name}": content for name, content in contents.items()}

        running = preview(rooms={name: f"{fake_server.url}/{name}" for name in contents}, timeout=3)

        for room in contents:
            picture = running.pictures / f"{room}.jpg"
            wait_until(picture.exists, 60, f"a picture without signal of {room}")
            assert size(running.pictures / f"{room}-large.webp") == (1280, 720)
            # The date is old, so that the site shows the name of the room instead.
            assert time.time() - picture.stat().st_mtime > 600
            assert running.output.count(f"WARNING: preview of {room}") == 1
        wait_until(lambda: running.healthz()[0] == 503, 10, "the problem is reported")
        assert fake_server.url not in running.healthz()[1]

    @pytest.mark.parametrize("jump", [0, 3600])
    def test_last_picture_stays_for_a_while_when_a_stream_ends(
        self, preview, fake_server, hls, jump
    ):
        fake_server.responses |= hls
        running = preview(rooms={"hall": f"{fake_server.url}/stream.m3u8"})
        wait_until(lambda: running.successes("hall"), 60, "a picture")

        fake_server.responses.clear()
        fake_server.responses["*"] = (404, {}, b"")
        wait_until(lambda: running.failures("hall"), 60, "a failure")
        # After a jump of the clock, pictures look old.
        then = time.time() - jump
        os.utime(running.pictures / "hall.jpg", (then, then))
        picture = (running.pictures / "hall.jpg").stat()
        wait_until(lambda: running.failures("hall") >= 3, 60, "more failures")

        assert (running.pictures / "hall.jpg").stat().st_ino == picture.st_ino
        assert colour(running.pictures / "hall.jpg", 240, 135) == "red"


def forwarding(url):
    return (302, {"Location": url}, b"")


def master_playlist(url):
    return (200, {}, f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}\n".encode())


def playlist(url):
    return (
        200,
        {},
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}.ts\n#EXT-X-ENDLIST\n".encode(),
    )


def keyed_playlist(url):
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n'
    return (
        200,
        {},
        f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{key}#EXTINF:1,\n{url}.ts\n#EXT-X-ENDLIST\n".encode(),
    )


class TestAddresses:
    """Another server of this machine must get no request."""

    @pytest.fixture
    def internal(self):
        with FakeServer() as server:
            server.responses["*"] = (200, {}, b"internal")
            yield server

    def test_stream_of_an_endpoint_on_this_machine_needs_a_setting(
        self, preview, fake_server, internal
    ):
        port = internal.url.rpartition(":")[2]
        hosts = ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]", "2130706433", "0"]
        urls = [f"http://{host}:{port}/" for host in hosts] + [f"https://127.0.0.1:{port}/"]
        document = {
            "rooms": {
                f"hall{number}": {"endpoints": [{"url": url, "formats": ["hls"]}]}
                for number, url in enumerate(urls)
            }
        }
        fake_server.responses["/tracker/streams.json"] = json_response(document)

        running = preview(**{"from": f"{fake_server.url}/tracker"})

        for room in document["rooms"]:
            wait_until(lambda room=room: running.failures(room), 60, f"a failure of {room}")
        assert running.healthz()[1].count("name its address in networks of [preview]") == len(urls)
        assert internal.requests == []

    def test_stream_that_refers_to_another_server_needs_a_setting(self, preview, fake_server):
        references = [forwarding, master_playlist, playlist, keyed_playlist]
        with FakeServer("127.0.0.2") as elsewhere:
            elsewhere.responses["*"] = (200, {}, b"internal")
            rooms = {}
            for reference in references:
                name = reference.__name__
                fake_server.responses[f"/{name}.m3u8"] = reference(f"{elsewhere.url}/x")
                rooms[name] = f"{fake_server.url}/{name}.m3u8"

            running = preview(rooms=rooms)

            for room in rooms:
                wait_until(lambda room=room: running.failures(room), 60, f"a failure of {room}")
            assert running.healthz()[1].count("127.0.0.2 is not admitted") == len(rooms)
            assert elsewhere.requests == []

    def test_setting_admits_another_server(self, preview, fake_server, hls):
        with FakeServer("127.0.0.2") as elsewhere:
            elsewhere.responses |= hls
            fake_server.responses["/x"] = forwarding(f"{elsewhere.url}/stream.m3u8")

            running = preview(rooms={"hall": f"{fake_server.url}/x"}, networks="127.0.0.2/32")

            wait_until(lambda: running.successes("hall"), 60, "a picture")

    def test_stream_over_https_has_a_thumbnail(self, preview, hls, tmp_path):
        certificate = create_certificate(tmp_path)
        with FakeServer(certificate=certificate) as server:
            server.responses |= hls

            running = preview(rooms={"hall": f"{server.url}/stream.m3u8"})

            wait_until(lambda: running.successes("hall"), 60, "a picture")


class TestManyRooms:
    def test_number_of_parallel_runs_is_limited(self, preview, fake_server):
        requests, max_requests, lock = 0, 0, threading.Lock()

        @raw_handler
        def slow(handler):
            nonlocal requests, max_requests
            with lock:
                requests += 1
                max_requests = max(max_requests, requests)
            # The client disconnects after its timeout.
            handler.rfile.read(1)
            with lock:
                requests -= 1

        fake_server.responses["*"] = slow
        rooms = {f"room{n}": f"{fake_server.url}/{n}.webm" for n in range(7)}

        running = preview(rooms=rooms, timeout=1, **{"at.once": 3})

        child_counts = set()

        def all_failed():
            child_counts.add(len(running.children()))
            return all(running.failures(room) for room in rooms)

        wait_until(all_failed, 60, "a run for every room")
        assert max_requests == 3
        assert max(child_counts) <= 3

    def test_rooms_follow_the_tracker_and_only_own_pictures_are_removed(
        self, preview, fake_server, hls, tmp_path
    ):
        def live(*rooms):
            endpoints = [{"url": fake_server.url, "formats": ["hls"]}]
            return json_response({"rooms": {room: {"endpoints": endpoints} for room in rooms}})

        fake_server.responses |= {**hls, "/tracker/streams.json": live("hall", "lab")}
        running = preview(**{"from": f"{fake_server.url}/tracker", "networks": "127.0.0.1"})
        wait_until(lambda: running.successes("hall") and running.successes("lab"), 60, "two rooms")
        (running.pictures / "garden.jpg").write_bytes(b"of another program")

        fake_server.responses["/tracker/streams.json"] = (500, {}, b"")
        wait_until(lambda: "500" in running.healthz()[1], 60, "the error is reported")
        assert "lab.jpg" in running.file_names()
        fake_server.responses["/tracker/streams.json"] = live("hall")

        def rooms_with_pictures():
            return {name.partition(".")[0].removesuffix("-large") for name in running.file_names()}

        wait_until(
            lambda: rooms_with_pictures() == {"hall", "garden"},
            60,
            "only the pictures of the lab are removed",
        )

    def test_old_pictures_are_removed_after_a_restart(self, preview, fake_server, hls):
        fake_server.responses |= hls
        url = f"{fake_server.url}/stream.m3u8"
        first = preview(rooms={"hall": url, "lab": url})
        wait_until(lambda: first.successes("hall") and first.successes("lab"), 60, "two rooms")
        assert first.terminate() < 2
        ini = first.pictures.parent / "agent.ini"
        ini.write_text(ini.read_text().replace(f"\n    lab = {url}", ""))

        program = Path(sys.executable).with_name("streaming-system")
        second = Program(program, "agent", "preview", "-c", ini, folder=ini.parent, name="second")
        try:
            wait_until(
                lambda: "lab.jpg" not in first.file_names(),
                60,
                "the pictures of the lab are removed",
            )
        finally:
            second.stop()
        assert "hall.jpg" in first.file_names()


def test_service_stops_within_two_seconds(preview, fake_server):
    @raw_handler
    def hang(handler):
        fake_server.stopped.wait(60)

    fake_server.responses["*"] = hang
    running = preview(
        rooms={"hall": f"{fake_server.url}/x"}, timeout=30, **{"from": f"{fake_server.url}/tracker"}
    )
    wait_until(running.children, 60, "a run")
    children = running.children()

    assert running.terminate() < 2

    assert running.process.returncode == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert "Traceback" not in running.output


def _encode_audio(folder):
    return encode(folder / "sound", "-f", "lavfi", "-i", "sine", "-t", "2", "x.ogg")["/x.ogg"]


def create_certificate(folder):
    """Create a self-signed certificate; return a file with it and its key."""
    pem = folder / "server.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj",
         "/CN=localhost", "-keyout", pem, "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    pem.write_bytes(pem.read_bytes() + (folder / "certificate.pem").read_bytes())
    return pem


def _processes_in(folder):
    """Return the processes with a working directory in a folder."""
    pids = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            cwd = (process / "cwd").readlink()
        except OSError:
            continue
        if cwd.is_relative_to(folder):
            pids.append(process.name)
    return pids


def test_site_shows_thumbnails_and_a_pattern_without_one(
    avif, preview, fake_server, hls, make_site, stub_tracker
):
    fake_server.responses |= hls
    running = preview(
        rooms={"hall": f"{fake_server.url}/stream.m3u8", "lab": f"{fake_server.url}/none.m3u8"}
    )
    wait_until(
        lambda: running.successes("hall") and "lab.jpg" in running.file_names(), 60, "both rooms"
    )
    stub_tracker.document = streams_document(hall=["hls"], lab=["hls"])
    site = make_site(
        **{"preview.folder": str(running.pictures), "tracker.internal_url": stub_tracker.url}
    )

    page = site.get("/").html
    picture = page.select_one("[data-room=hall] picture")

    assert [s["srcset"] for s in picture.select("source")] == [
        "/preview/hall-large.avif",
        "/preview/hall-large.webp",
    ]
    response = site.get(picture.img["src"])
    assert response.body == (running.pictures / "hall-large.jpg").read_bytes()
    assert page.select_one("[data-room=lab] .pattern").text == "Not yet started in lab"
    assert site.get("/hall").html.video["poster"] == "/preview/hall-large.jpg"
