"""What pages load: nothing of others, no player where nothing plays, and little of it all."""

import gzip
import re

import pytest

from .players import wait_until_it_plays

LARGEST = 60_000


@pytest.fixture
def look(open_page):
    """Return a function that opens a page and waits until it is quiet."""

    def look(path):
        page = open_page(path)
        page.wait_for_load_state("networkidle")
        return page

    return look


def is_player_code(url):
    return "/static/player/" in url or "/vendor/hls/" in url


def test_no_page_asks_anybody_else(stage, look):
    talk = re.search(r'href="(/talk/[^"]+)"', stage.text("/schedule"))[1]
    paths = ["/", "/example", "/example/schedule", "/schedule", talk, "/monitor", "/graphs",
             "/nowhere", "/example?template=inroom"]  # fmt: skip

    foreign = {
        path: [url for url in look(path).asked if not url.startswith(stage.url)] for path in paths
    }

    assert foreign == {path: [] for path in paths}


@pytest.mark.parametrize("path", ["/", "/schedule", "/example/schedule", "/example"])
def test_where_nothing_plays_no_player_is_loaded(look, path):
    loaded = [url for url in look(path).asked if is_player_code(url)]

    # How long it is until a talk begins is not the player's own affair.
    assert [url for url in loaded if not url.endswith("/player/countdown.js")] == []


def test_a_room_page_is_small(stage, stream, watch):
    page, _ = watch()
    wait_until_it_plays(page)
    own = [
        url
        for url in page.asked
        if url.startswith(f"{stage.url}/static/") and "/vendor/" not in url
    ]
    assert any("/player/room.js" in url for url in own)
    parts = [stage.get(url.removeprefix(stage.url)).data for url in dict.fromkeys([page.url, *own])]

    size = sum(len(gzip.compress(part)) for part in parts)

    assert size < LARGEST, f"the room's page is {size} bytes"


def test_what_can_play_is_what_the_browser_has(look):
    page = look("/example")

    answers = page.evaluate(
        """async () => {
          const { canPlay } = await import('/static/player/engines.js');
          const says = (answer) => ({ canPlayType: () => answer });
          const hls = 'application/vnd.apple.mpegurl';
          const webRTC = 'application/sdp';
          const found = {
            byScript: canPlay(says(''), hls), file: canPlay(says('maybe'), 'video/webm'),
            unknown: canPlay(says(''), 'video/webm'), whep: canPlay(says(''), webRTC),
          };
          delete window.MediaSource;
          delete window.ManagedMediaSource;
          delete window.RTCPeerConnection;
          return {
            ...found, byItself: canPlay(says('maybe'), hls), notAtAll: canPlay(says(''), hls),
            withoutWebRTC: canPlay(says('maybe'), webRTC),
          };
        }"""
    )

    assert answers == {
        "byScript": True, "file": True, "unknown": False, "whep": True,
        "byItself": True, "notAtAll": False, "withoutWebRTC": False,
    }  # fmt: skip
