"""What a stream leaves to choose: languages, subtitles, slides, speed and delay."""

import shutil

import pytest

from .players import open_setting, video_data, wait_until_playing
from .stream import SlidesEncoder, TranslatedEncoder
from .test_playback import MOVING

SHOWN = """() => {
  const tracks = [...document.querySelector('video').textTracks];
  const track = tracks.find(({mode}) => mode === 'showing');
  return track?.activeCues?.[0]?.text.startsWith('Second') ?? false;
}"""
NONE_SHOWN = """() => [...document.querySelector('video').textTracks]
  .every(({mode}) => mode !== 'showing')"""


def reports_slides(response):
    told = response.request.post_data or ""
    return response.url.endswith("/playback") and '"format":"slides"' in told


class TestLanguages:
    @pytest.fixture
    def kind_of_encoder(self):
        return TranslatedEncoder

    def test_a_translation_is_heard_and_remembered(self, stage, own_stream, watch):
        page, server = watch()
        wait_until_playing(page)
        language = open_setting(page, "Language")
        assert language.locator("option").all_inner_texts() == ["English", "German"]
        assert language.input_value() == "en"
        assert [path for path in server.asked if "/translation/" in path] == []

        language.select_option("German")

        heard = lambda: any("/translation/run" in path for path in server.asked)  # noqa: E731
        stage.wait_for(heard, 10, "the translation")
        wait_until_playing(page)
        page.reload()
        wait_until_playing(page)
        assert open_setting(page, "Language").input_value() == "de"

    def test_subtitles_are_only_loaded_when_they_are_wanted(self, own_stream, watch):
        page, server = watch()
        wait_until_playing(page)
        subtitles = open_setting(page, "Subtitles")
        assert subtitles.locator("option").all_inner_texts() == ["Off", "English"]
        assert subtitles.input_value() == ""
        assert [path for path in server.asked if "vtt" in path] == []

        page.get_by_role("button", name="Settings").focus()
        page.keyboard.press("c")

        page.wait_for_function(SHOWN, timeout=10_000)
        assert subtitles.input_value() == "en"
        page.reload()
        page.wait_for_function(SHOWN, timeout=10_000)
        page.keyboard.press("c")
        page.wait_for_function(NONE_SHOWN)
        assert open_setting(page, "Subtitles").input_value() == ""


def test_low_quality_can_be_chosen_of_files_that_never_end(stage, room, encoder, origin, open_page):
    for name in ("webcast-high.webm", "webcast-low.webm"):
        shutil.copy(MOVING, encoder.folder / name)
    stage.register(room, "edge1", origin(), ["webm"], qualities=["hd", "sd"])
    stage.wait_for(lambda: "<video" in stage.text(f"/{room}"), 10, "a player")
    page = open_page(f"/{room}")
    wait_until_playing(page)
    assert video_data(page)["quality"] == "high"

    quality = open_setting(page, "Quality")
    assert quality.locator("option").all_inner_texts() == [
        "High quality, WebM", "Low quality, WebM",
    ]  # fmt: skip
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

    def test_slides_alone_can_be_chosen_and_left(self, slides, watch):
        page, server = watch(["hls", "slides"])
        wait_until_playing(page)
        quality = open_setting(page, "Quality")
        assert quality.locator("option").all_inner_texts() == [
            "Automatic", "180p", "90p", "Audio only", "Slides only",
        ]  # fmt: skip
        assert [path for path in server.asked if "slides" in path] == []

        # The crew sees who watches what.
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

    def test_who_likes_slides_sees_rooms_without_them(self, stream, watch):
        page, _ = watch()
        page.evaluate("localStorage.setItem('player', '{\"quality\": \"slides\"}')")
        page.reload()

        wait_until_playing(page)

        assert video_data(page)["format"] == "hls"
        assert open_setting(page, "Quality").input_value() == "auto"


class TestPace:
    def test_who_is_behind_plays_faster_until_live(self, stream, watch):
        page, _ = watch()
        wait_until_playing(page)
        page.get_by_text(" s behind live").wait_for()
        speed = open_setting(page, "Speed")
        assert speed.locator("option[disabled]").all_inner_texts() == ["1.25×", "1.5×", "2×"]
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
        assert speed.input_value() == "1"
        wait_until_playing(page)

    def test_a_short_halt_is_made_up_for_without_a_jump(self, stream, watch):
        page, _ = watch()
        wait_until_playing(page)
        page.locator("video").evaluate(
            """video => {
              window.jumps = 0;
              window.rates = [];
              video.addEventListener('seeking', () => { window.jumps += 1; });
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
        assert page.evaluate("window.jumps") == 0

    def test_a_longer_delay_can_be_chosen(self, stream, watch):
        page, _ = watch()
        wait_until_playing(page)
        behind = "parseInt(document.querySelector('.player-latency').textContent)"
        # A slow start is made up for first.
        page.wait_for_function(f"() => {behind} <= 4", timeout=30_000)
        delay = open_setting(page, "Delay")
        assert delay.locator("option").all_inner_texts() == ["Normal", "Longer, steadier"]

        # A stream is at most as far behind as it is old.
        stream.wait_for_more(5)
        delay.select_option("Longer, steadier")

        page.wait_for_function(f"() => {behind} >= 5", timeout=10_000)
        wait_until_playing(page)
        page.reload()
        wait_until_playing(page)
        assert open_setting(page, "Delay").input_value() == "steady"
