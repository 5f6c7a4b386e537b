"""Sound alone: beside a picture, and where there is none."""

import json
import subprocess

import pytest

from .players import open_setting, video_data, wait_until_playing


@pytest.fixture
def sound(source):
    """The servers of the stream have a minute of sound, too."""
    subprocess.run(
        ["ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi",
         "-i", "sine=frequency=440:duration=60", "-y", source.folder / "webcast.mp3"],
        check=True,
    )  # fmt: skip


def test_sound_is_only_heard_when_every_picture_has_failed(
    stage, room, sound, stream, origin, open_page
):
    picture, radio = origin(), origin()
    # It would rather have nobody, and the other would have everybody.
    stage.register(room, "picture", picture, draining=True)
    stage.register(room, "radio", radio, ["mp3"])
    stage.wait_for(lambda: 'stream.m3u8"' in stage.text(f"/{room}"), 10, "a picture")
    page = open_page(f"/{room}")
    wait_until_playing(page)
    assert video_data(page)["format"] == "hls"
    assert radio.asked == []

    picture.refuses = lambda path: True

    page.locator("video[data-format=mp3]").wait_for(timeout=30_000)
    wait_until_playing(page, 30_000)


def test_a_room_with_sound_alone_is_heard_and_its_listeners_count(
    stage, room, sound, origin, open_page
):
    stage.register(room, "radio", origin(), ["mp3"])
    stage.wait_for(lambda: "<video" in stage.text(f"/{room}"), 10, "a player")

    page = open_page(f"/{room}")

    wait_until_playing(page, 30_000)
    assert video_data(page)["format"] == "mp3"
    page.get_by_text("There is sound and no picture.").wait_for()

    def listeners():
        told = json.loads(stage.text(f"/tracker/api/v1/rooms/{room}/playback"))
        return told["viewers"]["players"]

    stage.wait_for(lambda: listeners() == 1, 20, "a listener")


def test_sound_alone_can_be_chosen_beside_hls_and_left(
    stage, room, sound, stream, origin, open_page
):
    picture, radio = origin(), origin()
    stage.register(room, "picture", picture)
    stage.register(room, "radio", radio, ["mp3"])
    stage.wait_for(lambda: 'stream.m3u8"' in stage.text(f"/{room}"), 10, "a picture")
    page = open_page(f"/{room}")
    wait_until_playing(page)
    quality = open_setting(page, "Quality")
    assert quality.locator("option").all_inner_texts() == [
        "Automatic", "180p", "90p", "Audio only", "Audio only, MP3",
    ]  # fmt: skip

    quality.select_option("Audio only, MP3")

    page.locator("video[data-format=mp3]").wait_for(timeout=15_000)
    wait_until_playing(page, 30_000)
    picture.asked.clear()
    page.reload()
    page.locator("video[data-format=mp3]").wait_for(timeout=15_000)
    wait_until_playing(page, 30_000)
    assert picture.asked == []
    assert open_setting(page, "Quality").input_value() == "mp3_high"
    open_setting(page, "Quality").select_option("Automatic")
    page.locator("video[data-format=hls]").wait_for(timeout=15_000)
    wait_until_playing(page, 30_000)
