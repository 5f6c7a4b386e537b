"""WebM from Icecast."""

import os
import re
import subprocess
import time
import urllib.request

import pytest
from ports import free_port
from programs import require

from .player_site import video_data, wait_for_status, wait_until_playing

CONFIG = """<icecast>
  <limits><clients>20</clients><sources>2</sources></limits>
  <authentication>
    <source-password>hackme</source-password>
    <admin-user>admin</admin-user><admin-password>hackme</admin-password>
  </authentication>
  <hostname>127.0.0.1</hostname>
  <listen-socket><bind-address>127.0.0.1</bind-address><port>{port}</port></listen-socket>
  <http-headers><header name="Access-Control-Allow-Origin" value="*"/></http-headers>
  <paths>
    <basedir>/usr/share/icecast2</basedir><logdir>/tmp</logdir>
    <webroot>/usr/share/icecast2/web</webroot><adminroot>/usr/share/icecast2/admin</adminroot>
  </paths>
  <logging><accesslog>-</accesslog><errorlog>-</errorlog><loglevel>1</loglevel></logging>
  <security><chroot>0</chroot>{owner}</security>
</icecast>"""
# Icecast refuses to run as root.
OWNER = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"

# The browser starts with the burst of Icecast, and may stall after it: on a busy machine the player
# needs a few attempts.
PLAYBACK_TIMEOUT_MS = 40_000


class Icecast:
    """An Icecast server, and the encoder that feeds it."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        config = folder / "icecast.xml"
        owner = OWNER if os.geteuid() == 0 else ""
        config.write_text(CONFIG.format(port=self.port, owner=owner))
        with (folder / "icecast.log").open("w") as log:
            self.server = subprocess.Popen(["icecast2", "-c", config], stdout=log, stderr=log)
        self.wait_for("status-json.xsl")

    def wait_for(self, path, min_bytes=1):
        """Wait until a path has some bytes."""
        deadline = time.monotonic() + 20
        while not self.has(path, min_bytes):
            assert time.monotonic() < deadline, f"{path} is missing"
            assert self.server.poll() is None, "Icecast has exited"
            time.sleep(0.1)

    def has(self, path, min_bytes):
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:
                return len(response.read(min_bytes)) == min_bytes
        except OSError:
            return False

    def feed(self, file="webcast-high.webm"):
        mount = f"icecast://source:hackme@127.0.0.1:{self.port}/{file}"
        self.encoder = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-loglevel", "error",
             "-re", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10",
             "-re", "-f", "lavfi", "-i", "sine=frequency=440",
             "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "100k",
             "-g", "10", "-c:a", "libopus", "-b:a", "32k", "-f", "webm",
             "-cluster_size_limit", "8M", "-cluster_time_limit", "10000",
             "-content_type", "video/webm", mount]
        )  # fmt: skip
        # The header of WebM arrives before the first frames.
        self.wait_for(file, 30_000)

    def stop(self):
        for process in (self.encoder, self.server):
            # The script ends its ffmpeg.
            process.terminate()
            process.wait()

    def feed_by_documentation(self, root, folder):
        """Run the documented publish script with a test picture."""
        script = (root / "conf/servers/publish-icecast.sh").read_text()
        url = f"icecast://source:hackme@127.0.0.1:{self.port}/webcast-high.webm"
        (folder / "publish.sh").write_text(re.sub(r"'icecast://.*'", f"'{url}'", script))
        picture = ("-re", "-f", "lavfi", "-i", "testsrc2=size=480x270:rate=25")
        sound = ("-re", "-f", "lavfi", "-i", "sine=frequency=440")
        self.encoder = subprocess.Popen(["sh", folder / "publish.sh", *picture, *sound])
        self.wait_for("webcast-high.webm", 30_000)


JOIN = """urls => Promise.all(urls.map(url => new Promise(resolve => {
    const video = document.createElement("video");
    const start = performance.now();
    const end = result => {
        video.removeAttribute("src");
        video.load();
        video.remove();
        resolve(result);
    };
    video.muted = true;
    video.onerror = () => end(video.error.message);
    video.ontimeupdate = () => {
        if (video.currentTime > video.buffered.start(0) + 0.2) end(performance.now() - start);
    };
    setTimeout(() => end(`stalled at ${video.currentTime} s, state ${video.readyState}`), 20000);
    video.src = url;
    document.body.append(video);
    video.play().catch(() => {});
})))"""
# A browser opens six connections to a server.
JOINS, PARALLEL_JOINS = 30, 5


@pytest.mark.exhaustive
def test_every_join_of_the_documented_recipe_plays(
    tmp_path, root, new_page, record_testsuite_property
):
    require("ffmpeg", "icecast2")
    icecast = Icecast(tmp_path)
    try:
        icecast.feed_by_documentation(root, tmp_path)
        page = new_page()
        page.goto(f"{icecast.url}status-json.xsl")
        results = []
        for start in range(0, JOINS, PARALLEL_JOINS):
            numbers = range(start, start + PARALLEL_JOINS)
            results += page.evaluate(JOIN, [f"{icecast.url}webcast-high.webm?{n}" for n in numbers])
    finally:
        icecast.stop()
    assert [result for result in results if isinstance(result, str)] == []
    record_testsuite_property("slowest WebM join (ms)", round(max(results)))


@pytest.fixture
def icecast(tmp_path):
    require("ffmpeg", "icecast2")
    icecast = Icecast(tmp_path)
    icecast.feed()
    yield icecast
    icecast.stop()


def test_a_mount_with_a_name_of_its_own_plays(player_site, room, tmp_path, open_page):
    require("ffmpeg", "icecast2")
    icecast = Icecast(tmp_path)
    try:
        icecast.feed("hall.webm")
        player_site.register(room, "edge1", icecast, ["webm"], files={"webm_high": "hall.webm"})
        player_site.wait_for(lambda: "hall.webm" in player_site.text(f"/{room}"), 10, "a link")
        page = open_page(f"/{room}")
        wait_until_playing(page, PLAYBACK_TIMEOUT_MS)
        assert f"{icecast.url}hall.webm" in page.requested_urls
        assert not any("webcast-high" in url for url in page.requested_urls)
    finally:
        icecast.stop()


def test_webm_from_icecast_plays_and_resumes_with_its_encoder(
    player_site, room, icecast, open_page
):
    player_site.register(room, "edge1", icecast, ["webm"])
    player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
    page = open_page(f"/{room}")
    wait_until_playing(page, PLAYBACK_TIMEOUT_MS)
    data = video_data(page)
    assert (data["format"], data["quality"]) == ("webm", "high")
    assert not any("/vendor/hls/" in url for url in page.requested_urls)

    icecast.encoder.kill()
    icecast.encoder.wait()
    wait_for_status(page, "waiting")
    icecast.feed()

    wait_until_playing(page, PLAYBACK_TIMEOUT_MS)
