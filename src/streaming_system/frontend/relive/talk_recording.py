"""The recording of one talk: whether it can be watched, and what plays it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from streaming_system.schedule.model import Slot

# Of a talk, this much is worth watching; of a short talk, half.
MIN_COVERED_SECONDS = 60.0
# Gaps that are not worth a note, as a share of the talk and in seconds.
MAX_MISSING_SHARE = 0.02
MAX_MISSING_SECONDS = 15.0
# How long after a talk its recording is still expected to arrive.
PENDING_GRACE = 600.0  # seconds


class RecordingStatus(StrEnum):
    """Whether a talk can be watched again."""

    PLAYABLE = "playable"
    PENDING = "pending"
    GONE = "gone"
    UNKNOWN = "unknown"


class Span(NamedTuple):
    """A time span, in seconds since 1970."""

    start: float
    end: float

    def overlap(self, other: "Span") -> "Span | None":
        """Return the common part; ``None`` if there is none."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span(start, end) if start < end else None


@dataclass(frozen=True, kw_only=True)
class RecordingPart:
    """A piece of a recording that one address plays.

    :param start: the seconds of the file before the piece.
    :param end: the second of the file at which the piece ends; ``None`` for its end.
    :param clock: the time at second 0 of the file, in seconds since 1970; ``None`` if it is
        unknown, or in the playlist.
    """

    url: str
    mime_type: str
    start: float = 0.0
    end: float | None = None
    clock: float | None = None


@dataclass(frozen=True, kw_only=True)
class TalkRecording:
    """What is known of the recording of a talk.

    :param parts: in the order of time; () unless it is playable.
    :param is_partial: whether some of the talk is missing.
    :param release_url: the page of its published recording; "" if unknown.
    """

    status: RecordingStatus
    parts: tuple[RecordingPart, ...] = ()
    is_partial: bool = False
    release_url: str = ""


UNKNOWN = TalkRecording(status=RecordingStatus.UNKNOWN)


def talk_span(talk: Slot, clock_offset: float) -> Span:
    """Return the time of a talk by the clock of its recording."""
    return Span(talk.start.timestamp() + clock_offset, talk.end.timestamp() + clock_offset)


def merge_spans(spans: Iterable[Span], tolerance: float) -> list[Span]:
    """Return spans in order of time, joined where the gap is within the tolerance (seconds)."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start - merged[-1].end <= tolerance:
            merged[-1] = Span(merged[-1].start, max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged


def assess_coverage(
    window: Span, spans: Iterable[Span], parts: Iterable[RecordingPart], now: float
) -> TalkRecording:
    """Return the recording of a talk of which a source has some spans.

    :param window: the time of the talk by the clock of the source.
    :param spans: what the source has, merged.
    :param parts: used if that is enough.
    :param now: by the clock of the source, in seconds since 1970.
    """
    spans = list(spans)
    past = Span(window.start, min(window.end, now))
    covered = sum(each.end - each.start for span in spans if (each := span.overlap(past)))
    length = past.end - past.start
    if 0 < covered >= min(MIN_COVERED_SECONDS, length / 2):
        missing = length - covered
        return TalkRecording(
            status=RecordingStatus.PLAYABLE,
            parts=tuple(parts),
            is_partial=missing > max(MAX_MISSING_SECONDS, MAX_MISSING_SHARE * length),
        )
    newest = max((span.end for span in spans), default=float("-inf"))
    return without_recording(window, now, is_behind=newest < window.end)


def without_recording(window: Span, now: float, *, is_behind: bool = True) -> TalkRecording:
    """Return the status of a talk that a source does not have.

    :param now: as in :func:`assess_coverage`.
    :param is_behind: whether the source has nothing newer than the talk.
    """
    is_pending = is_behind and now - window.end < PENDING_GRACE
    return TalkRecording(status=RecordingStatus.PENDING if is_pending else RecordingStatus.GONE)
