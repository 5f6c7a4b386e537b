"""A live stream as events have it: an encoder, and servers that hand out what it makes."""

import contextlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PLAYLIST = "stream.m3u8"
QUALITIES = ("sd", "hd", "sound")


class Encoder:
    """ffmpeg with a test pattern in two sizes and as sound alone, in segments of a second.

    A new run overwrites the playlists of the one before it and counts from 0 again.
    """

    def __init__(self, folder: Path, length: int = 6) -> None:
        self.folder = folder
        self.length = length
        self.runs = 0
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        self.runs += 1
        picture = "testsrc2=size={}:rate=10"
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-re"]
        for source in (picture.format("160x90"), picture.format("320x180"), "sine=frequency=440"):
            command += ["-f", "lavfi", "-i", source]
        maps = ("0", "2", "1", "2", "2")
        command += [part for source in maps for part in ("-map", source)]
        command += ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10",
                    "-pix_fmt", "yuv420p", "-b:v:0", "100k", "-b:v:1", "300k", "-c:a", "aac",
                    "-b:a", "32k", "-f", "hls", "-hls_time", "1",
                    "-hls_list_size", str(self.length), "-hls_flags", "delete_segments+temp_file",
                    "-master_pl_name", PLAYLIST,
                    "-var_stream_map", "v:0,a:0,name:sd v:1,a:1,name:hd a:2,name:sound",
                    "-hls_segment_filename", f"{self.folder}/%v/run{self.runs}-%d.ts",
                    f"{self.folder}/%v/index.m3u8"]  # fmt: skip
        self.process = subprocess.Popen(command)

    def wait(self, seconds: float = 30) -> None:
        """Wait until this run has something to see in every quality."""
        give_up = time.monotonic() + seconds
        playlists = [self.folder / name / "index.m3u8" for name in QUALITIES]
        while not all(p.exists() and f"run{self.runs}-1.ts" in p.read_text() for p in playlists):
            assert time.monotonic() < give_up, "ffmpeg makes no stream"
            assert self.process.poll() is None, "ffmpeg has ended"
            time.sleep(0.05)

    def wait_for_more(self, segments: int = 3, seconds: float = 30) -> None:
        """Wait until some segments are over: whoever plays has asked for them by then."""
        playlist = self.folder / QUALITIES[0] / "index.m3u8"
        last = self._newest(playlist)
        give_up = time.monotonic() + seconds
        while self._newest(playlist) < last + segments:
            assert time.monotonic() < give_up, "ffmpeg makes no stream"
            time.sleep(0.05)

    @staticmethod
    def _newest(playlist: Path) -> int:
        return int(playlist.read_text().split()[-1].rpartition("-")[2].removesuffix(".ts"))

    def kill(self) -> None:
        """End it as a power cut does: the playlist stays as it is."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it as an operator does: the playlist says that it is over."""
        self.process.terminate()
        self.process.wait()


class Origin:
    """A server of a stream. It notes what it is asked for, and can be dead or refuse a part."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.refuses: Callable[[str], bool] = lambda path: False
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        handler = partial(_Handler, origin=self, directory=str(self.folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), handler)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def stop(self) -> None:
        if self._server:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = {".m3u8": "application/vnd.apple.mpegurl", ".ts": "video/mp2t"}

    def __init__(self, *args, origin, **more):
        self.origin = origin
        super().__init__(*args, **more)

    def do_GET(self):
        self.origin.asked.append(self.path)
        if self.origin.refuses(self.path):
            self.send_error(404)
            return
        with contextlib.suppress(OSError):
            super().do_GET()

    def end_headers(self):
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def encoder(tmp_path):
    if shutil.which("ffmpeg") is None:
        if os.environ.get("CI"):
            pytest.fail("ffmpeg is not installed, and CI skips nothing")
        pytest.skip("needs ffmpeg, which is not installed: no stream was played")
    folder = tmp_path / "stream"
    for name in QUALITIES:
        (folder / name).mkdir(parents=True)
    encoder = Encoder(folder)
    yield encoder
    encoder.kill()


@pytest.fixture
def origin(encoder):
    """Return a function that starts another server of the stream."""
    origins = []

    def start():
        origins.append(Origin(encoder.folder))
        origins[-1].start()
        return origins[-1]

    yield start
    for origin in origins:
        origin.stop()


@pytest.fixture
def register(site, run):
    """Return a function that lets an endpoint report for the room "example"."""
    issued = run(".venv/bin/streaming-system", "admin", "token", "issue", "tests", "--crew")
    assert issued.returncode == 0, issued.stderr
    token = issued.stdout.split()[-1]

    def register(name, origin, formats=("hls",), **more):
        answer = site.put(
            f"/tracker/api/v1/rooms/example/endpoints/{name}",
            {"url": origin.url, "formats": list(formats), **more},
            token,
        )
        assert answer.status < 300, answer.data

    return register
