"""The table of captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.captions.cues import Cue, make_cues
from streaming_system.tracker.db.bounds import Bounds, serialize_new
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import Caption

# How long after its latest version a line can be corrected. Later, its number means a new line:
# a captioner's program that starts again counts from one again.
CORRECTION_WINDOW = timedelta(seconds=30)
# A repeated request with the same number and text is no new line.
REPEAT_WINDOW = timedelta(minutes=10)
# Requests that overtake each other differ by fewer numbers than this.
MAX_REORDERED = 10
# Players see the lines of this time, which is longer than they are behind live.
LIVE_WINDOW = timedelta(seconds=60)
# A language without a line for this long is not offered to viewers.
LANGUAGE_TTL = timedelta(minutes=15)
MAX_LIVE_LINES = 500
MAX_LANGUAGES = 20
MAX_TRANSCRIPT_LINES = 20_000


@dataclass(frozen=True, kw_only=True)
class PushedLine:
    """A line that a captioner sends.

    :param seq: its number; ``None`` if it will not be corrected.
    :param text: "" removes the line of this number.
    :param start: when the speaker spoke it; ``None`` for ``delay`` before its arrival.
    :param end: its end; ``None`` to derive it from the text.
    :param delay: how far the captioner is behind the speaker.
    """

    language: str
    seq: int | None
    text: str
    start: datetime | None = None
    end: datetime | None = None
    delay: timedelta = timedelta()


class Captions:
    """The captions of all rooms.

    :param bounds: the bounds of the ini file.
    """

    def __init__(self, db: Session, bounds: Bounds) -> None:
        self.db = db
        self._bounds = bounds

    def push(self, room: str, line: PushedLine, *, now: datetime) -> None:
        """Store a line, or correct the line of the same number.

        :raises BoundReachedError: if the table is full.
        """
        connection = ensure_write_transaction(self.db)
        # Of two requests with the same number, the second one finds the row of the first one.
        serialize_new(connection)
        known = self._find(room, line, now)
        if known is not None and now - known.at < CORRECTION_WINDOW:
            self._correct(known, line, now)
        elif line.text and (known is None or known.text != line.text):
            self._bounds.require_space(connection, Caption.__tablename__, now=now)
            caption = Caption(room=room, language=line.language, seq=line.seq, text=line.text)
            caption.start = line.start or self._estimate_start(room, line, now)
            caption.end, caption.at = line.end, now
            self.db.add(caption)
        self.db.flush()

    def last_seq(self, room: str, language: str = "", *, now: datetime) -> int:
        """Return the number of the latest line, in one language or all; 0 if there is none."""
        query = sa.select(Caption.seq).where(
            Caption.room == room, Caption.seq.is_not(None), Caption.start > now - REPEAT_WINDOW
        )
        if language:
            query = query.where(Caption.language == language)
        return self.db.scalar(query.order_by(Caption.at.desc(), Caption.id.desc()).limit(1)) or 0

    def live(self, room: str, *, now: datetime) -> list[Cue]:
        """Return the latest cues in all languages, by language and time."""
        # A line of the future has its time from the captioner.
        latest = (
            sa.select(Caption.id)
            .where(Caption.room == room, Caption.start > now - LIVE_WINDOW)
            .order_by(Caption.start.desc())
            .limit(MAX_LIVE_LINES)
        )
        captions = self.db.scalars(
            sa.select(Caption).where(Caption.id.in_(latest)).order_by(Caption.language, *_ORDER)
        ).all()
        return [
            cue
            for _, of_language in groupby(captions, key=lambda caption: caption.language)
            for cue in make_cues(list(of_language))
        ]

    def languages(self, room: str, start: datetime, end: datetime | None = None) -> Sequence[str]:
        """Return the languages of the lines between two times, in the order of their tags."""
        query = sa.select(Caption.language).where(Caption.room == room, Caption.start >= start)
        if end is not None:
            query = query.where(Caption.start < end)
        return self.db.scalars(
            query.distinct().order_by(Caption.language).limit(MAX_LANGUAGES)
        ).all()

    def transcript(self, room: str, language: str, start: datetime, end: datetime) -> Sequence[Cue]:
        """Return the cues in one language between two times."""
        return make_cues(
            self.db.scalars(
                sa.select(Caption)
                .where(
                    Caption.room == room,
                    Caption.language == language,
                    Caption.start >= start,
                    Caption.start < end,
                )
                .order_by(*_ORDER)
                .limit(MAX_TRANSCRIPT_LINES)
            ).all()
        )

    def _find(self, room: str, line: PushedLine, now: datetime) -> Caption | None:
        """Return the latest line with the number of a new one."""
        if line.seq is None:
            return None
        return self.db.scalar(
            sa.select(Caption)
            .where(
                Caption.room == room,
                Caption.language == line.language,
                Caption.seq == line.seq,
                Caption.at > now - REPEAT_WINDOW,
            )
            .order_by(Caption.at.desc(), Caption.id.desc())
            .limit(1)
        )

    def _correct(self, caption: Caption, line: PushedLine, now: datetime) -> None:
        if not line.text:
            self.db.delete(caption)
            return
        caption.text, caption.at = line.text, now
        caption.start = line.start or caption.start
        caption.end = line.end or caption.end
        if caption.end is not None and caption.end <= caption.start:
            caption.end = None

    def _estimate_start(self, room: str, line: PushedLine, now: datetime) -> datetime:
        """Return when a line was spoken: before the lines that have overtaken it."""
        start = now - line.delay
        if line.seq is None:
            return start
        overtaking = self.db.scalar(
            sa.select(sa.func.min(Caption.start)).where(
                Caption.room == room,
                Caption.language == line.language,
                Caption.seq.between(line.seq + 1, line.seq + MAX_REORDERED),
                Caption.start > now - CORRECTION_WINDOW,
            )
        )
        return min(start, overtaking) if overtaking is not None else start


_ORDER = (Caption.start, sa.func.coalesce(Caption.seq, 0), Caption.id)
