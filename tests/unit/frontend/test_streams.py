"""The choice of an endpoint, and its links."""

import random
from collections import Counter

import pytest

from streaming_system.config import Room, SiteConfig
from streaming_system.frontend.streams import pick_weighted, stream_formats, stream_links
from streaming_system.frontend.tracker_client import EndpointInfo, RoomStatus, parse_streams

ONE = EndpointInfo(url="http://one/", name="one", weight=250)
TWO = EndpointInfo(url="http://two/", name="two", weight=750)
NONE = EndpointInfo(url="http://none/", name="none", weight=0)


def names(*servers):
    random_source = random.Random(1)
    status = RoomStatus(live=True, endpoints=servers)
    return Counter(pick_weighted(status, random_source).name for _ in range(4000))


def test_endpoints_are_picked_by_weight():
    drawn = names(ONE, TWO, NONE)

    assert set(drawn) == {"one", "two"}
    assert 0.22 < drawn["one"] / 4000 < 0.28


def test_endpoint_with_weight_zero_is_picked_alone():
    assert set(names(NONE)) == {"none"}


def test_audio_only_endpoint_is_picked_without_video():
    sound = EndpointInfo(url="http://sound/", name="sound", formats=("mp3",), weight=900)
    slides = EndpointInfo(
        url="http://slides/", name="slides", formats=("slides", "whep"), weight=900
    )
    video = EndpointInfo(url="http://video/", name="video", formats=("hls",), weight=0)

    assert set(names(sound, slides, video)) == {"video"}
    assert set(names(slides, sound)) == {"sound"}
    assert set(names(slides)) == {"slides"}


def test_endpoint_without_playable_stream_is_not_picked():
    feed = EndpointInfo(url="http://feed/", name="feed", formats=("rtmp",), weight=900)

    assert pick_weighted(RoomStatus(live=False, endpoints=(feed,)), random.Random(1)) is None


def test_room_without_endpoints_gets_none():
    assert pick_weighted(None, random.Random(1)) is None
    assert pick_weighted(RoomStatus(live=False), random.Random(1)) is None


@pytest.mark.parametrize(
    ("formats", "files", "links"),
    [
        (("mp3",), {"mp3": "hall.mp3"}, {"mp3_high": "hall.mp3"}),
        (("mp3",), {"mp3_high": "hall.mp3"}, {"mp3_high": "hall.mp3"}),
        (("mp3",), {"hls": "hall.m3u8"}, {"mp3_high": "webcast.mp3"}),
        (("opus",), {"opus": "hall.ogg"}, {"ogg_high": "hall.ogg"}),
        (("hls", "slides"), {"hls": "a.m3u8"}, {"hls": "a.m3u8", "slides": "slides.m3u8"}),
        (("dash",), {"dash": "hall.mpd?a=b"}, {"dash": "hall.mpd?a=b"}),
        (
            ("webm", "webm_low"),
            {"webm": "h.webm"},
            {"webm_high": "h.webm", "webm_low": "webcast-low.webm"},
        ),
        (
            ("webm", "webm_low"),
            {"webm_low": "l.webm"},
            {"webm_high": "webcast-high.webm", "webm_low": "l.webm"},
        ),
    ],
)
def test_links_have_the_reported_or_conventional_path(formats, files, links):
    endpoint = EndpointInfo(url="http://edge/live/", formats=formats, files=files)
    room = Room(id="hall", title="Hall")

    found = stream_links(endpoint, stream_formats(SiteConfig(secret="x"), room))

    assert {link.stream: link.url for link in found} == {
        stream: f"http://edge/live/{path}" for stream, path in links.items()
    }


@pytest.mark.parametrize(
    ("files", "valid"),
    [
        ({"mp3": "hall.mp3", "hls": 1, "ogg": 'a">', "aac": "/a", "dash": ""}, {"mp3": "hall.mp3"}),
        (["mp3"], {}),
        ("mp3", {}),
        (None, {}),
    ],
)
def test_an_invalid_path_in_the_trackers_document_costs_only_itself(files, valid):
    endpoint = {"url": "http://edge/", "formats": ["mp3"], "files": files}
    room = {"live": True, "clients": 0, "bitrate": 0, "endpoints": [endpoint]}

    [parsed] = parse_streams({"rooms": {"hall": room}})["hall"].endpoints

    assert parsed.files == valid
