"""What pages load: nothing of others, no player where nothing plays, and little of it all."""

import gzip
import re

import pytest

from .conftest import page_opener
from .players import wait_until_playing

LARGEST = 60_000


PAGES = ("/", "/example", "/example/schedule", "/schedule", "talk", "/monitor", "/graphs",
         "/nowhere", "/example?template=inroom")  # fmt: skip


@pytest.fixture(scope="module")
def asked(chromium, stage):
    """What each page asks for until it is quiet."""
    talk = re.search(r'href="(/talk/[^"]+)"', stage.text("/schedule"))[1]
    found = {}
    with page_opener(chromium, stage) as visit:
        page = visit("/")
        for path in PAGES:
            page.wait_for_load_state("networkidle")
            page.asked.clear()
            page.goto(stage.url + (talk if path == "talk" else path))
            page.wait_for_load_state("networkidle")
            found[path] = list(page.asked)
    return found


def is_player_code(url):
    return "/static/player/" in url or "/vendor/hls/" in url


def test_no_page_asks_anybody_else(stage, asked):
    foreign = {
        path: [url for url in urls if not url.startswith(stage.url)] for path, urls in asked.items()
    }

    assert all(asked.values())
    assert foreign == {path: [] for path in PAGES}


@pytest.mark.parametrize("path", ["/", "/schedule", "/example/schedule", "/example"])
def test_where_nothing_plays_no_player_is_loaded(asked, path):
    loaded = [url for url in asked[path] if is_player_code(url)]

    # How long it is until a talk begins is not the player's own affair.
    assert [url for url in loaded if not url.endswith("/player/countdown.js")] == []


def test_a_room_page_is_small(stage, stream, watch):
    page, _ = watch()
    wait_until_playing(page)
    own = [
        url
        for url in page.asked
        if url.startswith(f"{stage.url}/static/") and "/vendor/" not in url
    ]
    assert any("/player/room-player.js" in url for url in own)
    parts = [stage.get(url.removeprefix(stage.url)).data for url in dict.fromkeys([page.url, *own])]

    size = sum(len(gzip.compress(part)) for part in parts)

    assert size < LARGEST, f"the room's page is {size} bytes"


def test_what_can_play_is_what_the_browser_has(open_page):
    page = open_page("/example")

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
