"""Playlists of other servers, and the playlist of a talk."""

import re
from datetime import UTC, datetime

import pytest

from streaming_system.frontend.relive.hls_playlist import (
    MasterPlaylist,
    decode_playlist,
    parse_playlist,
    playlist_id,
)
from streaming_system.frontend.relive.talk_playlist import render_master, render_media
from streaming_system.frontend.relive.talk_recording import Span
from streaming_system.util.foreign_json import DocumentError

BASE = "https://cdn.example.org/hall/dvr.m3u8?token=x"


def parse(*lines, base=BASE):
    return parse_playlist(decode_playlist("\n".join(("#EXTM3U", *lines)).encode()), base)


def segment(name, time="", seconds=10):
    date = [f"#EXT-X-PROGRAM-DATE-TIME:2026-11-24T{time}"] if time else []
    return [*date, f"#EXTINF:{seconds},a title", name]


def at(time):
    return datetime.fromisoformat(f"2026-11-24T{time}").replace(tzinfo=UTC).timestamp()


def window(start, end):
    return Span(at(start), at(end))


def urls(playlist):
    return [line for line in playlist.split("\n") if line.startswith("http")]


def starts(playlist):
    return [
        each.start and f"{datetime.fromtimestamp(each.start, UTC):%H:%M:%S}"
        for each in playlist.segments
    ]


def test_talk_gets_the_segments_of_its_time_at_their_own_addresses():
    playlist = parse(
        "#EXT-X-MEDIA-SEQUENCE:7",
        *segment("a.ts", "10:00:00Z"),
        *segment("b.ts", "10:00:10Z"),
        *segment("/c.ts", "10:00:20Z"),
        *segment("https://other.example/d.ts", "10:00:30Z"),
    )

    rendered = render_media(playlist, window("10:00:15", "10:00:30"), is_over=True)

    assert urls(rendered) == ["https://cdn.example.org/hall/b.ts", "https://cdn.example.org/c.ts"]
    assert "#EXT-X-MEDIA-SEQUENCE:8\n" in rendered
    assert "#EXT-X-TARGETDURATION:10\n" in rendered
    assert rendered.endswith("#EXT-X-ENDLIST\n")
    assert "a title" not in rendered


def test_running_talk_gets_no_end():
    playlist = parse(*segment("a.ts", "10:00:00Z"))

    rendered = render_media(playlist, window("10:00:00", "10:30:00"), is_over=False)

    assert "ENDLIST" not in rendered
    assert "VOD" not in rendered


@pytest.mark.parametrize(
    "time", ["12:00:00+02:00", "12:00:00.000+0200", "10:00:00Z", "10:00:00", "00:00:00-10:00"]
)
def test_time_of_a_segment_has_any_offset(time):
    assert starts(parse(*segment("a.ts", time))) == ["10:00:00"]


def test_missing_times_follow_from_neighbours():
    playlist = parse(
        *segment("a.ts"), *segment("b.ts"), *segment("c.ts", "10:00:20Z"), *segment("d.ts")
    )

    assert starts(playlist) == ["10:00:00", "10:00:10", "10:00:20", "10:00:30"]


def test_discontinuity_before_the_first_time_hides_the_times_before_it():
    """Nothing says how long the gap was."""
    playlist = parse(*segment("a.ts"), "#EXT-X-DISCONTINUITY", *segment("b.ts", "10:00:20Z"))

    assert starts(playlist) == [None, "10:00:20"]
    assert urls(render_media(playlist, window("09:00:00", "11:00:00"), is_over=True)) == [
        "https://cdn.example.org/hall/b.ts"
    ]


@pytest.mark.parametrize("time", ["25:00:00Z", "soon", "10:00:00+99:00"])
def test_invalid_time_counts_as_missing(time):
    playlist = parse(*segment("a.ts", "10:00:00Z"), *segment("b.ts", time))

    assert starts(playlist) == ["10:00:00", "10:00:10"]


def test_gap_of_the_encoder_is_a_discontinuity_and_is_missing():
    playlist = parse(
        *segment("a.ts", "10:00:00Z"),
        "#EXT-X-DISCONTINUITY",
        *segment("b.ts", "10:05:00Z"),
        "#EXT-X-GAP",
        *segment("c.ts"),
    )

    rendered = render_media(playlist, window("10:00:00", "10:10:00"), is_over=True)

    assert re.findall(r"#EXT-X-DISCONTINUITY$|a\.ts|b\.ts|c\.ts", rendered, re.MULTILINE) == [
        "a.ts", "#EXT-X-DISCONTINUITY", "b.ts",
    ]  # fmt: skip
    assert playlist.spans == (window("10:00:00", "10:00:10"), window("10:05:00", "10:05:10"))


def test_clock_that_jumps_back_gives_each_segment_of_the_time():
    playlist = parse(
        *segment("a.ts", "10:00:00Z"),
        *segment("other.ts", "11:00:00Z"),
        "#EXT-X-DISCONTINUITY",
        *segment("b.ts", "10:00:05Z"),
    )

    rendered = render_media(playlist, window("10:00:00", "10:00:30"), is_over=True)

    assert [url[-4:] for url in urls(rendered)] == ["a.ts", "b.ts"]
    assert rendered.count("#EXT-X-DISCONTINUITY\n") == 1


def test_initialisation_and_keys_are_absolute_and_repeated():
    playlist = parse(
        '#EXT-X-MAP:URI="init.mp4",BYTERANGE="800@0"',
        '#EXT-X-KEY:METHOD=AES-128,URI="key.bin",IV=0x1',
        *segment("a.m4s", "10:00:00Z"),
        *segment("b.m4s"),
        "#EXT-X-KEY:METHOD=NONE",
        *segment("c.m4s"),
    )

    lines = render_media(playlist, window("10:00:10", "10:01:00"), is_over=True).split("\n")

    folder = "https://cdn.example.org/hall/"
    key = f'#EXT-X-KEY:METHOD=AES-128,URI="{folder}key.bin",IV=0x1'
    init = f'#EXT-X-MAP:URI="{folder}init.mp4",BYTERANGE="800@0"'
    extinf = "#EXTINF:10.000000,"
    assert lines[lines.index(key) :] == [
        key, init, extinf, f"{folder}b.m4s",
        "#EXT-X-KEY:METHOD=NONE", init, extinf, f"{folder}c.m4s", "#EXT-X-ENDLIST", "",
    ]  # fmt: skip


def test_byte_ranges_get_their_offset():
    playlist = parse(
        "#EXT-X-BYTERANGE:100@0", *segment("all.ts", "10:00:00Z"),
        "#EXT-X-BYTERANGE:50", *segment("all.ts"),
    )  # fmt: skip

    rendered = render_media(playlist, window("10:00:10", "10:00:20"), is_over=True)

    assert "#EXT-X-BYTERANGE:50@100\n" in rendered


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "file:///etc/passwd", "data:video/mp2t,x", "https://user@host/a.ts",
     'https://x/"a.ts', "https://x/a b.ts", "http://[/", "https://x/a\u2028b.ts", "https://x/{a}"],
)  # fmt: skip
def test_segment_with_an_unsafe_address_is_left_out(url):
    playlist = parse(*segment(url, "10:00:00Z"), *segment("b.ts", "10:00:10Z"))

    rendered = render_media(playlist, window("09:00:00", "11:00:00"), is_over=True)

    assert urls(rendered) == ["https://cdn.example.org/hall/b.ts"]


def test_unsafe_initialisation_makes_segments_unusable():
    playlist = parse(
        '#EXT-X-MAP:URI="javascript:1"', *segment("a.ts", "10:00:00Z"),
        '#EXT-X-MAP:URI="init.mp4"', *segment("b.ts", "10:00:10Z"),
    )  # fmt: skip

    assert [each.url[-4:] for each in playlist.segments] == ["b.ts"]


@pytest.mark.parametrize("duration", ["nan", "inf", "-1", "1e99", "x", "0"])
def test_segment_with_an_invalid_duration_is_left_out(duration):
    playlist = parse(
        *segment("a.ts", "10:00:00Z", duration), *segment("b.ts", "10:00:10Z"),
        "#EXT-X-MEDIA-SEQUENCE:" + "9" * 5000,
    )  # fmt: skip

    assert [each.url[-4:] for each in playlist.segments] == ["b.ts"]


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is no HLS playlist: it is empty"),
        (b"<!doctype html><title>404</title>", "but an HTML page titled '404'"),
        (b"\xff\xfe\x00", "but binary data"),
        (b"#EXTM3U\n#EXT-X-DEFINE:NAME=x,VALUE=y\n", "EXT-X-DEFINE"),
        (b"#EXTM3U\n#EXTINF:1,\na.ts\n", "has no EXT-X-PROGRAM-DATE-TIME"),
        (b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\njavascript:1\n", "has 0 renditions"),
    ],
)
def test_other_document_is_one_line(data, problem):
    with pytest.raises(DocumentError, match=re.escape(problem)) as error:
        parse_playlist(decode_playlist(data), BASE)

    assert "\n" not in str(error.value)


def test_master_playlist_leads_to_playlists_of_the_talk():
    master = parse(
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="de",URI="de.m3u8"',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",URI="javascript:1"',
        '#EXT-X-STREAM-INF:BANDWIDTH=1000,AUDIO="a"',
        "sd/index.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=2000",
        "file:///hd.m3u8",
    )

    assert isinstance(master, MasterPlaylist)
    folder = "https://cdn.example.org/hall/"
    sd, de = playlist_id(f"{folder}sd/index.m3u8"), playlist_id(f"{folder}de.m3u8")
    assert list(master.media.items()) == [
        (sd, f"{folder}sd/index.m3u8"),
        (de, f"{folder}de.m3u8"),
    ]
    assert render_master(master, lambda name: f"/talk/1/{name}.m3u8").split("\n")[2:] == [
        f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="de",URI="/talk/1/{de}.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=1000,AUDIO="a"',
        f"/talk/1/{sd}.m3u8",
        "",
    ]
