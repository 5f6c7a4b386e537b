"""Configuration of thumbnails in agent.ini, and stream URLs from trackers."""

import json

import pytest

from streaming_system.agent.config import load_agent_config
from streaming_system.agent.config_section import AgentConfigError
from streaming_system.agent.preview import stream_urls
from streaming_system.agent.preview.config import parse_preview_config
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
def parse(tmp_path):
    """Return a function that parses the section of an agent.ini."""

    def parse(text):
        file = tmp_path / "agent.ini"
        file.write_text(text)
        return parse_preview_config(load_agent_config(file))

    return parse


def test_default_rooms_are_the_local_streams_with_video(parse, tmp_path):
    config = parse(INI)

    assert config.rooms == {
        "hall": "https://edge1.example.org/hall/webcast-high.webm",
        "garden": "https://edge1.example.org/garden/stream.m3u8",
    }
    assert config.folder == tmp_path / "previews"
    assert (config.interval, config.max_parallel, config.timeout, config.tracker) == (
        20,
        2,
        10,
        None,
    )


def test_configured_rooms_replace_the_default(parse):
    config = parse(INI + "rooms =\n    lab = rtmp://127.0.0.1/live/lab?a=b\n")

    assert config.rooms == {"lab": "rtmp://127.0.0.1/live/lab?a=b"}


def test_tracker_replaces_the_default(parse):
    config = parse(INI + "from = http://127.0.0.1:8000/tracker/\n")

    assert (config.rooms, config.tracker) == ({}, "http://127.0.0.1:8000/tracker")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("folder = previews", "", "[preview] folder: is missing; allowed: the folder from which"),
        (
            "folder = previews",
            "folder = p\nat.once = 0",
            "at.once: is '0'; allowed: a whole number, 1 to",
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
def test_error_is_one_line(parse, old, new, line):
    assert old in INI

    with pytest.raises(AgentConfigError) as error:
        parse(INI.replace(old, new))

    assert line in str(error.value)
    assert str(error.value).startswith("agent.ini: [preview]")


class FakeTracker:
    """A tracker client with a fixed response."""

    url = "http://tracker"

    def __init__(self, body, status=200):
        self.body, self.status, self.reason = body, status, "Reason"

    def call(self, method, path, **more):
        assert (method, path) == ("GET", "/streams.json")
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return self, body


def rooms_json(**endpoints):
    return {"rooms": {room: {"endpoints": listed} for room, listed in endpoints.items()}}


def endpoint_json(url, *formats):
    return {"url": url, "formats": list(formats)}


def test_live_rooms_of_a_tracker_have_urls():
    body = rooms_json(
        hall=[
            endpoint_json("http://a/x/", "opus"),
            endpoint_json("http://b/x/", "webm_low", "webm_high"),
        ],
        lab=[endpoint_json("https://c/lab/", "hls", "webm_high")],
        silent=[],
        sound=[endpoint_json("http://d/", "opus")],
    )

    assert stream_urls.fetch_live_stream_urls(FakeTracker(body)) == {
        "hall": "http://b/x/webcast-high.webm",
        "lab": "https://c/lab/stream.m3u8",
    }


@pytest.mark.parametrize(
    "url",
    ["file:///etc/", "rtmp://a/", "http:///", "http://a b/", "-i http://a/", "concat:a", None],
)
def test_endpoint_urls_are_limited_to_web_servers(url):
    assert (
        stream_urls.fetch_live_stream_urls(
            FakeTracker(rooms_json(hall=[endpoint_json(url, "hls")]))
        )
        == {}
    )


@pytest.mark.parametrize(
    "body", [b"<html>", [], {}, {"rooms": []}, {"rooms": None}, b"[" * 100_000]
)
def test_invalid_response_is_an_error(body):
    with pytest.raises(TrackerUnavailableError):
        stream_urls.fetch_live_stream_urls(FakeTracker(body))


@pytest.mark.parametrize(
    "body",
    [
        {"rooms": {"hall": None}},
        {"rooms": {"hall": {"endpoints": "all"}}},
        {
            "rooms": {
                "hall": {"endpoints": [1, None, {"url": 1}, {"url": "http://a/", "formats": 1}]}
            }
        },
        {"rooms": {"../hall": {"endpoints": [endpoint_json("http://a/", "hls")]}}},
    ],
)
def test_invalid_rooms_are_ignored(body):
    assert stream_urls.fetch_live_stream_urls(FakeTracker(body)) == {}
