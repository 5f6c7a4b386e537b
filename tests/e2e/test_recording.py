"""A talk that has just ended plays on its page, from its beginning."""

import json
import re
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect
from programs import require
from timeouts import extended

from streaming_system import frontend
from streaming_system.frontend.views import recordings, schedule
from streaming_system.schedule.model import RoomSchedule, Schedule, Slot
from streaming_system.schedule.storage import save_schedule

from .player_site import open_setting
from .stream import Origin

# The picture of each 20 seconds of the stream: before the talk, the talk, after it.
COLOURS = ("red", "lime", "blue")
SECONDS = 20
# The red, green and blue of the middle of the picture.
PICTURE_SCRIPT = """video => {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 1;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0, 1, 1);
  const [...colour] = context.getImageData(0, 0, 1, 1).data;
  return colour.slice(0, 3).map((value) => Math.round(value / 255));
}"""


# Whether the captions have a cue from the first second of the talk on.
CAPTION_SCRIPT = """(text) => [...document.querySelector('video').textTracks].some(
  ({mode, cues}) => mode === 'showing' && cues.length === 1 && cues[0].text === text
    && Math.abs(cues[0].startTime - 1) < 0.1)"""


class ThreadingServer(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def recorded_event(tmp_path_factory):
    """A server of an HLS event with the time of each segment, and when that begins."""
    require("ffmpeg")
    folder = tmp_path_factory.mktemp("event")
    inputs = [
        part
        for colour in COLOURS
        for part in ("-f", "lavfi", "-i", f"color={colour}:size=160x90:rate=10:duration={SECONDS}")
    ]
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", *inputs,
         "-filter_complex", "[0][1][2]concat=n=3:v=1:a=0", "-c:v", "libx264", "-preset",
         "ultrafast", "-b:v", "200k", "-g", "20", "-keyint_min", "20", "-pix_fmt", "yuv420p",
         "-f", "hls", "-hls_time", "2", "-hls_playlist_type", "event", "-hls_flags",
         "program_date_time", "-master_pl_name", "dvr.m3u8", str(folder / "media.m3u8")],
        check=True, timeout=extended(60),
    )  # fmt: skip
    playlist = (folder / "media.m3u8").read_text()
    times = [line.partition(":")[2] for line in playlist.split("\n") if "DATE-TIME" in line]
    origin = Origin(folder)
    origin.start()
    yield origin, datetime.fromisoformat(times[0]).astimezone(UTC)
    origin.stop()


@pytest.fixture
def recorded_site(recorded_event, tmp_path, monkeypatch):
    """The address of a site whose talk is the second third of the event, just after its end."""
    for view in (schedule, recordings):
        monkeypatch.setattr(view, "FIRST_RESPONSE_TIMEOUT", extended(10))
    origin, begin = recorded_event
    talk = Slot(
        start=begin + timedelta(seconds=SECONDS),
        end=begin + timedelta(seconds=2 * SECONDS),
        title="Green",
        guid="green",
    )
    room = RoomSchedule(timezone=ZoneInfo("UTC"), slots=(talk,))
    save_schedule(Schedule(rooms={"hall": room}, imported_at=begin), tmp_path / "schedule.json")
    (tmp_path / "config.json").write_text(
        json.dumps({"hall": {"title": "Hall", "relive": {"hls": f"{origin.url}dvr.m3u8"}}})
    )
    settings = {
        "config.public": str(tmp_path / "config.json"),
        "config.private": str(tmp_path / "config.private.json"),
        "schedule.file": str(tmp_path / "schedule.json"),
        "outbound.allowed_private_networks": "127.0.0.1",
        "clock": lambda: talk.end + timedelta(seconds=30),
    }
    with make_server(
        "127.0.0.1", 0, frontend.main({}, **settings), ThreadingServer, QuietHandler
    ) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def transcript(recorded_event):
    """The response of a tracker with the transcript of the talk, which has one long line."""
    _, begin = recorded_event
    start, end = (begin + timedelta(seconds=SECONDS + more) for more in (1, SECONDS - 1))
    line = {"id": 1, "start": start.isoformat(), "end": end.isoformat(), "text": "A <green> talk"}
    return json.dumps({"language": "en", "languages": ["en"], "lines": [line]})


def test_ended_talk_plays_from_its_beginning_to_its_end(
    recorded_site, recorded_event, transcript, new_page
):
    page = new_page()
    origin, _ = recorded_event
    page.route(
        "**/transcript.json*",
        lambda route: route.fulfill(body=transcript, content_type="application/json"),
    )
    page.goto(f"{recorded_site}/talk/green")
    # The talk has ended by the clock of the site, and must have begun by that of the browser.
    begin_ms = 1000 * (recorded_event[1].timestamp() + SECONDS)
    page.wait_for_function("begin => Date.now() > begin", arg=begin_ms, timeout=60_000)
    page.reload()
    stage = page.get_by_role("region", name="Recording of the talk")
    play = stage.get_by_role("button", name="Play").first
    expect(play).to_be_visible()
    # Before the viewer starts it, the browser contacts no other server.
    assert [url for url in page.requested_urls if url.startswith(origin.url)] == []

    play.click()

    video = page.locator("video")
    expect(stage).to_have_attribute("data-player-state", "playing", timeout=extended(20) * 1000)
    # The segments begin at full two seconds, as the talk does.
    assert video.evaluate(PICTURE_SCRIPT) == [0, 1, 0]
    assert video.evaluate("video => Math.round(video.duration)") == SECONDS
    # The transcript is on the page, and has the captions of the recording.
    text = page.get_by_role("region", name="Transcript").last
    page.get_by_text("What was spoken, as text").click()
    expect(text).to_contain_text("A <green> talk")
    page.get_by_label("Search").fill("blue")
    expect(page.get_by_text("No line has these words.")).to_be_visible()
    open_setting(page, "Subtitles").select_option("English")
    page.wait_for_function(CAPTION_SCRIPT, arg="A &lt;green&gt; talk")
    position = stage.get_by_role("slider", name="Position")
    expect(position).to_have_attribute("max", str(SECONDS))

    position.evaluate(f"slider => {{ slider.value = {SECONDS - 1}; slider.oninput(); }}")

    expect(stage).to_have_attribute("data-player-state", "stopped", timeout=extended(20) * 1000)
    assert video.evaluate(PICTURE_SCRIPT) == [0, 1, 0]
    assert page.errors == []


def seek(page, seconds):
    """Go to a position of the recording, and wait until it plays there."""
    slider = page.get_by_role("slider", name="Position")
    slider.evaluate(f"slider => {{ slider.value = {seconds}; slider.oninput(); }}")
    page.wait_for_function(
        f"() => document.querySelector('video').currentTime > {seconds}",
        timeout=extended(20) * 1000,
    )


def start_position(page):
    """Return the position in seconds at which the recording plays."""
    expect(page.locator(".stage")).to_have_attribute(
        "data-player-state", "playing", timeout=extended(20) * 1000
    )
    return page.locator("video").evaluate("video => video.currentTime")


def test_viewer_continues_a_recording_and_shares_its_position(recorded_site, new_page):
    page = new_page()
    page.goto(f"{recorded_site}/talk/green")
    page.get_by_role("button", name="Play").first.click()
    start_position(page)
    seek(page, 8)
    page.locator("video").evaluate("video => video.pause()")
    page.locator(".share summary").click()
    page.get_by_label(re.compile("Start at 0:")).check()
    link = page.locator(".share-dialog input[readonly]").input_value()
    assert re.fullmatch(re.escape(recorded_site) + r"/talk/green\?t=\d+", link)

    # The same browser continues.
    page.goto(f"{recorded_site}/talk/green")
    expect(page.locator(".talk-status")).to_have_attribute("data-watched-label", "Watched in part")
    page.get_by_role("button", name=re.compile("Continue at 0:")).click()
    assert start_position(page) > 7

    # A link is more precise than the memory, and may be too late.
    page.goto(f"{recorded_site}/talk/green?t=13")
    page.get_by_role("button", name="Play").first.click()
    assert start_position(page) >= 13
    page.goto(f"{recorded_site}/talk/green?t=9999")
    page.get_by_role("button", name="Play").first.click()
    expect(page.locator(".player-note")).to_contain_text("It starts at the beginning.")
    assert start_position(page) < 7

    # The end makes it a watched talk, until the viewer clears the list.
    seek(page, SECONDS - 1)
    expect(page.locator(".stage")).to_have_attribute(
        "data-player-state", "stopped", timeout=extended(20) * 1000
    )
    page.goto(f"{recorded_site}/schedule")
    expect(page.locator(".talk[data-watched=done]")).to_have_count(1)
    page.goto(f"{recorded_site}/talk/green")
    page.get_by_role("button", name="Clear the list of watched talks").click()
    expect(page.locator("[data-watched]")).to_have_count(0)
    assert page.evaluate("localStorage.length") == 0
    # The site has no tracker, and so no transcripts.
    assert [error for error in page.errors if "404 (Not Found)" not in error] == []
