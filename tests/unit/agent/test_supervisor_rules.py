"""What follows from what is found: moods that do not flap, restarts that do not storm."""

import pytest

from streaming_system.agent.supervisor.check_result import CheckResult
from streaming_system.agent.supervisor.event_log import MAX_PAST_STATES, ComponentLog
from streaming_system.agent.supervisor.hls import (
    FetchError,
    parse_media_playlist,
    parse_rendition_urls,
)
from streaming_system.agent.supervisor.hysteresis import Hysteresis
from streaming_system.agent.supervisor.media import parse_analysis
from streaming_system.agent.supervisor.restart_policy import RestartConfig, RestartPolicy


class TestSteady:
    @pytest.mark.parametrize(
        ("found", "shown"),
        [
            # The first good look is believed, the first bad one is not.
            ("happy", "happy"),
            ("sad", "-"),
            ("sad sad", "- sad"),
            ("happy sad happy sad happy", "happy happy happy happy happy"),
            ("happy sad sad", "happy happy sad"),
            ("sad sad happy sad happy happy", "- sad sad sad sad happy"),
            # What is better than bad and not yet good is something between.
            ("sad sad hungry hungry happy happy", "- sad sad hungry hungry happy"),
            ("happy hungry sad hungry sad", "happy happy hungry hungry hungry"),
            ("happy waking waking", "happy happy waking"),
        ],
    )
    def test_only_what_is_found_twice_counts(self, found, shown):
        steady = Hysteresis(2, 2)

        moods = [steady.take(CheckResult(mood=mood)) for mood in found.split()]

        assert " ".join(mood.mood if mood else "-" for mood in moods) == shown

    def test_after_a_restart_one_good_look_is_not_enough(self):
        steady = Hysteresis(2, 2)
        steady.begin()

        assert steady.take(CheckResult(mood="happy")) is None
        assert steady.take(CheckResult(mood="happy")).mood == "happy"

    def test_the_newest_words_of_a_mood_are_shown(self):
        steady = Hysteresis(1, 1)

        steady.take(CheckResult(mood="sad", detail="answers 500"))

        assert steady.take(CheckResult(mood="sad", detail="answers 502")).detail == "answers 502"


class TestRestarts:
    @pytest.fixture
    def restarts(self):
        return RestartPolicy(
            RestartConfig(
                command=("true",),
                when="sad",
                within=5,
                most=4,
                pause=10,
                longest=30,
                grace=0,
                well=100,
            )
        )

    def test_pauses_double_up_to_a_ceiling_and_the_hour_has_a_limit(self, restarts):
        done = []
        for second in range(3600):
            if restarts.may(second):
                restarts.note(second)
                done.append(second)

        assert done == [0, 10, 30, 60]
        assert restarts.given_up

    def test_what_is_given_up_stays_so_when_the_hour_is_over(self, restarts):
        for second in (0, 100, 200, 300):
            restarts.note(second)

        assert not restarts.may(400)
        assert not restarts.may(10_000)

    def test_what_is_well_for_a_while_is_trusted_again(self, restarts):
        for second in (0, 100, 200, 300):
            restarts.note(second)
        restarts.may(400)

        restarts.look(1000, well=True)
        restarts.look(1099, well=True)
        assert not restarts.may(1099)
        restarts.look(1100, well=True)

        assert restarts.may(1100)
        restarts.note(1100)
        assert restarts.left(1100) == 10

    def test_a_bad_look_begins_the_while_anew(self, restarts):
        restarts.note(0)
        restarts.note(10)
        for second, well in ((50, True), (120, False), (130, True), (200, True)):
            restarts.look(second, well=well)

        restarts.note(200)

        assert restarts.left(200) == 30


class TestJournal:
    def test_a_mood_that_ends_is_kept_once_with_its_time(self):
        journal = ComponentLog()
        journal.put("icecast", "happy")
        journal.put("icecast", "happy", "still")
        began = journal.states()["icecast"].since

        assert journal.put("icecast", "sad", "gone")

        [(_, past)] = journal.page(0, 0).past
        assert (past.name, past.mood, past.since) == ("icecast", "happy", began)
        assert 0 <= past.seconds < 5

    def test_of_too_many_the_oldest_go(self):
        journal = ComponentLog()
        for number in range(MAX_PAST_STATES + 11):
            journal.put("icecast", ("happy", "sad")[number % 2])

        numbers = [number for number, _ in journal.page(0, 0).past]

        assert numbers == list(range(11, MAX_PAST_STATES + 11))

    def test_details_are_one_short_line(self):
        journal = ComponentLog()

        journal.put("icecast", "sad", "a\nb\x1b[31m" + "x" * 500)

        assert journal.states()["icecast"].detail == "a b [31m" + "x" * 112


class TestPlaylists:
    def test_the_newest_piece_and_the_number_are_found(self):
        found = parse_media_playlist(
            b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:17\n"
            b"#EXTINF:4,\na.ts\n#EXTINF:4,\nb.ts?x=1\n"
        )

        assert (found.number, found.newest, found.target, found.ended) == (17, "b.ts?x=1", 4, False)

    @pytest.mark.parametrize("text", ["", "<html>", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"])
    def test_what_is_none_is_refused(self, text):
        with pytest.raises(FetchError, match="playlist"):
            parse_media_playlist(text.encode())

    def test_all_renditions_are_looked_at(self):
        text = (
            '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="s",URI="sound/index.m3u8"\n'
            '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="t",URI="text/index.m3u8"\n'
            "#EXT-X-STREAM-INF:BANDWIDTH=1\nhd/index.m3u8\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=2\n/sd.m3u8\n"
        )

        found = parse_rendition_urls(text.encode(), "http://h/live/stream.m3u8")

        assert found == [
            "http://h/live/sound/index.m3u8",
            "http://h/live/hd/index.m3u8",
            "http://h/sd.m3u8",
        ]


class TestFilters:
    SAID = "frame=25\nout_time_us=5000000\nprogress=end\n"

    def test_what_does_not_end_goes_on_to_the_end(self):
        found = parse_analysis("frame:0 pts:0 pts_time:0\nlavfi.black_start=0\n", self.SAID)

        assert (found.seconds, found.share("black"), found.share("silence")) == (5, 1, 0)

    def test_parts_are_added(self):
        printed = (
            "lavfi.freezedetect.freeze_start=0.5\nlavfi.freezedetect.freeze_duration=1.5\n"
            "lavfi.freezedetect.freeze_end=2\nlavfi.freezedetect.freeze_start=4\n"
        )

        assert parse_analysis(printed, self.SAID).share("freeze") == 0.5

    @pytest.mark.parametrize("said", ["", "out_time_us=N/A\nprogress=end\n"])
    def test_nothing_played_is_nothing(self, said):
        assert parse_analysis("", said).seconds == 0
