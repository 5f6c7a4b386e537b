"""Cues: the lines of captions with the times at which players show them."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from streaming_system.tracker.models import Caption

# A line without an end is shown for as long as its text takes to read, within bounds.
READING_BASE = timedelta(seconds=1.5)
READING_TIME_PER_CHAR = timedelta(seconds=0.06)
MIN_DISPLAY_TIME = timedelta(seconds=2)
MAX_DISPLAY_TIME = timedelta(seconds=8)
# A line disappears when this many lines have followed it, even if it could be shown for longer.
MAX_CONCURRENT_CUES = 2
MIN_CUE_LENGTH = timedelta(seconds=0.5)


@dataclass(frozen=True, kw_only=True)
class Cue:
    """A line of captions that is shown from ``start`` to ``end``, in one language."""

    id: int
    language: str
    start: datetime
    end: datetime
    text: str


def make_cues(captions: Sequence[Caption]) -> list[Cue]:
    """Return the cues of the lines of one language, which are in order."""
    cues = []
    for number, caption in enumerate(captions):
        following = number + MAX_CONCURRENT_CUES
        next_start = captions[following].start if following < len(captions) else None
        cues.append(
            Cue(
                id=caption.id,
                language=caption.language,
                start=caption.start,
                end=caption.end or _estimate_end(caption, next_start),
                text=caption.text,
            )
        )
    return cues


def _estimate_end(caption: Caption, next_start: datetime | None) -> datetime:
    reading_time = READING_BASE + len(caption.text) * READING_TIME_PER_CHAR
    end = caption.start + min(MAX_DISPLAY_TIME, max(MIN_DISPLAY_TIME, reading_time))
    if next_start is None:
        return end
    return max(min(end, next_start), caption.start + MIN_CUE_LENGTH)


def format_webvtt(cues: Iterable[Cue], start: datetime) -> str:
    """Return cues as WebVTT, whose times count from a start."""
    blocks = [
        f"{_format_time(cue.start - start)} --> {_format_time(cue.end - start)}\n"
        f"{html.escape(cue.text, quote=False)}\n"
        for cue in cues
    ]
    return "\n".join(["WEBVTT\n", *blocks])


def format_text(cues: Iterable[Cue], start: datetime) -> str:
    """Return cues as lines of text, each after its time since a start."""
    return "".join(
        f"{_format_time(cue.start - start).partition('.')[0]} {cue.text}\n" for cue in cues
    )


def _format_time(duration: timedelta) -> str:
    milliseconds = max(0, duration // timedelta(milliseconds=1))
    seconds, milliseconds = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{milliseconds:03}"
