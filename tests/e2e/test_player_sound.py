"""Streams of sound alone, with and without a video stream."""

import json
import subprocess

import pytest
from playwright.sync_api import expect

from .player_site import open_setting, video_data, wait_until_playing


@pytest.fixture
def sound(source):
    """The servers of the stream also have a minute of sound."""
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi",
         "-i", "sine=frequency=440:duration=60", "-y", source.folder / "webcast.mp3"],
        check=True,
    )  # fmt: skip


def test_sound_alone_plays_only_after_all_video_has_failed(
    player_site, room, sound, stream, origin, open_page
):
    picture, radio = origin(), origin()
    # Draining: the balancer would prefer the other endpoint.
    player_site.register(room, "picture", picture, draining=True)
    player_site.register(room, "radio", radio, ["mp3"])
    player_site.wait_for(lambda: 'stream.m3u8"' in player_site.text(f"/{room}"), 10, "a picture")
    page = open_page(f"/{room}")
    wait_until_playing(page)
    assert video_data(page)["format"] == "hls"
    assert radio.requested_paths == []

    picture.refuses = lambda path: True

    page.locator("video[data-format=mp3]").wait_for(timeout=30_000)
    wait_until_playing(page, 30_000)


def test_room_with_sound_alone_plays_and_counts_listeners(
    player_site, room, sound, origin, open_page
):
    player_site.register(room, "radio", origin(), ["mp3"])
    player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")

    page = open_page(f"/{room}")

    wait_until_playing(page, 30_000)
    assert video_data(page)["format"] == "mp3"
    page.get_by_text("This stream is audio only.").wait_for()

    def listeners():
        playback = json.loads(player_site.text(f"/tracker/api/v1/rooms/{room}/playback"))
        return playback["viewers"]["players"]

    player_site.wait_for(lambda: listeners() == 1, 20, "a listener")


def test_sound_alone_can_be_selected_beside_hls_and_deselected(
    player_site, room, sound, stream, origin, open_page
):
    picture, radio = origin(), origin()
    player_site.register(room, "picture", picture)
    player_site.register(room, "radio", radio, ["mp3"])
    player_site.wait_for(lambda: 'stream.m3u8"' in player_site.text(f"/{room}"), 10, "a picture")
    page = open_page(f"/{room}")
    wait_until_playing(page)
    quality = open_setting(page, "Quality")
    # The other endpoints are in the tracker's list, which may come after the first frame.
    expect(quality.locator("option")).to_have_text(
        ["Automatic", "180p", "90p", "Audio only", "Audio only, MP3"]
    )

    quality.select_option("Audio only, MP3")

    page.locator("video[data-format=mp3]").wait_for(timeout=15_000)
    wait_until_playing(page, 30_000)
    picture.requested_paths.clear()
    page.reload()
    page.locator("video[data-format=mp3]").wait_for(timeout=15_000)
    wait_until_playing(page, 30_000)
    # The page requests the playlist before its scripts know the preference.
    assert set(picture.requested_paths) <= {"/stream.m3u8"}
    expect(open_setting(page, "Quality")).to_have_value("mp3_high")
    open_setting(page, "Quality").select_option("Automatic")
    page.locator("video[data-format=hls]").wait_for(timeout=15_000)
    wait_until_playing(page, 30_000)
