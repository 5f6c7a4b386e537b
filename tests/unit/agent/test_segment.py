"""Segments of HLS that are cut off."""

import struct

import pytest

from streaming_system.agent.segment import PTS_WRAP, describe_cut, ts_duration

VIDEO_PID, SOUND_PID = 0x100, 0x101


def ts_packet(pid, pts=None):
    """Return a packet of MPEG-TS; with a time, a frame begins in it."""
    if pts is None:
        return bytes([0x47, pid >> 8, pid & 0xFF, 0x10]) + bytes(184)
    pts %= PTS_WRAP
    time = bytes(
        [
            0x21 | pts >> 29 & 0x0E,
            pts >> 22 & 0xFF,
            0x01 | pts >> 14 & 0xFE,
            pts >> 7 & 0xFF,
            0x01 | pts << 1 & 0xFE,
        ]
    )
    pes = b"\0\0\1\xe0\0\0\x80\x80\x05" + time
    # An adaptation field of two bytes, as with a random access indicator.
    header = bytes([0x47, 0x40 | pid >> 8, pid & 0xFF, 0x30, 1, 0x40])
    return (header + pes).ljust(188, b"\xff")


def ts_segment(seconds, *, rate=25, start=0, pid=VIDEO_PID):
    """Return a segment with one frame per packet, each followed by a packet without a start."""
    frames = round(seconds * rate)
    return b"".join(
        ts_packet(pid, start + number * 90_000 // rate) + ts_packet(pid) for number in range(frames)
    )


@pytest.mark.parametrize(
    ("segment", "seconds"),
    [
        (ts_segment(2), 2.0),
        # Slides at one frame a second.
        (ts_segment(4, rate=1), 4.0),
        # The times wrap within the segment.
        (ts_segment(2, start=PTS_WRAP - 90_000), 2.0),
        # The sound goes on after the picture.
        (ts_segment(1) + ts_segment(3, pid=SOUND_PID), 3.0),
        (ts_segment(2)[: 188 * 51], 1.04),
    ],
)
def test_duration_of_ts_is_that_of_its_longest_stream(segment, seconds):
    assert ts_duration(segment) == pytest.approx(seconds, abs=0.03)


@pytest.mark.parametrize("segment", [b"", b"G" * 188, ts_packet(VIDEO_PID, 0), b"G\x40"])
def test_duration_is_unknown_without_two_frames(segment):
    assert ts_duration(segment) is None
    assert describe_cut(segment, 6.0) == ""


def test_ts_segment_that_is_too_short_is_cut_off():
    segment = ts_segment(6)

    assert describe_cut(segment, 6.0) == ""
    assert describe_cut(segment[: len(segment) // 3], 6.0) == (
        "the last segment has 2.0 s instead of 6.0 s"
    )


def test_mp4_segment_that_lacks_bytes_is_cut_off():
    segment = struct.pack(">I4s", 16, b"styp") + bytes(8) + struct.pack(">I4s", 1008, b"mdat")

    assert describe_cut(segment + bytes(1000), 6.0) == ""
    assert describe_cut(segment + bytes(300), 6.0) == "the last segment lacks 700 of its bytes"


@pytest.mark.parametrize(
    "segment",
    [
        # A box that extends to the end, and one with a size of 64 bits.
        struct.pack(">I4s", 8, b"moof") + struct.pack(">I4s", 0, b"mdat") + bytes(10),
        struct.pack(">I4s", 8, b"moof") + struct.pack(">I4sQ", 1, b"mdat", 26) + bytes(10),
        # Nonsense, and an encrypted segment.
        struct.pack(">I4s", 3, b"moof") + bytes(10),
        b"\x8f\x01\x02" * 100,
    ],
)
def test_other_segments_are_not_judged(segment):
    assert describe_cut(segment, 6.0) == ""
