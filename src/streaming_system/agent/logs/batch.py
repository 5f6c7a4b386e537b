"""Batches of log lines for a tracker."""

from dataclasses import dataclass

# Bytes that form encoding leaves alone; a space becomes one byte, too.
_UNESCAPED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~ "


@dataclass(frozen=True, kw_only=True)
class LineBatch:
    """Whole lines of a room for one tracker.

    :param end: position after the last line: id of a chunk, and offset in it.
    :param name: identifies the batch, so that the tracker ignores it if it is sent again.
    """

    tracker: str
    room: str
    lines: bytes
    count: int
    end: tuple[int, int]
    name: str


def encoded_size(lines: bytes) -> int:
    """Return the size of lines in form encoding, in bytes."""
    return len(lines) + 2 * len(lines.translate(None, _UNESCAPED))


def fit_batch(lines: bytes, start: int, max_bytes: int, *, at_least_one: bool) -> int:
    """Return the end of the last line that fits.

    :param max_bytes: limit of the encoded size.
    :param at_least_one: accept the first line even if it is too long.
    """
    if encoded_size(lines[start:]) <= max_bytes:
        return len(lines)
    end = start
    while end < len(lines):
        next_end = lines.index(b"\n", end) + 1
        max_bytes -= encoded_size(lines[end:next_end])
        if max_bytes < 0 and not (at_least_one and end == start):
            break
        end = next_end
    return end
