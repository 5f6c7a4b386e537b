"""Pictures of real streams, made by the program as an operator runs it."""

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
from .running import RunningAgent
from .servers import Program, free_port
from .standin import endless_response, raw_handler

# What each part of a WebM begins with.
CLUSTER = b"\x1f\x43\xb6\x75"
SIZES = {"": (480, 270), "-large": (1280, 720)}


class RunningPreview(RunningAgent):
    """`streaming-system agent preview`, with an agent.ini of its own."""

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

    def taken(self, room):
        return self.metric("previews_total").get(f'{{result="taken",room="{room}"}}', 0)

    def failed(self, room):
        return self.metric("previews_total").get(f'{{result="failed",room="{room}"}}', 0)

    def names(self):
        return {path.name for path in self.pictures.glob("[!.]*")}

    def children(self):
        """The programs that it runs at the moment."""
        found = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        return [int(pid) for pid in found.stdout.split()]


@pytest.fixture(autouse=True)
def _with_ffmpeg():
    require("ffmpeg")


@pytest.fixture
def preview(tmp_path):
    """Return a function that starts one."""
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


def make(folder, *options):
    folder.mkdir(exist_ok=True)
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", *options], cwd=folder, check=True)
    return {f"/{path.name}": (200, {}, path.read_bytes()) for path in folder.iterdir()}


@pytest.fixture(scope="session")
def hls(tmp_path_factory):
    """The files of an HLS stream: red, and wider than high by four thirds."""
    require("ffmpeg")
    return make(
        tmp_path_factory.mktemp("hls"), "-f", "lavfi", "-i", "color=red:size=320x240:rate=10",
        "-t", "4", "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p",
        "-hls_time", "1", "-hls_list_size", "0", "stream.m3u8",
    )  # fmt: skip


@pytest.fixture(scope="session")
def webm(tmp_path_factory):
    """A WebM: blue, with sound."""
    require("ffmpeg")
    return make(
        tmp_path_factory.mktemp("webm"), "-f", "lavfi", "-i", "color=blue:size=320x180:rate=10",
        "-f", "lavfi", "-i", "sine", "-t", "2", "-c:v", "libvpx", "-c:a", "libopus", "hall.webm",
    )  # fmt: skip


def size(picture):
    """Return how wide and high a picture is, for a program that decodes it."""
    answer = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
         "stream=width,height", "-of", "csv=p=0", picture],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return tuple(map(int, answer.stdout.strip().strip(",").split(",")))


def colour(picture, x, y):
    """Return which of red, green and blue there is most of at a point; black is ""."""
    width, _ = size(picture)
    answer = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", picture, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    at = (y * width + x) * 3
    dot = answer.stdout[at : at + 3]
    return "" if max(dot) < 40 else ("red", "green", "blue")[dot.index(max(dot))]


class TestPictures:
    def test_hls_becomes_pictures_in_two_sizes_and_three_formats(self, preview, stand_in, hls):
        stand_in.says |= hls

        running = preview(rooms={"hall": f"{stand_in.url}/stream.m3u8"})

        wait_until(lambda: running.taken("hall"), 60, "a picture")
        everything = {f"hall{size}.{end}" for size in SIZES for end in ("jpg", "webp", "avif")}
        assert running.names() == everything
        for which, expected in SIZES.items():
            for end in ("jpg", "webp", "avif"):
                assert size(running.pictures / f"hall{which}.{end}") == expected
        # 4:3 stands in the middle of 16:9, with black on both sides.
        picture = running.pictures / "hall-large.jpg"
        assert [colour(picture, x, 360) for x in (40, 640, 1240)] == ["", "red", ""]
        assert running.healthz() == (200, "ok\n")
        # Our own agents know who has looked, and count no viewer.
        assert {asked.headers["User-Agent"] for asked in stand_in.asked} == {
            "streaming-system (agent) preview"
        }

    def test_webm_does_too_and_is_renewed(self, preview, stand_in, webm):
        stand_in.says |= webm
        running = preview(rooms={"hall": f"{stand_in.url}/hall.webm"})
        wait_until(lambda: running.taken("hall"), 60, "a picture")
        picture = running.pictures / "hall.jpg"
        before = picture.stat()

        wait_until(lambda: running.taken("hall") >= 2, 60, "another one")

        assert picture.stat().st_ino != before.st_ino
        assert picture.stat().st_mode & 0o777 == 0o644
        assert colour(picture, 240, 135) == "blue"

    def test_a_stream_that_begins_between_two_key_frames_does_too(
        self, preview, stand_in, tmp_path
    ):
        # As from an Icecast that is joined in the middle: the first second cannot be decoded.
        made = make(
            tmp_path / "made", "-f", "lavfi", "-i", "color=blue:size=320x180:rate=10", "-t", "2",
            "-c:v", "libvpx", "-g", "10", "-cluster_time_limit", "500", "hall.webm",
        )  # fmt: skip
        head, *clusters = made["/hall.webm"][2].split(CLUSTER)
        assert len(clusters) > 2
        stand_in.says["/hall.webm"] = (200, {}, head + CLUSTER + CLUSTER.join(clusters[1:]))

        running = preview(rooms={"hall": f"{stand_in.url}/hall.webm"})

        wait_until(lambda: running.taken("hall") + running.failed("hall"), 60, "an attempt")
        assert running.taken("hall"), running.said
        assert colour(running.pictures / "hall.jpg", 240, 135) == "blue"

    def test_icecast_does_too(self, preview, icecast, encoders):
        encoders(icecast.encode("/hall.webm"))

        running = preview(rooms={"hall": f"{icecast.url}/hall.webm"})

        wait_until(lambda: running.taken("hall"), 60, "a picture")
        assert size(running.pictures / "hall.jpg") == (480, 270)

    def test_nobody_ever_gets_half_a_picture(self, preview, stand_in, hls):
        stand_in.says |= hls
        running = preview(rooms={"hall": f"{stand_in.url}/stream.m3u8"})
        wait_until(lambda: running.taken("hall"), 60, "a picture")
        pictures = [running.pictures / f"hall{which}.jpg" for which in SIZES]
        kinds, over = set(), threading.Event()

        def look():
            while not over.is_set():
                for picture in pictures:
                    data = picture.read_bytes()
                    kinds.add((data[:2], data[-2:]))

        reader = threading.Thread(target=look)
        reader.start()
        try:
            wait_until(lambda: running.taken("hall") >= 4, 60, "three more pictures")
        finally:
            over.set()
            reader.join()

        assert kinds == {(b"\xff\xd8", b"\xff\xd9")}

    def test_a_format_that_this_ffmpeg_cannot_write_is_left_out(
        self, preview, stand_in, hls, tmp_path, monkeypatch
    ):
        # As one is built without those libraries.
        own = tmp_path / "bin"
        own.mkdir()
        (own / "ffmpeg").write_text(
            '#!/bin/sh\ncase "$*" in *av1*|*libwebp*) echo Unknown encoder >&2; exit 1;; esac\n'
            f'exec {find("ffmpeg")} "$@"\n'
        )
        (own / "ffmpeg").chmod(0o755)
        monkeypatch.setenv("PATH", f"{own}:{os.environ['PATH']}")
        stand_in.says |= hls

        running = preview(rooms={"hall": f"{stand_in.url}/stream.m3u8"})

        wait_until(lambda: running.taken("hall"), 60, "a picture")
        assert running.names() == {"hall.jpg", "hall-large.jpg"}
        assert running.said.count("this ffmpeg cannot write") == 2
        assert "this ffmpeg cannot write AVIF; it is left out" in running.said

    def test_without_ffmpeg_it_ends_with_one_line(self, preview, tmp_path, monkeypatch):
        monkeypatch.setenv("PATH", str(tmp_path))

        running = preview(rooms={"hall": "http://127.0.0.1:9/x"})

        assert running.process.wait(60) == 1
        assert running.said == (
            "Error: agent.ini: [preview]: needs ffmpeg, which is not installed\n"
        )


class TestWithoutPicture:
    def test_a_server_that_hangs_holds_up_nobody_and_leaves_no_program(
        self, preview, stand_in, hls
    ):
        @raw_handler
        def hang(handler):
            stand_in.over.wait(60)

        stand_in.says |= {**hls, "/hangs.m3u8": hang}
        rooms = {"lab": f"{stand_in.url}/hangs.m3u8", "hall": f"{stand_in.url}/stream.m3u8"}

        running = preview(rooms=rooms, timeout=1.5, **{"at.once": 2})

        wait_until(lambda: running.failed("lab") >= 2, 60, "two looks")
        assert running.taken("hall") >= 1
        status, said = running.healthz()
        assert (status, said.partition(":")[0]) == (503, "lab")
        # Each look is over before the next one of the room begins.
        assert len(running.children()) <= 2
        assert running.terminate() < 2
        assert _in_folder(running.pictures) == []

    @pytest.mark.parametrize("rubbish", ["html", "noise", "endless", "sound", "playlist"])
    def test_rubbish_becomes_a_picture_that_says_so(self, preview, stand_in, rubbish, tmp_path):
        stand_in.says["/x"] = {
            "html": (200, {"Content-Type": "text/html"}, b"<html><h1>Log in</h1></html>"),
            "noise": (200, {"Content-Type": "video/webm"}, os.urandom(300_000)),
            "endless": endless_response(stand_in.over, b"\0" * 65536, 0.01),
            "sound": _sound(tmp_path),
            "playlist": (200, {}, b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"),
        }[rubbish]

        running = preview(rooms={"hall": f"{stand_in.url}/x"}, timeout=3)

        wait_until(lambda: (running.pictures / "hall.jpg").exists(), 60, "a picture without signal")
        assert size(running.pictures / "hall-large.webp") == (1280, 720)
        # The site prefers its own way to say so.
        assert time.time() - (running.pictures / "hall.jpg").stat().st_mtime > 600
        wait_until(lambda: running.healthz()[0] == 503, 10, "trouble")
        assert running.said.count("WARNING") == 1
        assert stand_in.url not in running.healthz()[1]

    @pytest.mark.parametrize("leap", [0, 3600])
    def test_the_last_picture_stays_as_it_was_when_a_stream_ends(
        self, preview, stand_in, hls, leap
    ):
        stand_in.says |= hls
        running = preview(rooms={"hall": f"{stand_in.url}/stream.m3u8"})
        wait_until(lambda: running.taken("hall"), 60, "a picture")

        stand_in.says.clear()
        stand_in.says["*"] = (404, {}, b"")
        wait_until(lambda: running.failed("hall"), 60, "a look in vain")
        # After a leap of the clock, every picture looks that old.
        then = time.time() - leap
        os.utime(running.pictures / "hall.jpg", (then, then))
        picture = (running.pictures / "hall.jpg").stat()
        wait_until(lambda: running.failed("hall") >= 3, 60, "more of them")

        assert (running.pictures / "hall.jpg").stat().st_ino == picture.st_ino
        assert colour(running.pictures / "hall.jpg", 240, 135) == "red"


class TestManyRooms:
    def test_never_more_than_so_many_at_once(self, preview, stand_in):
        asking, most, lock = 0, 0, threading.Lock()

        @raw_handler
        def slow(handler):
            nonlocal asking, most
            with lock:
                asking += 1
                most = max(most, asking)
            # It gives up after its second.
            handler.rfile.read(1)
            with lock:
                asking -= 1

        stand_in.says["*"] = slow
        rooms = {f"room{n}": f"{stand_in.url}/{n}.webm" for n in range(7)}

        running = preview(rooms=rooms, timeout=1, **{"at.once": 3})

        seen = set()

        def all_failed():
            seen.add(len(running.children()))
            return all(running.failed(room) for room in rooms)

        wait_until(all_failed, 60, "every room had its turn")
        assert most == 3
        assert max(seen) <= 3

    def test_it_follows_the_tracker_and_removes_what_it_has_written_alone(
        self, preview, stand_in, hls, tmp_path
    ):
        def live(*rooms):
            listed = [{"url": stand_in.url, "formats": ["hls"]}]
            return json_response({"rooms": {room: {"endpoints": listed} for room in rooms}})

        stand_in.says |= {**hls, "/tracker/streams.json": live("hall", "lab")}
        running = preview(**{"from": f"{stand_in.url}/tracker"})
        wait_until(lambda: running.taken("hall") and running.taken("lab"), 60, "two rooms")
        (running.pictures / "garden.jpg").write_bytes(b"somebody else's")

        stand_in.says["/tracker/streams.json"] = (500, {}, b"")
        wait_until(lambda: "500" in running.healthz()[1], 60, "the tracker has stumbled")
        assert "lab.jpg" in running.names()
        stand_in.says["/tracker/streams.json"] = live("hall")

        def left():
            return {name.partition(".")[0].removesuffix("-large") for name in running.names()}

        wait_until(lambda: left() == {"hall", "garden"}, 60, "the lab is gone, and nothing else")

    def test_after_a_restart_it_still_knows_what_it_has_written(self, preview, stand_in, hls):
        stand_in.says |= hls
        url = f"{stand_in.url}/stream.m3u8"
        first = preview(rooms={"hall": url, "lab": url})
        wait_until(lambda: first.taken("hall") and first.taken("lab"), 60, "two rooms")
        assert first.terminate() < 2
        ini = first.pictures.parent / "agent.ini"
        ini.write_text(ini.read_text().replace(f"\n    lab = {url}", ""))

        program = Path(sys.executable).with_name("streaming-system")
        second = Program(program, "agent", "preview", "-c", ini, folder=ini.parent, name="second")
        try:
            wait_until(lambda: "lab.jpg" not in first.names(), 60, "the lab is gone")
        finally:
            second.stop()
        assert "hall.jpg" in first.names()


def test_it_ends_within_two_seconds_whatever_it_does(preview, stand_in):
    @raw_handler
    def hang(handler):
        stand_in.over.wait(60)

    stand_in.says["*"] = hang
    running = preview(
        rooms={"hall": f"{stand_in.url}/x"}, timeout=30, **{"from": f"{stand_in.url}/tracker"}
    )
    wait_until(running.children, 60, "a look")
    children = running.children()

    assert running.terminate() < 2

    assert running.process.returncode == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert "Traceback" not in running.said


def _sound(folder):
    return make(folder / "sound", "-f", "lavfi", "-i", "sine", "-t", "2", "x.ogg")["/x.ogg"]


def _in_folder(folder):
    """Return the processes that work in a folder or below it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            at = (process / "cwd").readlink()
        except OSError:
            continue
        if at.is_relative_to(folder):
            found.append(process.name)
    return found


def test_the_site_shows_what_was_seen_and_a_pattern_where_nothing_was(
    preview, stand_in, hls, make_site, stub_tracker
):
    stand_in.says |= hls
    running = preview(
        rooms={"hall": f"{stand_in.url}/stream.m3u8", "lab": f"{stand_in.url}/none.m3u8"}
    )
    wait_until(lambda: running.taken("hall") and "lab.jpg" in running.names(), 60, "both rooms")
    stub_tracker.document = streams_document(hall=["hls"], lab=["hls"])
    site = make_site(
        **{"preview.folder": str(running.pictures), "tracker.internal_url": stub_tracker.url}
    )

    page = site.get("/").html
    shown = page.select_one("[data-room=hall] picture")

    assert [s["srcset"] for s in shown.select("source")] == [
        "/preview/hall.avif",
        "/preview/hall.webp",
    ]
    answer = site.get(shown.img["src"])
    assert answer.body == (running.pictures / "hall.jpg").read_bytes()
    assert page.select_one("[data-room=lab] .pattern").text == "Lab"
    assert site.get("/hall").html.video["poster"] == "/preview/hall-large.jpg"
