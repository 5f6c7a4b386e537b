"""The player recovers from failures of streams, endpoints and networks."""

import pytest
from playwright.sync_api import expect

from .player_site import video_data, wait_for_status, wait_until_playing

# Records when the player fetches the list of endpoints.
RECORD_FETCHES = """ending => {
  const originalFetch = window.fetch;
  window.fetchTimes = [];
  window.fetch = (address, ...options) => {
    if (String(address.url ?? address).endsWith(ending)) window.fetchTimes.push(performance.now());
    return originalFetch(address, ...options);
  };
}"""


def hide(page, hidden):
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def test_player_starts_a_live_stream_and_reports(player_site, room, stream, open_room):
    page, server = open_room()

    wait_until_playing(page)

    data = video_data(page)
    assert (data["endpoint"], data["format"]) == ("edge1", "hls")
    path = f"/tracker/api/v1/rooms/{room}/playback"
    player_site.wait_for(
        lambda: player_site.get(path).json()["viewers"]["players"] == 1, 10, "a viewer"
    )
    [endpoint] = player_site.get(path).json()["endpoints"]
    assert endpoint["endpoint"] == "edge1"
    own_urls = (player_site.url, server.url, f"blob:{player_site.url}")
    assert [url for url in page.requested_urls if not url.startswith(own_urls)] == []
    assert page.errors == []
    # The address of the page stays that of the room.
    expect(page).to_have_url(f"{player_site.url}/{room}")


def test_player_switches_to_another_endpoint_after_a_failure(
    player_site, room, stream, open_room, origin
):
    page, first = open_room()
    wait_until_playing(page)
    player_site.register(room, "edge2", origin())

    first.stop()

    page.locator("video[data-endpoint=edge2]").wait_for(timeout=10_000)
    wait_until_playing(page)


def test_full_endpoint_gets_no_viewers_while_others_have_headroom(
    player_site, room, stream, origin, open_page
):
    small, large = origin(), origin()
    player_site.register(room, "small", small, capacity=1_000_000, bitrate=1_000_000)
    player_site.register(room, "large", large, capacity=1_000_000_000)
    player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
    page = open_page(f"/{room}")
    wait_until_playing(page)
    assert video_data(page)["endpoint"] == "large"
    assert small.requested_paths == []


def test_player_waits_for_a_stream_that_has_not_started(encoder, open_room):
    page, _ = open_room()
    wait_for_status(page, "waiting")
    expect(page.locator(".player-status")).to_contain_text("The stream is interrupted.")
    expect(page.get_by_role("button", name="Retry now")).to_be_visible()

    encoder.start()
    encoder.wait()

    wait_until_playing(page)
    expect(page.locator(".player-status")).not_to_be_visible()


def test_player_retries_with_backoff_without_a_network(stream, open_room, room):
    page, _ = open_room()
    wait_until_playing(page)
    page.context.set_offline(True)
    wait_for_status(page, "offline", 30_000)
    page.evaluate(RECORD_FETCHES, f"/{room}/streams.json")
    page.wait_for_function("() => window.fetchTimes.length >= 3", timeout=30_000)
    first, _, third = page.evaluate("window.fetchTimes.slice(0, 3)")
    # The delays between the fetches are about two and four seconds, also on a slow machine.
    assert third - first > 4000

    page.context.set_offline(False)

    wait_until_playing(page)


def test_player_follows_an_encoder_that_restarts_its_segment_numbers(
    player_site, own_stream, open_room
):
    page, server = open_room()
    wait_until_playing(page)
    own_stream.wait_for_more()

    own_stream.kill()
    own_stream.start()
    own_stream.wait()

    deadline = 10
    player_site.wait_for(
        lambda: any("run2-" in path for path in server.requested_paths), deadline, "the new run"
    )
    wait_until_playing(page)


@pytest.mark.parametrize(
    ("end", "attempts"),
    # After the third attempt the delays are constant, so more attempts are only exhaustive.
    [("kill", 3), ("stop", 3), pytest.param("kill", 16, marks=pytest.mark.exhaustive)],
)
def test_player_resumes_a_stopped_stream_that_returns(
    player_site, own_stream, open_room, end, attempts
):
    page, server = open_room()
    wait_until_playing(page)
    getattr(own_stream, end)()
    wait_for_status(page, "waiting")
    server.requested_paths.clear()

    player_site.wait_for(lambda: server.count(".m3u8") >= attempts, 90, "the player retries")

    # The player does not repeat the last seconds.
    assert server.count(".ts") == 0
    own_stream.start()
    own_stream.wait()
    wait_until_playing(page)


def test_player_waits_for_missing_segments(stream, open_room):
    page, server = open_room()
    wait_until_playing(page)
    server.refuses = lambda path: path.endswith(".ts")
    wait_for_status(page, "waiting")

    server.refuses = lambda path: False

    wait_until_playing(page)


def test_hidden_silent_tab_sends_no_requests(stream, open_room):
    page, server = open_room()
    wait_until_playing(page)
    page.locator("video").evaluate("video => { video.muted = true; }")

    hide(page, True)
    page.wait_for_function("() => document.querySelector('.stage video').readyState === 0")
    # Requests in flight may still arrive.
    stream.wait_for_more(2)
    server.requested_paths.clear()
    page.requested_urls.clear()
    # A playing client would request each segment, and the list of endpoints.
    stream.wait_for_more(4)

    assert server.requested_paths == []
    assert [url for url in page.requested_urls if not url.endswith("/playback")] == []
    hide(page, False)
    wait_until_playing(page)


def test_hidden_audible_tab_continues(player_site, stream, open_room):
    page, server = open_room()
    wait_until_playing(page)
    # The browser may block autoplay with sound; a click allows it.
    if page.locator("video").evaluate("video => video.muted"):
        page.get_by_role("button", name="Unmute", exact=True).click()

    hide(page, True)
    server.requested_paths.clear()

    player_site.wait_for(lambda: server.count(".ts") >= 3, 15, "the player continues")
    wait_until_playing(page)


def test_silent_picture_in_picture_continues_in_a_hidden_tab_until_it_is_closed(stream, open_room):
    page, _ = open_room()
    wait_until_playing(page)
    page.locator("video").evaluate("video => { video.muted = true; }")
    page.keyboard.press("p")
    page.wait_for_function("() => document.pictureInPictureElement?.matches('.stage video')")

    hide(page, True)

    stream.wait_for_more()
    wait_until_playing(page)
    page.evaluate("document.exitPictureInPicture()")
    page.wait_for_function("() => document.querySelector('.stage video').readyState === 0")
    hide(page, False)
    wait_until_playing(page)
