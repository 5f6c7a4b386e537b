"""Detects segments of HLS that are cut off, as by a disk that is full."""

from collections.abc import Iterator

TS_PACKET_BYTES = 188
TS_SYNC_BYTE = 0x47
PTS_CLOCK_HZ = 90_000
PTS_WRAP = 1 << 33
# A segment that is shorter than this share of its declared duration is cut off.
MIN_DURATION_SHARE = 0.5
# Sizes of boxes: "the rest of the file", and "see the next eight bytes".
_TO_END, _LARGE = 0, 1


def describe_cut(segment: bytes, declared: float) -> str:
    """Return how a complete segment is cut off; "" if it is not, or if that cannot be seen.

    :param declared: the duration in the playlist, in seconds.
    """
    if segment[:1] == bytes([TS_SYNC_BYTE]):
        duration = ts_duration(segment)
        if duration is not None and duration < MIN_DURATION_SHARE * declared:
            return f"the last segment has {duration:.1f} s instead of {declared:.1f} s"
    elif segment[4:8] in (b"styp", b"moof", b"sidx", b"ftyp", b"prft", b"emsg"):
        missing = _missing_bytes(segment)
        if missing:
            return f"the last segment lacks {missing:,} of its bytes"
    return ""


def ts_duration(segment: bytes) -> float | None:
    """Return the duration of a segment of MPEG-TS in seconds; ``None`` if it is unknown."""
    times: dict[int, list[int]] = {}
    for pid, pts in _presentation_times(segment):
        times.setdefault(pid, []).append(pts)
    durations = [_stream_duration(of_pid) for of_pid in times.values() if len(of_pid) > 1]
    return max(durations, default=None)


def _stream_duration(times: list[int]) -> float:
    """Return the duration of a stream with at least two times."""
    first = times[0]
    # Times wrap, and frames are not in the order of presentation.
    relative = [(pts - first + PTS_WRAP // 2) % PTS_WRAP for pts in times]
    span = max(relative) - min(relative)
    # The last frame has a duration, too.
    return span * len(times) / (len(times) - 1) / PTS_CLOCK_HZ


def _presentation_times(segment: bytes) -> Iterator[tuple[int, int]]:
    """Yield the PID and the presentation time of each frame that begins in a segment."""
    for start in range(0, len(segment) - TS_PACKET_BYTES + 1, TS_PACKET_BYTES):
        packet = segment[start : start + TS_PACKET_BYTES]
        has_start = packet[0] == TS_SYNC_BYTE and packet[1] & 0x40 and packet[3] & 0x10
        if not has_start:
            continue
        begin = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
        header = packet[begin : begin + 14]
        # A PES packet of a stream with the flag for a presentation time.
        if len(header) == 14 and header[:3] == b"\0\0\1" and header[7] & 0x80:
            yield (packet[1] & 0x1F) << 8 | packet[2], _parse_pts(header[9:14])


def _parse_pts(data: bytes) -> int:
    return (
        (data[0] >> 1 & 0x07) << 30
        | data[1] << 22
        | (data[2] >> 1) << 15
        | data[3] << 7
        | data[4] >> 1
    )


def _missing_bytes(segment: bytes) -> int:
    """Return by how many bytes the last box of a fragmented MP4 exceeds the segment."""
    position = 0
    while position + 8 <= len(segment):
        size = int.from_bytes(segment[position : position + 4], "big")
        if size == _LARGE and position + 16 <= len(segment):
            size = int.from_bytes(segment[position + 8 : position + 16], "big")
        if size == _TO_END or size < 8:
            return 0
        position += size
    return max(position - len(segment), 0)
