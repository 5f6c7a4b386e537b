"""The player gets up again by itself: a real browser, a real stream, and what goes wrong."""

import time

import pytest

PLAYS_WITHIN = 10_000
# Between two looks the picture has moved, and by no more than time has passed: it plays.
MOVES = """() => {
  const video = document.querySelector('.stage video');
  const now = performance.now();
  const before = window.lastLook;
  if (!before || now - before.at >= 400) window.lastLook = { at: now, position: video.currentTime };
  if (!before || now - before.at < 400) return false;
  const moved = video.currentTime - before.position;
  return !video.paused && moved > 0.2 && moved < 2;
}"""


def wait_until_it_plays(page, milliseconds=PLAYS_WITHIN):
    page.evaluate("window.lastLook = null")
    page.wait_for_function(MOVES, timeout=milliseconds, polling=100)


def wait_until_it_says(page, state, milliseconds=20_000):
    page.locator(f".stage[data-says={state}]").wait_for(timeout=milliseconds)


def played(page):
    return page.locator("video").evaluate("video => ({...video.dataset})")


def hide(page, hidden):
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


@pytest.fixture
def watch(site, register, origin, visit):
    """Return a function that opens the room's page with a server behind it."""

    def watch(formats=("hls",)):
        server = origin()
        register("edge1", server, formats)
        site.wait_for(lambda: "<video" in site.text("/example"), 10, "a player")
        return visit("/example"), server

    return watch


@pytest.fixture
def stream(encoder):
    encoder.start()
    encoder.wait()
    return encoder


def test_a_live_stream_plays_by_itself_and_reports(site, stream, watch):
    page, server = watch()

    wait_until_it_plays(page)

    told = played(page)
    assert (told["endpoint"], told["format"]) == ("edge1", "hls")
    figures = "/tracker/api/v1/rooms/example/playback"
    site.wait_for(lambda: site.get(figures).json()["viewers"]["players"] == 1, 10, "a viewer")
    [endpoint] = site.get(figures).json()["endpoints"]
    assert endpoint["endpoint"] == "edge1"
    ours = (site.url, server.url, f"blob:{site.url}")
    assert [url for url in page.asked if not url.startswith(ours)] == []
    assert page.complaints == []


def test_when_a_server_dies_the_next_one_plays(site, stream, watch, origin, register):
    page, first = watch()
    wait_until_it_plays(page)
    register("edge2", origin())

    first.stop()

    page.locator("video[data-endpoint=edge2]").wait_for(timeout=10_000)
    wait_until_it_plays(page)


def test_a_full_server_is_only_asked_when_the_others_have_failed(
    site, stream, origin, register, visit
):
    small, large = origin(), origin()
    register("small", small, capacity=1_000_000, bitrate=1_000_000)
    register("large", large, capacity=1_000_000_000)
    site.wait_for(lambda: "<video" in site.text("/example"), 10, "a player")
    page = visit("/example")
    wait_until_it_plays(page)
    assert played(page)["endpoint"] == "large"
    assert small.asked == []


def test_a_stream_that_has_not_begun_is_waited_for(encoder, watch):
    page, _ = watch()
    wait_until_it_says(page, "waits")
    assert page.locator(".player-says").inner_text().startswith("The stream is not there")
    assert page.locator(".player-says .button:visible").count() == 0

    encoder.start()
    encoder.wait()

    wait_until_it_plays(page)
    assert not page.locator(".player-says").is_visible()


def test_a_lost_network_is_waited_for_with_longer_breaks(stream, watch):
    page, _ = watch()
    wait_until_it_plays(page)
    page.context.set_offline(True)
    wait_until_it_says(page, "offline", 30_000)
    page.asked.clear()
    page.wait_for_timeout(8000)
    tries = [url for url in page.asked if url.endswith("/example/streams.json")]
    assert 1 <= len(tries) <= 5

    page.context.set_offline(False)

    wait_until_it_plays(page)


def test_an_encoder_that_begins_to_count_anew_is_followed(site, stream, watch):
    page, server = watch()
    wait_until_it_plays(page)
    page.wait_for_timeout(3000)

    stream.kill()
    stream.start()
    stream.wait()

    give_up = 10
    site.wait_for(lambda: any("run2-" in path for path in server.asked), give_up, "the new run")
    wait_until_it_plays(page)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_stream_that_was_gone_for_twenty_seconds_plays_when_it_is_back(stream, watch, end):
    page, server = watch()
    wait_until_it_plays(page)
    getattr(stream, end)()
    gone = time.monotonic()
    wait_until_it_says(page, "waits")
    server.asked.clear()

    page.wait_for_timeout(max(0, 20_000 - 1000 * (time.monotonic() - gone)))

    # What is left of it is not shown again and again.
    assert [path for path in server.asked if path.endswith(".ts")] == []
    stream.start()
    stream.wait()
    wait_until_it_plays(page)


def test_segments_that_are_missing_for_a_while_are_waited_for(stream, watch):
    page, server = watch()
    wait_until_it_plays(page)
    server.refuses = lambda path: path.endswith(".ts")
    wait_until_it_says(page, "waits")

    server.refuses = lambda path: False

    wait_until_it_plays(page)


def test_a_tab_that_nobody_sees_or_hears_asks_for_nothing(stream, watch):
    page, server = watch()
    wait_until_it_plays(page)
    page.locator("video").evaluate("video => { video.muted = true; }")

    hide(page, True)
    # What was on its way may still arrive.
    page.wait_for_timeout(6000)
    server.asked.clear()
    page.asked.clear()
    page.wait_for_timeout(6000)

    assert server.asked == []
    assert [url for url in page.asked if not url.endswith("/playback")] == []
    hide(page, False)
    wait_until_it_plays(page)


def test_a_tab_that_is_heard_plays_on(stream, watch):
    page, server = watch()
    wait_until_it_plays(page)
    # Whether a page may make a noise by itself is the browser's choice; a click may.
    if page.locator("video").evaluate("video => video.muted"):
        page.get_by_role("button", name="Sound on").click()

    hide(page, True)
    server.asked.clear()
    page.wait_for_timeout(4000)

    assert server.asked
    wait_until_it_plays(page)
