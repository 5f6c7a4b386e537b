"""The settings of the player: languages, subtitles, slides, speed and delay."""

import shutil

import pytest
from playwright.sync_api import expect

from .player_site import open_setting, video_data, wait_until_playing
from .stream import SlidesEncoder, TranslatedEncoder
from .webm_server import TEST_VIDEO

HAS_SUBTITLES = """() => {
  const tracks = [...document.querySelector('video').textTracks];
  const track = tracks.find(({mode}) => mode === 'showing');
  return track?.activeCues?.[0]?.text.startsWith('Second') ?? false;
}"""
HAS_NO_SUBTITLES = """() => [...document.querySelector('video').textTracks]
  .every(({mode}) => mode !== 'showing')"""


def reports_slides(response):
    body = response.request.post_data or ""
    return response.url.endswith("/playback") and '"format":"slides"' in body


class TestLanguages:
    @pytest.fixture
    def encoder_class(self):
        return TranslatedEncoder

    def test_translation_can_be_selected_and_is_stored(self, player_site, own_stream, open_room):
        page, server = open_room()
        wait_until_playing(page)
        language = open_setting(page, "Language")
        expect(language.locator("option")).to_have_text(["English", "German"], use_inner_text=True)
        expect(language).to_have_value("en")
        assert [path for path in server.requested_paths if "/translation/" in path] == []

        language.select_option("German")

        player_site.wait_for(
            lambda: any("/translation/run" in path for path in server.requested_paths),
            10,
            "the translation",
        )
        wait_until_playing(page)
        page.reload()
        wait_until_playing(page)
        expect(open_setting(page, "Language")).to_have_value("de")

    def test_subtitles_are_only_loaded_when_they_are_on(self, own_stream, open_room):
        page, server = open_room()
        wait_until_playing(page)
        subtitles = open_setting(page, "Subtitles")
        expect(subtitles.locator("option")).to_have_text(["Off", "English"], use_inner_text=True)
        expect(subtitles).to_have_value("")
        assert [path for path in server.requested_paths if "vtt" in path] == []

        page.get_by_role("button", name="Settings").focus()
        page.keyboard.press("c")

        page.wait_for_function(HAS_SUBTITLES, timeout=10_000)
        expect(subtitles).to_have_value("en")
        page.reload()
        page.wait_for_function(HAS_SUBTITLES, timeout=10_000)
        page.keyboard.press("c")
        page.wait_for_function(HAS_NO_SUBTITLES)
        expect(open_setting(page, "Subtitles")).to_have_value("")


def test_low_quality_of_endless_files_can_be_selected(
    player_site, room, encoder, origin, open_page
):
    for name in ("webcast-high.webm", "webcast-low.webm"):
        shutil.copy(TEST_VIDEO, encoder.folder / name)
    player_site.register(room, "edge1", origin(), ["webm"], qualities=["hd", "sd"])
    player_site.wait_for(lambda: "<video" in player_site.text(f"/{room}"), 10, "a player")
    page = open_page(f"/{room}")
    wait_until_playing(page)
    assert video_data(page)["quality"] == "high"

    quality = open_setting(page, "Quality")
    expect(quality.locator("option")).to_have_text(
        [
            "High quality, WebM",
            "Low quality, WebM",
        ]
    )
    quality.select_option("Low quality, WebM")

    page.locator("video[data-quality=low]").wait_for(timeout=15_000)
    wait_until_playing(page)


class TestSlides:
    @pytest.fixture
    def slides(self, own_stream):
        slides = SlidesEncoder(own_stream.folder)
        slides.start()
        slides.wait()
        yield slides
        slides.kill()

    def test_slides_can_be_selected_and_deselected(self, slides, open_room):
        page, server = open_room(["hls", "slides"])
        wait_until_playing(page)
        quality = open_setting(page, "Quality")
        expect(quality.locator("option")).to_have_text(
            [
                "Automatic",
                "180p",
                "90p",
                "Audio only",
                "Slides only",
            ]
        )
        assert [path for path in server.requested_paths if "slides" in path] == []

        # The report contains the format.
        with page.expect_response(reports_slides, timeout=20_000) as report:
            quality.select_option("Slides only")

        assert report.value.ok
        wait_until_playing(page)
        assert video_data(page)["format"] == "slides"
        assert page.locator("video").evaluate("video => video.videoHeight") == 360
        page.reload()
        page.locator("video[data-format=slides]").wait_for(timeout=10_000)
        open_setting(page, "Quality").select_option("Automatic")
        page.locator("video[data-format=hls]").wait_for(timeout=10_000)
        wait_until_playing(page)

    def test_preference_for_slides_is_ignored_in_rooms_without_them(self, stream, open_room):
        page, _ = open_room()
        page.evaluate("localStorage.setItem('player', '{\"quality\": \"slides\"}')")
        page.reload()

        wait_until_playing(page)

        assert video_data(page)["format"] == "hls"
        expect(open_setting(page, "Quality")).to_have_value("auto")


class TestDelay:
    def test_fast_playback_ends_at_live(self, stream, open_room):
        page, _ = open_room()
        wait_until_playing(page)
        page.get_by_text(" s behind live").wait_for()
        speed = open_setting(page, "Speed")
        expect(speed.locator("option[disabled]")).to_have_text(
            ["1.25×", "1.5×", "2×"], use_inner_text=True
        )
        speed.select_option("0.5×")
        page.wait_for_function("() => document.querySelector('video').playbackRate === 0.5")
        page.locator("option:not([disabled])", has_text="2×").wait_for(
            state="attached", timeout=10_000
        )

        speed.select_option("2×")

        page.wait_for_function("() => document.querySelector('video').playbackRate === 2")
        page.wait_for_function(
            "() => document.querySelector('video').playbackRate === 1", timeout=15_000
        )
        expect(speed).to_have_value("1")
        wait_until_playing(page)

    def test_short_pause_is_caught_up_without_a_seek(self, stream, open_room):
        page, _ = open_room()
        wait_until_playing(page)
        page.locator("video").evaluate(
            """video => {
              window.seeks = 0;
              window.rates = [];
              video.addEventListener('seeking', () => { window.seeks += 1; });
              video.addEventListener('ratechange', () => window.rates.push(video.playbackRate));
            }"""
        )

        page.keyboard.press("k")
        page.wait_for_function("() => document.querySelector('video').paused")
        stream.wait_for_more(2)
        page.keyboard.press("k")

        page.wait_for_function(
            "() => document.querySelector('video').playbackRate > 1", timeout=20_000
        )
        wait_until_playing(page)
        assert all(1 <= rate <= 1.1 for rate in page.evaluate("window.rates"))
        assert page.evaluate("window.seeks") == 0

    def test_longer_delay_can_be_selected(self, stream, open_room):
        page, _ = open_room()
        wait_until_playing(page)
        behind = "parseInt(document.querySelector('.player-latency').textContent)"
        # Wait until the delay of a slow start is caught up.
        page.wait_for_function(f"() => {behind} <= 4", timeout=30_000)
        delay = open_setting(page, "Latency")
        expect(delay.locator("option")).to_have_text(
            ["Normal", "Higher, more stable"], use_inner_text=True
        )

        # The delay is limited by the length of the stream.
        stream.wait_for_more(5)
        delay.select_option("Higher, more stable")

        page.wait_for_function(f"() => {behind} >= 5", timeout=10_000)
        wait_until_playing(page)
        page.reload()
        wait_until_playing(page)
        expect(open_setting(page, "Latency")).to_have_value("steady")
