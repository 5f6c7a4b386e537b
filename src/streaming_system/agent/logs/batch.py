"""Whole lines that go to a tracker at once."""

from dataclasses import dataclass

# What stays as it is when it is encoded for a form; a blank becomes one character, too.
_UNESCAPED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~ "


@dataclass(frozen=True, kw_only=True)
class LineBatch:
    """Whole lines for one tracker.

    :param until: how far the tracker has the room's lines with these: a chunk, an offset in it.
    :param name: by which the tracker knows them if they come again, as its answer was lost.
    """

    tracker: str
    room: str
    lines: bytes
    count: int
    until: tuple[int, int]
    name: str


def encoded_size(lines: bytes) -> int:
    """Return how many bytes lines have when they are encoded for a form."""
    return len(lines) + 2 * len(lines.translate(None, _UNESCAPED))


def fit_batch(lines: bytes, begin: int, most: int, *, first: bool) -> int:
    """Return where the last line ends that still fits."""
    if encoded_size(lines[begin:]) <= most:
        return len(lines)
    end = begin
    while end < len(lines):
        next_end = lines.index(b"\n", end) + 1
        most -= encoded_size(lines[end:next_end])
        if most < 0 and not (first and end == begin):
            break
        end = next_end
    return end
