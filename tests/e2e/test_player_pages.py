"""The requests of pages: no third parties, no unused player code, and a small size."""

import gzip
import re

import pytest

from .conftest import page_opener
from .player_site import wait_until_playing

MAX_PAGE_BYTES = 80_000


PAGES = ("/", "/example", "/example/schedule", "/schedule", "talk", "/monitor", "/graphs",
         "/nowhere", "/example?template=inroom")  # fmt: skip


@pytest.fixture(scope="module")
def requested_urls(chromium, player_site):
    """The URLs that each page requests until the network is idle."""
    talk = re.search(r'href="(/talk/[^"]+)"', player_site.text("/schedule"))[1]
    urls = {}
    with page_opener(chromium, player_site) as visit:
        page = visit("/")
        for path in PAGES:
            page.wait_for_load_state("networkidle")
            page.requested_urls.clear()
            page.goto(player_site.url + (talk if path == "talk" else path))
            page.wait_for_load_state("networkidle")
            urls[path] = list(page.requested_urls)
    return urls


def is_player_code(url):
    return "/static/player/" in url or "/vendor/hls/" in url


def test_pages_send_no_third_party_requests(player_site, requested_urls):
    third_party = {
        path: [url for url in urls if not url.startswith(player_site.url)]
        for path, urls in requested_urls.items()
    }

    assert all(requested_urls.values())
    assert third_party == {path: [] for path in PAGES}


@pytest.mark.parametrize("path", ["/", "/schedule", "/example/schedule", "/example"])
def test_page_without_a_stream_loads_no_player_code(requested_urls, path):
    loaded = [url for url in requested_urls[path] if is_player_code(url)]

    # The countdown to a talk is also used without the player.
    assert [url for url in loaded if not url.endswith("/player/countdown.js")] == []


def test_room_page_is_small(player_site, stream, open_room):
    page, _ = open_room()
    wait_until_playing(page)
    own = [
        url
        for url in page.requested_urls
        if url.startswith(f"{player_site.url}/static/") and "/vendor/" not in url
    ]
    assert any("/player/room-player.js" in url for url in own)
    parts = [
        player_site.get(url.removeprefix(player_site.url)).data
        for url in dict.fromkeys([page.url, *own])
    ]

    size = sum(len(gzip.compress(part)) for part in parts)

    assert size < MAX_PAGE_BYTES, f"the room's page is {size} bytes"


def test_playable_formats_depend_on_the_browser(open_page):
    page = open_page("/example")

    results = page.evaluate(
        """async () => {
          const { canPlay } = await import('/static/player/engines.js');
          const video = (result) => ({ canPlayType: () => result });
          const hls = 'application/vnd.apple.mpegurl';
          const webRTC = 'application/sdp';
          const supported = {
            byScript: canPlay(video(''), hls), file: canPlay(video('maybe'), 'video/webm'),
            unknown: canPlay(video(''), 'video/webm'), whep: canPlay(video(''), webRTC),
          };
          delete window.MediaSource;
          delete window.ManagedMediaSource;
          delete window.RTCPeerConnection;
          return {
            ...supported, byItself: canPlay(video('maybe'), hls), notAtAll: canPlay(video(''), hls),
            withoutWebRTC: canPlay(video('maybe'), webRTC),
          };
        }"""
    )

    assert results == {
        "byScript": True, "file": True, "unknown": False, "whep": True,
        "byItself": True, "notAtAll": False, "withoutWebRTC": False,
    }  # fmt: skip
