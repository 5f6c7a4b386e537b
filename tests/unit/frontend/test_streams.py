"""Which server a page names."""

import random
from collections import Counter

from streaming_system.frontend.streams import pick_weighted
from streaming_system.frontend.tracker_client import EndpointInfo, RoomStatus

ONE = EndpointInfo(url="http://one/", name="one", weight=250)
TWO = EndpointInfo(url="http://two/", name="two", weight=750)
NONE = EndpointInfo(url="http://none/", name="none", weight=0)


def names(*servers):
    chance = random.Random(1)
    told = RoomStatus(live=True, endpoints=servers)
    return Counter(pick_weighted(told, chance).name for _ in range(4000))


def test_each_gets_its_share():
    drawn = names(ONE, TWO, NONE)

    assert set(drawn) == {"one", "two"}
    assert 0.22 < drawn["one"] / 4000 < 0.28


def test_one_that_shall_get_nobody_is_better_than_nothing():
    assert set(names(NONE)) == {"none"}


def test_sound_alone_is_for_rooms_without_a_picture():
    sound = EndpointInfo(url="http://sound/", name="sound", formats=("mp3",), weight=900)
    slides = EndpointInfo(
        url="http://slides/", name="slides", formats=("slides", "whep"), weight=900
    )
    video = EndpointInfo(url="http://video/", name="video", formats=("hls",), weight=0)

    assert set(names(sound, slides, video)) == {"video"}
    assert set(names(slides, sound)) == {"sound"}
    assert set(names(slides)) == {"slides"}


def test_nobody_is_sent_where_nothing_can_be_played():
    feed = EndpointInfo(url="http://feed/", name="feed", formats=("rtmp",), weight=900)

    assert pick_weighted(RoomStatus(live=False, endpoints=(feed,)), random.Random(1)) is None


def test_nobody_is_there_where_nothing_streams():
    assert pick_weighted(None, random.Random(1)) is None
    assert pick_weighted(RoomStatus(live=False), random.Random(1)) is None
