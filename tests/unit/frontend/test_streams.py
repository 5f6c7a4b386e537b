"""The choice of an endpoint."""

import random
from collections import Counter

from streaming_system.frontend.streams import pick_weighted
from streaming_system.frontend.tracker_client import EndpointInfo, RoomStatus

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
