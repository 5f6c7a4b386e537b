"""The player gets up again by itself: a real browser, a real stream, and what goes wrong."""

import pytest

from .players import video_data, wait_for_status, wait_until_playing

# When the player asks which servers there are.
NOTE_TRIES = """ending => {
  const asks = window.fetch;
  window.tries = [];
  window.fetch = (address, ...more) => {
    if (String(address.url ?? address).endsWith(ending)) window.tries.push(performance.now());
    return asks(address, ...more);
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


def test_a_live_stream_plays_by_itself_and_reports(stage, room, stream, watch):
    page, server = watch()

    wait_until_playing(page)

    told = video_data(page)
    assert (told["endpoint"], told["format"]) == ("edge1", "hls")
    figures = f"/tracker/api/v1/rooms/{room}/playback"
    stage.wait_for(lambda: stage.get(figures).json()["viewers"]["players"] == 1, 10, "a viewer")
    [endpoint] = stage.get(figures).json()["endpoints"]
    assert endpoint["endpoint"] == "edge1"
    ours = (stage.url, server.url, f"blob:{stage.url}")
    assert [url for url in page.asked if not url.startswith(ours)] == []
    assert page.complaints == []
    # An address that is copied while it plays leads to the room, and to nothing else.
    assert page.url == f"{stage.url}/{room}"


def test_when_a_server_dies_the_next_one_plays(stage, room, stream, watch, origin):
    page, first = watch()
    wait_until_playing(page)
    stage.register(room, "edge2", origin())

    first.stop()

    page.locator("video[data-endpoint=edge2]").wait_for(timeout=10_000)
    wait_until_playing(page)


def test_a_full_server_is_only_asked_when_the_others_have_failed(
    stage, room, stream, origin, open_page
):
    small, large = origin(), origin()
    stage.register(room, "small", small, capacity=1_000_000, bitrate=1_000_000)
    stage.register(room, "large", large, capacity=1_000_000_000)
    stage.wait_for(lambda: "<video" in stage.text(f"/{room}"), 10, "a player")
    page = open_page(f"/{room}")
    wait_until_playing(page)
    assert video_data(page)["endpoint"] == "large"
    assert small.asked == []


def test_a_stream_that_has_not_begun_is_waited_for(encoder, watch):
    page, _ = watch()
    wait_for_status(page, "waiting")
    assert page.locator(".player-status").inner_text().startswith("The stream is not there")
    assert page.locator(".player-status .button:visible").count() == 0

    encoder.start()
    encoder.wait()

    wait_until_playing(page)
    assert not page.locator(".player-status").is_visible()


def test_a_lost_network_is_waited_for_with_longer_breaks(stream, watch, room):
    page, _ = watch()
    wait_until_playing(page)
    page.context.set_offline(True)
    wait_for_status(page, "offline", 30_000)
    page.evaluate(NOTE_TRIES, f"/{room}/streams.json")
    page.wait_for_function("() => window.tries.length >= 3", timeout=30_000)
    first, _, third = page.evaluate("window.tries.slice(0, 3)")
    # There are breaks of about two seconds and four between them, however slow the machine is.
    assert third - first > 4000

    page.context.set_offline(False)

    wait_until_playing(page)


def test_an_encoder_that_counts_from_the_start_again_is_followed(stage, own_stream, watch):
    page, server = watch()
    wait_until_playing(page)
    own_stream.wait_for_more()

    own_stream.kill()
    own_stream.start()
    own_stream.wait()

    give_up = 10
    stage.wait_for(lambda: any("run2-" in path for path in server.asked), give_up, "the new run")
    wait_until_playing(page)


@pytest.mark.parametrize(
    ("end", "tries"),
    # After the third one all breaks are as long: only worth it now and then.
    [("kill", 3), ("stop", 3), pytest.param("kill", 16, marks=pytest.mark.exhaustive)],
)
def test_a_stream_that_was_gone_plays_when_it_is_back(stage, own_stream, watch, end, tries):
    page, server = watch()
    wait_until_playing(page)
    getattr(own_stream, end)()
    wait_for_status(page, "waiting")
    server.asked.clear()

    stage.wait_for(lambda: server.count(".m3u8") >= tries, 90, "the player tries again")

    # What is left of it is not shown again and again.
    assert server.count(".ts") == 0
    own_stream.start()
    own_stream.wait()
    wait_until_playing(page)


def test_segments_that_are_missing_for_a_while_are_waited_for(stream, watch):
    page, server = watch()
    wait_until_playing(page)
    server.refuses = lambda path: path.endswith(".ts")
    wait_for_status(page, "waiting")

    server.refuses = lambda path: False

    wait_until_playing(page)


def test_a_tab_that_nobody_sees_or_hears_asks_for_nothing(stream, watch):
    page, server = watch()
    wait_until_playing(page)
    page.locator("video").evaluate("video => { video.muted = true; }")

    hide(page, True)
    page.wait_for_function("() => document.querySelector('.stage video').readyState === 0")
    # What was on its way may still arrive.
    stream.wait_for_more(2)
    server.asked.clear()
    page.asked.clear()
    # A player asks for each of them, and for the list of servers within as long.
    stream.wait_for_more(4)

    assert server.asked == []
    assert [url for url in page.asked if not url.endswith("/playback")] == []
    hide(page, False)
    wait_until_playing(page)


def test_a_tab_that_is_heard_plays_on(stage, stream, watch):
    page, server = watch()
    wait_until_playing(page)
    # Whether a page may make a noise by itself is the browser's choice; a click may.
    if page.locator("video").evaluate("video => video.muted"):
        page.get_by_role("button", name="Sound on", exact=True).click()

    hide(page, True)
    server.asked.clear()

    stage.wait_for(lambda: server.count(".ts") >= 3, 15, "the player goes on")
    wait_until_playing(page)


def test_a_silent_picture_in_picture_plays_on_beside_other_tabs_until_it_is_closed(stream, watch):
    page, _ = watch()
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
