"""WebM from Icecast, as small events stream: a real server, a real encoder."""

import os
import subprocess
import time
import urllib.request

import pytest
from ports import free_port
from programs import require

from .players import video_data, wait_for_status, wait_until_playing

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
# It refuses to serve as root.
OWNER = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>"

# A browser begins with what Icecast has, and has nothing else to play from for as long as it lasts:
# a machine that is busy with other tests takes a few attempts.
PATIENCE = 40_000


class Icecast:
    """A server of Icecast's, and the encoder that feeds it."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        config = folder / "icecast.xml"
        owner = OWNER if os.geteuid() == 0 else ""
        config.write_text(CONFIG.format(port=self.port, owner=owner))
        with (folder / "icecast.log").open("w") as log:
            self.server = subprocess.Popen(["icecast2", "-c", config], stdout=log, stderr=log)
        self.wait_for("status-json.xsl")

    def wait_for(self, path, least=1):
        """Wait until it has so many bytes at a path."""
        give_up = time.monotonic() + 20
        while not self.has(path, least):
            assert time.monotonic() < give_up, f"there is no {path}"
            assert self.server.poll() is None, "Icecast has ended"
            time.sleep(0.1)

    def has(self, path, least):
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return len(answer.read(least)) == least
        except OSError:
            return False

    def feed(self):
        mount = f"icecast://source:hackme@127.0.0.1:{self.port}/webcast-high.webm"
        self.encoder = subprocess.Popen(
            ["ffmpeg", "-nostdin", "-loglevel", "error",
             "-re", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10",
             "-re", "-f", "lavfi", "-i", "sine=frequency=440",
             "-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "100k",
             "-g", "10", "-c:a", "libopus", "-b:a", "32k", "-f", "webm",
             "-cluster_time_limit", "1000", "-content_type", "video/webm", mount]
        )  # fmt: skip
        # The head of WebM is there before there is anything to see.
        self.wait_for("webcast-high.webm", 30_000)

    def stop(self):
        for process in (self.encoder, self.server):
            process.kill()
            process.wait()


@pytest.fixture
def icecast(tmp_path):
    require("ffmpeg", "icecast2")
    icecast = Icecast(tmp_path)
    icecast.feed()
    yield icecast
    icecast.stop()


def test_webm_from_icecast_plays_and_is_back_after_its_encoder(stage, room, icecast, open_page):
    stage.register(room, "edge1", icecast, ["webm"])
    stage.wait_for(lambda: "<video" in stage.text(f"/{room}"), 10, "a player")
    page = open_page(f"/{room}")
    wait_until_playing(page, PATIENCE)
    told = video_data(page)
    assert (told["format"], told["quality"]) == ("webm", "high")
    assert not any("/hls" in url for url in page.asked)

    icecast.encoder.kill()
    icecast.encoder.wait()
    wait_for_status(page, "waiting")
    icecast.feed()

    wait_until_playing(page, PATIENCE)
