"""The truth table of viewers: real servers and clients, with all of our checks running.

MediaMTX is a small server that speaks its documented API, since it is in no package registry.
"""

import re
import time

import pytest
import urllib3
from click.testing import CliRunner

from streaming_system.cli import main

from .conftest import json_response, wait_until
from .running import write_ini
from .viewers import HlsPlayers, Listeners, OpenPage, RtmpPlayers

# How long the numbers must stay right while all checks run several times.
STEADY_SECONDS = 12
WINDOW = 8
MAX_SECONDS_AFTER_END = 30

ICECAST = """
[source:icecast]
use = icecast
url = {icecast}
{password}
streams.url = {icecast}/
streams =
    /hall.webm = hall webm_high
    /lab.webm = lab webm_high
"""
NGINX = """
[source:nginx]
use = nginx_rtmp
url = {nginx}/stat
access.log = {log}
access.path = /hls/{{mount}}
access.window = {window}
streams.url = {nginx}/hls/
hls.playlist = {{room}}.m3u8
streams =
    live/hall = hall hls
    live/lab = lab hls
"""
MEDIAMTX = """
[source:mediamtx]
use = mediamtx
url = {url}
streams =
    hall = hall whep
"""
CHECKS = """
[watch]
status = off
[watch:picture]
use = picture
url = {icecast}/{room}.webm
seconds = 1
interval = 3
[watch:sound]
use = sound
url = {icecast}/{room}.webm
seconds = 1
interval = 3
[watch:bytes]
use = stream
url = {icecast}/{room}.webm
seconds = 1
interval = 3
[watch:playlist]
use = hls
url = {nginx}/hls/{room}.m3u8
interval = 2
[watch:hls-picture]
use = picture
url = {nginx}/hls/{room}.m3u8
seconds = 1
interval = 3
[watch:rtmp-picture]
use = picture
url = rtmp://127.0.0.1:{rtmp}/live/{room}
seconds = 1
interval = 3
[preview]
status = off
folder = {pictures}
interval = 2
at.once = 2
rooms =
    hall = {icecast}/{room}.webm
    lab = {nginx}/hls/{room}.m3u8
"""


class Event:
    """Icecast and nginx with streams of two rooms, agents, and the numbers that they report."""

    def __init__(self, icecast, nginx, tracker, agent, folder):
        self.icecast, self.nginx, self.tracker = icecast, nginx, tracker
        self._agent, self.folder = agent, folder
        self.audiences = []
        # By room.
        self.encoders = {}

    def start_checks(self, room):
        pictures = self.folder / "pictures"
        pictures.mkdir()
        sections = CHECKS.format(
            icecast=self.icecast.url,
            nginx=self.nginx.url,
            rtmp=self.nginx.rtmp,
            room=room,
            pictures=pictures,
        )
        for command in ("supervise", "preview"):
            self.start(command, sections)

    def start(self, command, sections):
        self._agent(command=command, **self._options(sections))

    def register(self, password="password = secret", more=""):
        self._sources = more + ICECAST.format(icecast=self.icecast.url, password=password)
        self._sources += NGINX.format(
            nginx=self.nginx.url, log=self.nginx.access_log, window=WINDOW
        )
        self.registered = self._agent(**self._options(self._sources), check="yes")

    def _options(self, sources):
        token = f"token = {self.tracker.token('crew', '')}"
        return {"trackers": [self.tracker.url], "token": token, "sources": sources}

    def watch(self, *audiences):
        self.audiences += audiences

    def leave(self):
        while self.audiences:
            self.audiences.pop().stop()

    def numbers(self, room):
        """Return the viewers of a room by the place where they are shown."""
        of_streams = self.registered.metric("clients").items()
        of_room = self.tracker.get(f"/api/v1/rooms/{room}")["viewers"]
        return {
            "agent": sum(n for labels, n in of_streams if f'room="{room}"' in labels),
            "endpoints": sum(e["clients"] for e in self.tracker.endpoints(room).values()),
            "list": self.tracker.get("/streams.json")["rooms"][room]["clients"],
            "room": of_room["players"] + of_room["others"],
        }

    def require(self, room, expected, seconds=60):
        """Require the right number everywhere, and while all checks run again and again."""
        wait_until(
            lambda: set(self.numbers(room).values()) == {expected},
            seconds,
            f"{expected} viewers of {room}, but {self.numbers(room)}",
        )
        deadline = time.monotonic() + STEADY_SECONDS
        seen = []
        while time.monotonic() < deadline:
            seen.append(self.numbers(room)["endpoints"])
            time.sleep(0.3)
        assert set(seen) == {expected}, seen

    def once(self, room):
        """Return the clients that `--once` prints, beside the service."""
        ini = write_ini(self.folder / "once", **self._options(self._sources), check="yes")
        result = CliRunner().invoke(main, ["agent", "register", "-c", str(ini), "--once"])
        counts = re.findall(rf"^{room}: .*?; (\d+) clients", result.output, re.MULTILINE)
        return sum(map(int, counts))


@pytest.fixture
def event(icecast, nginx_rtmp, served, agent, encoders, tmp_path):
    event = Event(icecast, nginx_rtmp, served, agent, tmp_path)
    for room in ("hall", "lab"):
        event.encoders[room] = [
            encoders(icecast.encode(f"/{room}.webm")),
            encoders(nginx_rtmp.encode(room)),
        ]
    for room in ("hall", "lab"):
        wait_until(lambda room=room: _loads(f"{nginx_rtmp.url}/hls/{room}.m3u8"), 40, "HLS")
    yield event
    event.leave()


def _loads(url):
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        return pool.request("GET", url, headers={"User-Agent": "streaming-system"}).status == 200


@pytest.mark.exhaustive
def test_viewers_of_two_servers_are_counted_as_they_are(event):
    event.register()
    event.start_checks("hall")
    wait_until(lambda: len(event.tracker.endpoints("hall")) == 2, 60, "both endpoints")
    event.require("hall", 0)

    event.watch(Listeners(f"{event.icecast.url}/hall.webm", 15))
    event.require("hall", 15)
    assert event.once("hall") == 15

    event.leave()
    event.watch(
        HlsPlayers(f"{event.nginx.url}/hls/hall.m3u8", 20),
        RtmpPlayers(f"rtmp://127.0.0.1:{event.nginx.rtmp}/live/hall", 5, event.folder),
    )
    event.require("hall", 25)
    assert event.once("hall") == 25

    event.leave()
    event.watch(
        Listeners(f"{event.icecast.url}/hall.webm", 12),
        HlsPlayers(f"{event.nginx.url}/hls/hall.m3u8", 11),
        RtmpPlayers(f"rtmp://127.0.0.1:{event.nginx.rtmp}/live/hall", 4, event.folder),
        Listeners(f"{event.icecast.url}/lab.webm", 3),
    )
    event.require("hall", 27)
    event.require("lab", 3)
    assert event.once("hall") == 27

    event.leave()
    event.require("hall", 0)
    assert event.once("hall") == 0


@pytest.mark.exhaustive
def test_listeners_are_counted_without_a_password_of_icecast(event):
    event.register(password="")
    wait_until(lambda: len(event.tracker.endpoints("hall")) == 2, 60, "both endpoints")
    event.require("hall", 0)

    event.watch(Listeners(f"{event.icecast.url}/hall.webm", 15))
    event.require("hall", 15)
    assert event.once("hall") == 15

    # A check of another service connects again and again.
    checks = "[watch]\nstatus = off\n[watch:a]\nuse = stream\nseconds = 5\ninterval = 8\n"
    event.start("supervise", f"{checks}url = {event.icecast.url}/hall.webm\n")
    event.require("hall", 15)


@pytest.mark.exhaustive
def test_players_of_whep_count_beside_the_others(event, fake_server):
    document = {
        "pageCount": 1,
        "items": [
            {
                "name": "hall",
                "ready": True,
                "readers": [{"type": "webRTCSession", "id": str(n)} for n in range(6)],
            }
        ],
    }
    fake_server.responses["/v3/paths/list"] = json_response(document)
    event.register(more=MEDIAMTX.format(url=fake_server.url))
    event.watch(Listeners(f"{event.icecast.url}/hall.webm", 9))

    event.require("hall", 15)


@pytest.mark.exhaustive
def test_viewers_of_an_ended_room_are_gone_within_30_seconds(event):
    event.register()
    wait_until(lambda: len(event.tracker.endpoints("hall")) == 2, 60, "both endpoints")
    event.watch(
        OpenPage(event.tracker.url, "hall"),
        Listeners(f"{event.icecast.url}/hall.webm", 5),
        HlsPlayers(f"{event.nginx.url}/hls/hall.m3u8", 5),
    )
    wait_until(lambda: min(event.numbers("hall").values()) >= 10, 60, "ten viewers")

    for program in event.encoders["hall"]:
        program.kill()

    # On a slow machine, the checks are late, too.
    ended_at = time.monotonic()
    wait_until(lambda: set(event.numbers("hall").values()) == {0}, 60, "no viewers")
    assert time.monotonic() - ended_at < MAX_SECONDS_AFTER_END
