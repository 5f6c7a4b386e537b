"""Captions in the player: live ones that a captioner sends, and those within the picture."""

import pytest
from playwright.sync_api import expect

from .embedded_captions import TEXT, write_stream
from .player_site import open_setting, wait_until_playing
from .stream import Encoder, Origin

ACTIVE_TEXTS = """() => [...document.querySelector('video').textTracks]
  .filter(({mode}) => mode === 'showing')
  .flatMap(({activeCues}) => [...activeCues].map(({text}) => text))"""

SHOWN_TEXTS = """() => [...document.querySelector('video').textTracks]
  .filter(({mode}) => mode === 'showing')
  .flatMap(({cues}) => [...cues].map(({text}) => text.trim()))"""


class DatedEncoder(Encoder):
    """A stream whose playlists have the time of each segment."""

    flags = f"{Encoder.flags}+program_date_time"


def wait_for_text(page, text, timeout=20_000):
    page.wait_for_function(f"(text) => ({ACTIVE_TEXTS})().includes(text)", arg=text,
                           timeout=timeout)  # fmt: skip


@pytest.fixture
def captioner(player_site, room, open_page):
    """Return a function that sends a line to the room."""
    requests = []

    def send(page, text, language="en", **query):
        requests.append(text)
        parameters = {"lang": language, "seq": len(requests), **query}
        response = page.request.post(
            f"{player_site.url}/tracker/captions/{room}",
            params=parameters,
            data=text,
            headers={"Authorization": f"Bearer {player_site.token}", "Content-Type": "text/plain"},
        )
        assert response.ok, response.text()

    return send


class TestLiveCaptions:
    @pytest.fixture
    def encoder_class(self):
        return DatedEncoder

    def test_text_of_a_captioner_is_shown(self, own_stream, open_room, captioner, open_page):
        page, _ = open_room()
        captioner(page, "Before.")
        captioner(page, "Vorher.", "de", seq=1)
        page.reload()
        wait_until_playing(page)
        subtitles = open_setting(page, "Subtitles")
        expect(subtitles.locator("option")).to_have_text(
            ["Off", "German (live)", "English (live)"], use_inner_text=True
        )

        subtitles.select_option("English (live)")
        captioner(page, "<b>Tom</b> & Jerry", seq=7)
        wait_for_text(page, "&lt;b&gt;Tom&lt;/b&gt; &amp; Jerry")
        # A correction of the line that is shown.
        captioner(page, "Tom and Jerry", seq=7)
        wait_for_text(page, "Tom and Jerry")

        page.reload()
        wait_until_playing(page)
        captioner(page, "Again.", seq=9)
        wait_for_text(page, "Again.")
        page.keyboard.press("c")
        page.wait_for_function(f"() => ({ACTIVE_TEXTS})().length === 0")


def test_captions_within_the_picture_can_be_shown(player_site, room, tmp_path, open_page):
    write_stream(tmp_path / "embedded")
    origin = Origin(tmp_path / "embedded")
    origin.start()
    try:
        player_site.register(room, "edge1", origin)
        player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
        page = open_page(f"/{room}")
        wait_until_playing(page)
        subtitles = open_setting(page, "Subtitles")
        expect(subtitles.locator("option")).to_have_text(["Off", "CC1"], use_inner_text=True)

        subtitles.select_option("CC1")

        # The stream may have ended on a slow machine.
        page.wait_for_function(f"(text) => ({SHOWN_TEXTS})().includes(text)", arg=TEXT)
        subtitles.select_option("Off")
        page.wait_for_function(f"() => ({ACTIVE_TEXTS})().length === 0")
    finally:
        origin.stop()
