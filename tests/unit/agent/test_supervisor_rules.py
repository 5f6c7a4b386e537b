"""Rules of the supervisor: hysteresis, restart limits, the event log, and parsers."""

import pytest

from streaming_system.agent.hls_progress import FetchError, parse_playlist, rendition_urls
from streaming_system.agent.supervisor.check_result import CheckResult
from streaming_system.agent.supervisor.event_log import MAX_PAST_STATES, ComponentLog
from streaming_system.agent.supervisor.hysteresis import Hysteresis
from streaming_system.agent.supervisor.media import parse_analysis
from streaming_system.agent.supervisor.restart_policy import RestartConfig, RestartPolicy


class TestHysteresis:
    @pytest.mark.parametrize(
        ("results", "states"),
        [
            # The first good result counts at once, the first bad one does not.
            ("happy", "happy"),
            ("sad", "-"),
            ("sad sad", "- sad"),
            ("happy sad happy sad happy", "happy happy happy happy happy"),
            ("happy sad sad", "happy happy sad"),
            ("sad sad happy sad happy happy", "- sad sad sad sad happy"),
            ("sad sad hungry hungry happy happy", "- sad sad hungry hungry happy"),
            ("happy hungry sad hungry sad", "happy happy hungry hungry hungry"),
            ("happy waking waking", "happy happy waking"),
        ],
    )
    def test_state_changes_after_two_equal_results(self, results, states):
        hysteresis = Hysteresis(2, 2)

        moods = [hysteresis.update(CheckResult(mood=mood)) for mood in results.split()]

        assert " ".join(mood.mood if mood else "-" for mood in moods) == states

    def test_one_good_result_after_a_restart_is_not_enough(self):
        hysteresis = Hysteresis(2, 2)
        hysteresis.reset()

        assert hysteresis.update(CheckResult(mood="happy")) is None
        assert hysteresis.update(CheckResult(mood="happy")).mood == "happy"

    def test_state_has_the_latest_detail(self):
        hysteresis = Hysteresis(1, 1)

        hysteresis.update(CheckResult(mood="sad", detail="status 500"))

        result = hysteresis.update(CheckResult(mood="sad", detail="status 502"))
        assert result.detail == "status 502"


class FakeClock:
    now = 0.0

    def __call__(self):
        return self.now


class TestRestartPolicy:
    @pytest.fixture
    def clock(self):
        return FakeClock()

    @pytest.fixture
    def policy(self, clock):
        config = RestartConfig(
            command=("true",),
            min_mood="sad",
            timeout=5,
            max_per_hour=4,
            min_backoff=10,
            max_backoff=30,
            grace=0,
            healthy_after=100,
        )
        return RestartPolicy(config, clock)

    @staticmethod
    def restart_at(policy, clock, *seconds):
        for clock.now in seconds:
            policy.record_restart()

    def test_backoff_doubles_up_to_its_maximum_and_restarts_per_hour_are_limited(
        self, policy, clock
    ):
        restarts = []
        for clock.now in range(3600):
            if policy.can_restart():
                policy.record_restart()
                restarts.append(clock.now)

        assert restarts == [0, 10, 30, 60]
        assert policy.given_up

    def test_policy_stays_given_up_after_the_hour(self, policy, clock):
        self.restart_at(policy, clock, 0, 100, 200, 300)

        clock.now = 400
        assert not policy.can_restart()
        clock.now = 10_000
        assert not policy.can_restart()

    def test_healthy_time_enables_restarts_again(self, policy, clock):
        self.restart_at(policy, clock, 0, 100, 200, 300)
        clock.now = 400
        policy.can_restart()

        for clock.now in (1000, 1099):
            policy.record_check(healthy=True)
        assert not policy.can_restart()
        clock.now = 1100
        policy.record_check(healthy=True)

        assert policy.can_restart()
        policy.record_restart()
        assert policy.backoff_remaining() == 10

    def test_bad_result_restarts_the_healthy_time(self, policy, clock):
        self.restart_at(policy, clock, 0, 10)
        for clock.now, healthy in ((50, True), (120, False), (130, True), (200, True)):
            policy.record_check(healthy=healthy)

        self.restart_at(policy, clock, 200)

        assert policy.backoff_remaining() == 30


class TestComponentLog:
    def test_past_state_is_stored_once_with_its_duration(self):
        log = ComponentLog()
        log.set_state("icecast", "happy")
        log.set_state("icecast", "happy", "still")
        since = log.states()["icecast"].since

        assert log.set_state("icecast", "sad", "gone")

        [(_, past)] = log.since(0, 0).past
        assert (past.name, past.mood, past.since) == ("icecast", "happy", since)
        assert 0 <= past.seconds < 5

    def test_full_log_drops_the_oldest_states(self):
        log = ComponentLog()
        for number in range(MAX_PAST_STATES + 11):
            log.set_state("icecast", ("happy", "sad")[number % 2])

        numbers = [number for number, _ in log.since(0, 0).past]

        assert numbers == list(range(11, MAX_PAST_STATES + 11))

    def test_detail_is_one_short_line(self):
        log = ComponentLog()

        log.set_state("icecast", "sad", "a\nb\x1b[31m" + "x" * 500)

        assert log.states()["icecast"].detail == "a b [31m" + "x" * 112


class TestPlaylist:
    def test_parser_returns_position_and_duration(self):
        playlist = parse_playlist(
            b"\xef\xbb\xbf#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r\n#EXT-X-MEDIA-SEQUENCE:17\r\n"
            b"#EXTINF:4,\r\na.ts\r\n#EXTINF:4,\r\nb.ts?x=1\r\n"
        )

        assert playlist["segments"][-1]["uri"] == "b.ts?x=1"
        assert (playlist["media_sequence"], playlist["targetduration"]) == (17, 4)
        assert not playlist["is_endlist"]

    @pytest.mark.parametrize("text", ["", "<html>", "EXTM3U", '{"error": 404}', "\x00"])
    def test_other_document_is_rejected(self, text):
        with pytest.raises(FetchError, match="the response is no playlist"):
            parse_playlist(text.encode())

    @pytest.mark.parametrize(
        "tag",
        [
            "#EXT-X-TARGETDURATION:long",
            "#EXT-X-TARGETDURATION:NaN",
            "#EXT-X-MEDIA-SEQUENCE:" + "9" * 5000,
            "#EXT-X-MEDIA-SEQUENCE:x",
            "#EXTINF",
            "#EXTINF:soon,",
            "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1",
            "#EXT-X-KEY:METHOD",
            "#EXT-X-PROGRAM-DATE-TIME:yesterday",
            "#EXT-X-DATERANGE:x",
            "#EXT-X-PART-INF:",
            "#EXT-X-SERVER-CONTROL:a",
            "#EXT-X-BYTERANGE:x",
        ],
    )
    def test_invalid_tag_loses_no_segment(self, tag):
        playlist = parse_playlist(
            f"#EXTM3U\n#EXT-X-VERSION:3\n{tag}\n#EXTINF:4,\na.ts\n#EXTINF:4,\nb.ts\n".encode()
        )

        assert [segment["uri"] for segment in playlist["segments"]] == ["a.ts", "b.ts"]
        assert playlist["media_sequence"] >= 0
        assert playlist["targetduration"] >= 0

    def test_master_playlist_has_video_and_audio_renditions(self):
        text = (
            '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="s",URI="sound/index.m3u8"\n'
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="u"\n'
            '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="t",URI="text/index.m3u8"\n'
            "#EXT-X-STREAM-INF:BANDWIDTH=1\nhd/index.m3u8\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=2\n/sd.m3u8\n"
        )

        urls = rendition_urls(parse_playlist(text.encode()), "http://h/live/stream.m3u8")

        assert urls == [
            "http://h/live/hd/index.m3u8",
            "http://h/sd.m3u8",
            "http://h/live/sound/index.m3u8",
        ]


class TestMediaAnalysis:
    STDERR = "frame=25\nout_time_us=5000000\nprogress=end\n"

    def test_condition_without_end_lasts_until_the_end(self):
        stdout = "frame:0 pts:0 pts_time:0\nlavfi.black_start=0\n"

        result = parse_analysis(stdout, self.STDERR)

        assert (result.seconds, result.share("black"), result.share("silence")) == (5, 1, 0)

    def test_durations_are_added(self):
        stdout = (
            "lavfi.freezedetect.freeze_start=0.5\nlavfi.freezedetect.freeze_duration=1.5\n"
            "lavfi.freezedetect.freeze_end=2\nlavfi.freezedetect.freeze_start=4\n"
        )

        assert parse_analysis(stdout, self.STDERR).share("freeze") == 0.5

    @pytest.mark.parametrize("stderr", ["", "out_time_us=N/A\nprogress=end\n"])
    def test_nothing_played_is_zero_seconds(self, stderr):
        assert parse_analysis("", stderr).seconds == 0
