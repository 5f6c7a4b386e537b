"""Feedback of viewers on talks, which only the crew can read."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.schedule.feedback_window import FEEDBACK_GRACE, is_open_for_feedback
from streaming_system.tracker.audience.rated_talks import RatedTalk
from streaming_system.tracker.crew.server_keys import ServerKeys
from streaming_system.tracker.db.bounds import Bounds, serialize_new
from streaming_system.tracker.db.session import ensure_write_transaction
from streaming_system.tracker.models import TalkFeedback
from streaming_system.tracker.models.feedback import MAX_COMMENT_CHARS, MAX_TITLE_CHARS
from streaming_system.util.sanitize import strip_unprintable

# The key of the hashes of browsers.
FEEDBACK_KEY_NAME = "feedback"
MAX_PAGE_ROWS = 100
# A comment in a form has two characters for each end of a line.
MAX_RAW_COMMENT_CHARS = 4 * MAX_COMMENT_CHARS


class FeedbackClosedError(Exception):
    """The talk has not begun, or ended too long ago; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Rating:
    """What a viewer thinks of a talk.

    :param browser: a random number that the browser has stored; it is not stored here.
    :param stars: 1 to 5.
    :param comment: a result of :func:`parse_comment`.
    """

    browser: str
    stars: int
    comment: str


def parse_comment(text: str) -> str:
    """Return a comment without control characters and superfluous white space.

    :raises ValueError: if it is too long.
    """
    if len(text) <= MAX_RAW_COMMENT_CHARS:
        lines = (" ".join(line.split()) for line in strip_unprintable(text).splitlines())
        comment = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
        if len(comment) <= MAX_COMMENT_CHARS:
            return comment
    raise ValueError(f"the comment is too long; allowed: {MAX_COMMENT_CHARS} characters")


@dataclass(frozen=True, kw_only=True)
class TalkRatings:
    """The feedback on one talk: the number of viewers, and the mean of their stars.

    :param comments: the number of comments.
    """

    conference: str
    talk: str
    room: str
    title: str
    count: int
    mean: float
    comments: int


class TalkFeedbackStore:
    """The table of feedback.

    :param bounds: the bounds of the ini file.
    """

    def __init__(self, db: Session, bounds: Bounds) -> None:
        self.db = db
        self._bounds = bounds

    def submit(self, talk: RatedTalk, rating: Rating, *, now: datetime) -> bool:
        """Store feedback; return whether it replaced an earlier one of the same browser.

        :raises FeedbackClosedError: before the talk begins, and 30 days after its end.
        :raises BoundReachedError: if there is as much feedback as there may be.
        """
        if not is_open_for_feedback(talk.slot, now):
            raise FeedbackClosedError(
                "the talk has not begun"
                if now < talk.slot.start
                else f"the talk ended more than {FEEDBACK_GRACE.days} days ago"
            )
        connection = ensure_write_transaction(self.db)
        # Of two requests of one browser, the second one finds the row of the first one.
        serialize_new(connection)
        browser = self._hash_browser(talk, rating.browser)
        of_talk = sa.and_(TalkFeedback.conference == talk.conference, TalkFeedback.talk == talk.id)
        row = self.db.scalar(
            sa.select(TalkFeedback).where(of_talk, TalkFeedback.browser == browser)
        )
        is_new = row is None
        if row is None:
            self._require_space(of_talk, connection, now)
            row = TalkFeedback(conference=talk.conference, talk=talk.id, browser=browser)
            self.db.add(row)
        row.room = talk.room
        row.title = talk.slot.title[:MAX_TITLE_CHARS]
        row.stars, row.comment, row.at = rating.stars, rating.comment, now
        self.db.flush()
        return not is_new

    def by_talk(self) -> Sequence[TalkRatings]:
        """Return the ratings of all talks, by room and title."""
        columns = (TalkFeedback.conference, TalkFeedback.talk)
        query = sa.select(
            *columns,
            # A talk that has moved or has another title is one talk.
            sa.func.max(TalkFeedback.room),
            sa.func.max(TalkFeedback.title),
            sa.func.count(),
            sa.func.avg(TalkFeedback.stars),
            sa.func.sum(sa.case((TalkFeedback.comment != "", 1), else_=0)),
        ).group_by(*columns)
        ratings = [
            TalkRatings(
                conference=row[0],
                talk=row[1],
                room=row[2],
                title=row[3],
                count=row[4],
                mean=float(row[5]),
                comments=row[6],
            )
            for row in self.db.execute(query)
        ]
        return sorted(ratings, key=lambda r: (r.conference, r.room, r.title, r.talk))

    def of_talk(self, conference: str, talk: str, *, page: int = 1) -> Sequence[TalkFeedback]:
        """Return a page of the feedback on a talk, newest first."""
        return self.db.scalars(
            sa.select(TalkFeedback)
            .where(TalkFeedback.conference == conference, TalkFeedback.talk == talk)
            .order_by(TalkFeedback.at.desc(), TalkFeedback.id.desc())
            .limit(MAX_PAGE_ROWS)
            .offset((page - 1) * MAX_PAGE_ROWS)
        ).all()

    def stream(self, conference: str, talk: str) -> Iterator[TalkFeedback]:
        """Yield the feedback on a talk, or on all talks if ``talk`` is ""."""
        query = sa.select(TalkFeedback).order_by(
            TalkFeedback.conference, TalkFeedback.talk, TalkFeedback.at, TalkFeedback.id
        )
        if talk:
            query = query.where(TalkFeedback.conference == conference, TalkFeedback.talk == talk)
        yield from self.db.scalars(query.execution_options(yield_per=500))

    def delete(self, feedback_id: int) -> TalkFeedback | None:
        """Delete feedback; return it, or ``None`` if there was none of that id."""
        ensure_write_transaction(self.db)
        feedback = self.db.get(TalkFeedback, feedback_id)
        if feedback is not None:
            self.db.delete(feedback)
            self.db.flush()
        return feedback

    def _require_space(
        self, of_talk: sa.ColumnElement[bool], connection: sa.Connection, now: datetime
    ) -> None:
        self._bounds.require_space(connection, TalkFeedback.__tablename__, now=now)
        for name, condition in (("feedback_per_talk", of_talk), ("feedback", sa.true())):
            maximum = self._bounds.get(name)
            query = sa.select(sa.func.count()).select_from(TalkFeedback).where(condition)
            if maximum is not None and (self.db.scalar(query) or 0) >= maximum:
                raise self._bounds.error(name, "there is as much feedback as there may be")

    def _hash_browser(self, talk: RatedTalk, number: str) -> str:
        key = ServerKeys(self.db).get(FEEDBACK_KEY_NAME)
        # No part contains a blank.
        text = f"{talk.conference} {talk.id} {number}".encode()
        return hashlib.blake2b(text, digest_size=32, key=key).hexdigest()
