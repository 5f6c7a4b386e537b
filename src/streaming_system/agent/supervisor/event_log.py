"""How the parts are, how they were, and what was done: from those who look to those who tell."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from streaming_system.agent.supervisor.check_result import MAX_DETAIL_CHARS
from streaming_system.util.versioned_condition import ChangeNotifier

T = TypeVar("T")

# A tracker that is away for long misses the oldest.
MAX_PAST_STATES = 1000
MAX_ANNOTATIONS = 200
TIME_RESOLUTION = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class CurrentState:
    """How a part is.

    :param since: by this machine's clock.
    :param began: the same by the monotonic clock, which nobody sets.
    """

    name: str
    mood: str
    detail: str
    since: datetime
    began: float


@dataclass(frozen=True, kw_only=True)
class PastState:
    """How a part was before."""

    name: str
    mood: str
    since: datetime
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ComponentAnnotation:
    """What was done, in one line.

    :param room: "" if it was for several.
    """

    label: str
    room: str
    at: datetime


class SequenceBuffer(Generic[T]):
    """Entries with numbers that rise; of too many, the oldest are dropped."""

    def __init__(self, most: int) -> None:
        self._entries: deque[tuple[int, T]] = deque(maxlen=most)
        self.newest = 0

    def add(self, entry: T) -> None:
        """Keep an entry."""
        self.newest += 1
        self._entries.append((self.newest, entry))

    def after(self, number: int) -> Sequence[tuple[int, T]]:
        """Return what is kept that is newer than the entry of a number, oldest first."""
        return [(at, entry) for at, entry in self._entries if at > number]


class ComponentLog(ChangeNotifier):
    """Takes how the parts are, and keeps how they were until trackers know it."""

    def __init__(self) -> None:
        super().__init__()
        self.past: SequenceBuffer[PastState] = SequenceBuffer(MAX_PAST_STATES)
        self.notes: SequenceBuffer[ComponentAnnotation] = SequenceBuffer(MAX_ANNOTATIONS)
        self._states: dict[str, CurrentState] = {}

    def put(self, name: str, mood: str, detail: str = "") -> bool:
        """Take how a part is; tell whether that is another mood than before."""
        now = time.monotonic()
        # Anybody may read it, and whatever reads it gets one line.
        detail = "".join(c if c.isprintable() else " " for c in detail)[:MAX_DETAIL_CHARS]
        with self._changed:
            before = self._states.get(name)
            if before and before.mood == mood:
                self._states[name] = replace(before, detail=detail)
                return False
            if before:
                lasted = round(now - before.began, 3)
                self.past.add(
                    PastState(name=name, mood=before.mood, since=before.since, seconds=lasted)
                )
            since = datetime.now(UTC)
            # Trackers know a mood by its moment, so no two may share one.
            if before and timedelta() <= since - before.since < TIME_RESOLUTION:
                since = before.since + TIME_RESOLUTION
            self._states[name] = CurrentState(
                name=name, mood=mood, detail=detail, since=since, began=now
            )
            self._tell()
            return True

    def note(self, label: str, *, room: str, at: datetime) -> None:
        """Take what was done."""
        with self._changed:
            self.notes.add(ComponentAnnotation(label=label, room=room, at=at))
            self._tell()

    def states(self) -> Mapping[str, CurrentState]:
        """Return how each part is."""
        with self._changed:
            return dict(self._states)

    def page(self, past: int, notes: int) -> "LogSlice":
        """Return how everything is, and what has been added since the entries of these numbers."""
        with self._changed:
            return LogSlice(
                states=dict(self._states),
                past=self.past.after(past),
                notes=self.notes.after(notes),
            )


@dataclass(frozen=True, kw_only=True)
class LogSlice:
    """What a tracker may have to be told, with the numbers of the entries."""

    states: Mapping[str, CurrentState]
    past: Sequence[tuple[int, PastState]]
    notes: Sequence[tuple[int, ComponentAnnotation]]
