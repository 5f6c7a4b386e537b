"""Which streams pictures are made of, and what is said to whoever gets [preview] wrong."""

import json

import pytest

from streaming_system.agent import config
from streaming_system.agent.config_section import AgentConfigError
from streaming_system.agent.preview import config as preview
from streaming_system.agent.preview import stream_urls
from streaming_system.agent.tracker_http import TrackerUnavailableError

INI = """
[agent]
trackers = http://127.0.0.1:8000/tracker
name = edge1
url = https://edge1.example.org/{room}/
[source:icecast]
use = icecast
streams =
    /hall-low.webm = hall webm_low
    /hall.webm = hall webm_high
    /lab.opus = lab opus
    /garden = garden hls_hd
[preview]
folder = previews
"""


@pytest.fixture
def read(tmp_path):
    """Return a function that reads the section of an agent.ini."""

    def read(text):
        file = tmp_path / "agent.ini"
        file.write_text(text)
        return preview.parse_preview_config(config.load_agent_config(file))

    return read


def test_by_default_the_rooms_own_streams_with_a_picture_are_looked_at(read, tmp_path):
    found = read(INI)

    assert found.rooms == {
        "hall": "https://edge1.example.org/hall/webcast-high.webm",
        "garden": "https://edge1.example.org/garden/stream.m3u8",
    }
    assert found.folder == tmp_path / "previews"
    assert (found.interval, found.at_once, found.timeout, found.tracker) == (20, 2, 10, None)


def test_rooms_that_are_named_are_looked_at_alone(read):
    found = read(INI + "rooms =\n    lab = rtmp://127.0.0.1/live/lab?a=b\n")

    assert found.rooms == {"lab": "rtmp://127.0.0.1/live/lab?a=b"}


def test_with_a_tracker_only_what_is_named_is_known_from_the_start(read):
    found = read(INI + "from = http://127.0.0.1:8000/tracker/\n")

    assert (found.rooms, found.tracker) == ({}, "http://127.0.0.1:8000/tracker")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("folder = previews", "", "[preview] folder: is missing; allowed: the folder that"),
        (
            "folder = previews",
            "folder = p\nat.once = 0",
            "at.once: is '0'; allowed: a number, 1 to",
        ),
        ("folder = previews", "folder = p\ninterval = 60", "interval: is '60'; allowed: a number"),
        ("folder = previews", "folder = p\nfrom = tracker", "from: is 'tracker'; allowed: http://"),
        ("folder = previews", "folder = p\nrooms = hall", "rooms: is 'hall'; allowed: ROOM = ADDR"),
        (
            "folder = previews",
            "folder = p\nrooms = a=file:///etc/passwd",
            "allowed: ROOM = ADDRESS",
        ),
        ("folder = previews", "folder = p\nrooms = ../a=http://h/", "rooms: is '../a=http://h/'"),
        ("folder = previews", "folder = p\nrooms = -i=http://h/", "rooms: is '-i=http://h/'"),
        (
            "folder = previews",
            "folder = p\nfoldr = q",
            "foldr: is no key; allowed: at.once, folder",
        ),
        ("url = https://edge1.example.org/{room}/", "", "rooms: is missing; allowed: ROOM = ADDR"),
    ],
)
def test_a_mistake_is_one_line(read, old, new, line):
    assert old in INI

    with pytest.raises(AgentConfigError) as refusal:
        read(INI.replace(old, new))

    assert line in str(refusal.value)
    assert str(refusal.value).startswith("agent.ini: [preview]")


class Says:
    """A tracker that says something."""

    url = "http://tracker"

    def __init__(self, said, status=200):
        self.said, self.status, self.reason = said, status, "Reason"

    def call(self, method, path, **more):
        assert (method, path) == ("GET", "/streams.json")
        return self, self.said if isinstance(self.said, bytes) else json.dumps(self.said).encode()


def rooms(**endpoints):
    return {"rooms": {room: {"endpoints": listed} for room, listed in endpoints.items()}}


def at(url, *formats):
    return {"url": url, "formats": list(formats)}


def test_a_tracker_tells_where_its_live_rooms_are():
    said = rooms(
        hall=[at("http://a/x/", "opus"), at("http://b/x/", "webm_low", "webm_high")],
        lab=[at("https://c/lab/", "hls", "webm_high")],
        silent=[],
        sound=[at("http://d/", "opus")],
    )

    assert stream_urls.fetch_live_stream_urls(Says(said)) == {
        "hall": "http://b/x/webcast-high.webm",
        "lab": "https://c/lab/stream.m3u8",
    }


@pytest.mark.parametrize(
    "url",
    ["file:///etc/", "rtmp://a/", "http:///", "http://a b/", "-i http://a/", "concat:a", None],
)
def test_nobody_can_lead_it_to_anything_but_a_web_server(url):
    assert stream_urls.fetch_live_stream_urls(Says(rooms(hall=[at(url, "hls")]))) == {}


@pytest.mark.parametrize(
    "said", [b"<html>", [], {}, {"rooms": []}, {"rooms": None}, b"[" * 100_000]
)
def test_rubbish_is_no_answer(said):
    with pytest.raises(TrackerUnavailableError):
        stream_urls.fetch_live_stream_urls(Says(said))


@pytest.mark.parametrize(
    "said",
    [
        {"rooms": {"hall": None}},
        {"rooms": {"hall": {"endpoints": "all"}}},
        {
            "rooms": {
                "hall": {"endpoints": [1, None, {"url": 1}, {"url": "http://a/", "formats": 1}]}
            }
        },
        {"rooms": {"../hall": {"endpoints": [at("http://a/", "hls")]}}},
    ],
)
def test_rubbish_within_an_answer_is_passed_over(said):
    assert stream_urls.fetch_live_stream_urls(Says(said)) == {}
