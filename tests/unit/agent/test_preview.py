"""Configuration of thumbnails in agent.ini, and stream URLs from trackers."""

import json
from ipaddress import ip_address

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


def test_default_rooms_have_the_files_and_urls_of_their_sources(parse):
    config = parse(
        INI.replace("{room}/", "", 1).replace(
            "[preview]", "    /fig = lab webm file=lab.webm\n[preview]"
        )
        + "[source:nginx]\nuse = static\nstreams.url = https://edge2.example.org/{room}/\n"
        "hls.playlist = index.m3u8\nstreams =\n    attic = attic hls\n"
    )

    assert config.rooms == {
        "hall": "https://edge1.example.org/hall.webm",
        "garden": "https://edge1.example.org/garden",
        "lab": "https://edge1.example.org/lab.webm",
        "attic": "https://edge2.example.org/attic/index.m3u8",
    }


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
            "foldr: is no key; allowed: at.once, floor, folder",
        ),
        (
            "folder = previews",
            "folder = p\nnetworks = 10.0.0.1/8",
            "networks: is '10.0.0.1/8'; allowed: addresses and networks such as",
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


PRIVATE = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "168.63.129.16", "::1", "fd00:ec2::254",
           "::ffff:127.0.0.1", "0.0.0.0", "fe80::1")  # fmt: skip


class TestAddresses:
    """Which connections the thumbnail of http://edge.example/ may make."""

    def admits(self, parse, host, address, networks="", *, is_configured=False, port=80):
        policy = parse(INI + f"networks = {networks}\n").policy
        admits = policy.for_stream("http://edge.example/x", is_configured=is_configured)
        return admits(host, port, ip_address(address))

    def test_own_public_address_is_admitted(self, parse):
        for host in ("edge.example", "EDGE.example"):
            assert self.admits(parse, host, "1.1.1.1")

    @pytest.mark.parametrize("address", PRIVATE)
    def test_own_private_address_needs_a_setting(self, parse, address):
        assert not self.admits(parse, "edge.example", address)
        assert not self.admits(parse, "edge.example", address, "public")
        if "ffff" not in address:
            assert self.admits(parse, "edge.example", address, f"10.9.9.9 {address}")

    @pytest.mark.parametrize("address", PRIVATE)
    def test_address_of_a_configured_stream_is_admitted(self, parse, address):
        assert self.admits(parse, "edge.example", address, is_configured=True)
        assert not self.admits(parse, "other.example", address, is_configured=True)
        assert not self.admits(parse, "edge.example", address, is_configured=True, port=5432)

    def test_other_servers_need_a_setting(self, parse):
        assert not self.admits(parse, "cdn.example", "1.1.1.1")
        assert self.admits(parse, "cdn.example", "1.1.1.1", "public")
        assert self.admits(parse, "cdn.example", "1.1.1.1", "\n    10.0.0.0/8\n    1.1.1.0/24")

    def test_mapped_address_is_that_of_ipv4(self, parse):
        assert self.admits(parse, "edge.example", "::ffff:127.0.0.1", "127.0.0.0/8")


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


def endpoint_json(url, *formats, **more):
    return {"url": url, "formats": list(formats), **more}


def test_live_rooms_of_a_tracker_have_urls():
    body = rooms_json(
        hall=[
            endpoint_json("http://a/x/", "opus"),
            endpoint_json("http://b/x/", "webm_low", "webm_high"),
        ],
        lab=[endpoint_json("https://c/lab/", "hls", "webm_high")],
        attic=[endpoint_json("http://e", "webm", files={"webm": "attic.webm", "hls": 1})],
        cellar=[endpoint_json("http://f/", "hls", files=["hls"])],
        silent=[],
        sound=[endpoint_json("http://d/", "opus")],
    )

    assert stream_urls.fetch_live_stream_urls(FakeTracker(body)) == {
        "hall": "http://b/x/webcast-high.webm",
        "lab": "https://c/lab/stream.m3u8",
        "attic": "http://e/attic.webm",
        "cellar": "http://f/stream.m3u8",
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
