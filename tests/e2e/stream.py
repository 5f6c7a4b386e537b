"""A live stream: an encoder, and servers of its files."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from programs import require

PLAYLIST = "stream.m3u8"
TEST_PATTERN = "testsrc2=size={}:rate=10"
ENCODING = ("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10",
           "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "32k")  # fmt: skip


class Encoder:
    """ffmpeg: a test pattern in two sizes, and sound alone, in segments of one second.

    A new run overwrites the playlists, and starts again with segment 0.
    """

    playlist = PLAYLIST
    renditions: tuple[str, ...] = ("sd", "hd", "sound")
    flags = "delete_segments+temp_file"

    def __init__(self, folder: Path, length: int = 6) -> None:
        self.folder = folder
        for name in self.renditions:
            (folder / name).mkdir(parents=True)
        self.length = length
        self.runs = 0
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        self.runs += 1
        self.process = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-loglevel", "error", *self.input_options(), *ENCODING,
             "-f", "hls", "-hls_time", "1", "-hls_list_size", str(self.length),
             "-hls_flags", self.flags, "-master_pl_name", self.playlist,
             "-hls_segment_filename", f"{self.folder}/%v/run{self.runs}-%d.ts",
             f"{self.folder}/%v/index.m3u8"]
        )  # fmt: skip

    def input_options(self) -> list[str]:
        """Return the options of ffmpeg for inputs and renditions."""
        command = ["-re"]
        for source in (
            TEST_PATTERN.format("160x90"),
            TEST_PATTERN.format("320x180"),
            "sine=frequency=440",
        ):
            command += ["-f", "lavfi", "-i", source]
        maps = ("0", "2", "1", "2", "2")
        command += [part for source in maps for part in ("-map", source)]
        return [*command, "-b:v:0", "100k", "-b:v:1", "300k",
                "-var_stream_map", "v:0,a:0,name:sd v:1,a:1,name:hd a:2,name:sound"]  # fmt: skip

    def wait(self, seconds: float = 30) -> None:
        """Wait until this run has written segments of all renditions."""
        deadline = time.monotonic() + seconds
        playlists = [self.folder / name / "index.m3u8" for name in self.renditions]
        while not all(p.exists() and f"run{self.runs}-1.ts" in p.read_text() for p in playlists):
            assert time.monotonic() < deadline, "ffmpeg writes no segments"
            assert self.process.poll() is None, "ffmpeg has exited"
            time.sleep(0.05)

    def wait_for_more(self, segments: int = 3, seconds: float = 30) -> None:
        """Wait until there are more segments; a playing client has requested them by then."""
        playlist = self.folder / self.renditions[0] / "index.m3u8"
        last = self._last_segment(playlist)
        deadline = time.monotonic() + seconds
        while self._last_segment(playlist) < last + segments:
            assert time.monotonic() < deadline, "ffmpeg writes no segments"
            time.sleep(0.05)

    @staticmethod
    def _last_segment(playlist: Path) -> int:
        return int(playlist.read_text().split()[-1].rpartition("-")[2].removesuffix(".ts"))

    def kill(self) -> None:
        """Kill the encoder: the playlist stays unchanged."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """Stop the encoder: the playlist gets an end marker."""
        self.process.terminate()
        self.process.wait()


class TranslatedEncoder(Encoder):
    """A stream with English and German sound, and English subtitles."""

    renditions = ("picture", "original", "translation")

    def input_options(self) -> list[str]:
        text = self.folder / "text.srt"
        text.write_text("\n".join(map(_subtitle, range(3600))))
        sources = [("-f", "lavfi", "-i", TEST_PATTERN.format("160x90")),
                   ("-f", "lavfi", "-i", "sine=frequency=440"),
                   ("-f", "lavfi", "-i", "sine=frequency=880"), ("-i", str(text))]  # fmt: skip
        renditions = (
            "v:0,s:0,agroup:sound,sgroup:text,language:en,name:picture",
            "a:0,agroup:sound,language:en,default:yes,name:original",
            "a:1,agroup:sound,language:de,name:translation",
        )
        maps = [part for number in range(4) for part in ("-map", str(number))]
        return [*(part for source in sources for part in ("-re", *source)), *maps,
                "-c:s", "webvtt", "-var_stream_map", " ".join(renditions)]  # fmt: skip


def _subtitle(second: int) -> str:
    """Return the subtitle of a second."""
    begin, end = (
        f"{at // 60 // 60:02}:{at // 60 % 60:02}:{at % 60:02},000" for at in (second, second + 1)
    )
    return f"{second + 1}\n{begin} --> {end}\nSecond {second}\n"


class SlidesEncoder(Encoder):
    """A stream of slides only."""

    playlist = "slides.m3u8"
    renditions = ("slides",)

    def input_options(self) -> list[str]:
        source = ("-f", "lavfi", "-i", "testsrc=size=640x360:rate=5")
        return ["-re", *source, "-map", "0", "-b:v", "100k", "-var_stream_map", "v:0,name:slides"]


class Origin:
    """An origin server of a stream. It records requests, and can be stopped or refuse paths."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.handler: type[OriginHandler] = OriginHandler
        self.requested_paths: list[str] = []
        self.refuses: Callable[[str], bool] = lambda path: False
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def count(self, ending: str) -> int:
        """Return the number of requests for paths with an ending."""
        return sum(path.endswith(ending) for path in self.requested_paths)

    def start(self) -> None:
        handler = partial(self.handler, origin=self, directory=str(self.folder))
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


class OriginHandler(SimpleHTTPRequestHandler):
    extensions_map = {
        ".m3u8": "application/vnd.apple.mpegurl",
        ".ts": "video/mp2t",
        ".vtt": "text/vtt",
    }

    def __init__(self, *args, origin, **options):
        self.origin = origin
        super().__init__(*args, **options)

    def do_GET(self):
        self.origin.requested_paths.append(self.path)
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
def encoder_class():
    return Encoder


@pytest.fixture
def encoder(tmp_path, encoder_class):
    """An encoder for one test, which the test starts."""
    require("ffmpeg")
    encoder = encoder_class(tmp_path / "stream")
    yield encoder
    encoder.kill()


@pytest.fixture
def own_stream(encoder):
    """A running stream for one test."""
    encoder.start()
    encoder.wait()
    return encoder


@pytest.fixture(scope="session")
def stream(tmp_path_factory):
    """A running stream that tests share; servers have its last minute."""
    require("ffmpeg")
    encoder = Encoder(tmp_path_factory.mktemp("shared") / "stream", length=60)
    encoder.start()
    encoder.wait()
    yield encoder
    encoder.kill()


@pytest.fixture
def source(request):
    """The encoder whose files servers have: the shared one if the test uses it, else its own."""
    return request.getfixturevalue("stream" if "stream" in request.fixturenames else "encoder")


@pytest.fixture
def origin(source):
    """Return a function that starts an origin server of the stream."""
    origins = []

    def start():
        origins.append(Origin(source.folder))
        origins[-1].start()
        return origins[-1]

    yield start
    for origin in origins:
        origin.stop()


@pytest.fixture
def open_room(player_site, room, origin, open_page):
    """Return a function that registers an origin server, and opens the room's page."""

    def open_room(formats=("hls",)):
        server = origin()
        player_site.register(room, "edge1", server, formats)
        player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
        return open_page(f"/{room}"), server

    return open_room
