"""Current and past states of components, written by watchers, read by reporters."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from streaming_system.agent.supervisor.check_result import MAX_DETAIL_CHARS
from streaming_system.util.versioned_condition import ChangeNotifier

T = TypeVar("T")

# A tracker that is unreachable for long misses older entries.
MAX_PAST_STATES = 1000
MAX_ANNOTATIONS = 200
TIME_RESOLUTION = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class CurrentState:
    """The state of a component.

    :param since: start of the mood, in UTC.
    :param started_at: the same as time of the monotonic clock.
    :param condition: a fault that the tracker knows, such as ``black``; "" for none of these.
    :param episode: distinguishes states of the same mood and condition.
    """

    name: str
    mood: str
    detail: str
    since: datetime
    started_at: float
    condition: str = ""
    episode: int = 0

    @property
    def identity(self) -> tuple[str, str, int]:
        """What makes another state."""
        return self.mood, self.condition, self.episode

    @property
    def age(self) -> float:
        """The seconds since its start."""
        return time.monotonic() - self.started_at


@dataclass(frozen=True, kw_only=True)
class PastState:
    """A mood of a component that is over.

    :param started_at: its start by the monotonic clock.
    """

    name: str
    mood: str
    since: datetime
    started_at: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ComponentAnnotation:
    """An action of the supervisor, in one line.

    :param room: "" if it concerns several.
    """

    label: str
    room: str
    at: datetime


class SequenceBuffer(Generic[T]):
    """A ring buffer with sequence numbers."""

    def __init__(self, max_entries: int) -> None:
        self._entries: deque[tuple[int, T]] = deque(maxlen=max_entries)
        self.last_number = 0

    def append(self, entry: T) -> None:
        """Add an entry; drop the oldest one if the buffer is full."""
        self.last_number += 1
        self._entries.append((self.last_number, entry))

    def after(self, number: int) -> Sequence[tuple[int, T]]:
        """Return the stored entries with a higher number, oldest first."""
        return [(n, entry) for n, entry in self._entries if n > number]


@dataclass(frozen=True, kw_only=True)
class LogSlice:
    """All current states, and numbered entries of the past."""

    states: Mapping[str, CurrentState]
    past: Sequence[tuple[int, PastState]]
    annotations: Sequence[tuple[int, ComponentAnnotation]]


class ComponentLog(ChangeNotifier):
    """Stores current states, past states and annotations until trackers have them."""

    def __init__(self) -> None:
        super().__init__()
        self._past: SequenceBuffer[PastState] = SequenceBuffer(MAX_PAST_STATES)
        self._annotations: SequenceBuffer[ComponentAnnotation] = SequenceBuffer(MAX_ANNOTATIONS)
        self._states: dict[str, CurrentState] = {}

    def set_state(
        self, name: str, mood: str, detail: str = "", *, condition: str = "", episode: int = 0
    ) -> bool:
        """Set the state of a component; return whether the mood or the condition changed."""
        now = time.monotonic()
        detail = "".join(c if c.isprintable() else " " for c in detail)[:MAX_DETAIL_CHARS]
        identity = mood, condition, episode
        with self._changed:
            before = self._states.get(name)
            if before and before.identity == identity:
                self._states[name] = replace(before, detail=detail)
                return False
            since = datetime.now(UTC)
            if before:
                seconds = round(now - before.started_at, 3)
                self._past.append(
                    PastState(
                        name=name,
                        mood=before.mood,
                        since=before.since,
                        started_at=before.started_at,
                        seconds=seconds,
                    )
                )
                # Trackers identify a state by its start, so starts must differ.
                if timedelta() <= since - before.since < TIME_RESOLUTION:
                    since = before.since + TIME_RESOLUTION
            self._states[name] = CurrentState(
                name=name,
                mood=mood,
                detail=detail,
                since=since,
                started_at=now,
                condition=condition,
                episode=episode,
            )
            self._notify()
            return before is None or before.identity[:2] != identity[:2]

    def remove(self, name: str) -> None:
        """Remove a component, if there is one of that name."""
        with self._changed:
            if self._states.pop(name, None) is not None:
                self._notify()

    def annotate(self, label: str, *, room: str, at: datetime) -> None:
        """Add an annotation."""
        with self._changed:
            self._annotations.append(ComponentAnnotation(label=label, room=room, at=at))
            self._notify()

    def states(self) -> Mapping[str, CurrentState]:
        """Return the current state of each component."""
        with self._changed:
            return dict(self._states)

    def since(self, past: int, annotations: int) -> LogSlice:
        """Return the current states, and the entries with higher numbers than these."""
        with self._changed:
            return LogSlice(
                states=dict(self._states),
                past=self._past.after(past),
                annotations=self._annotations.after(annotations),
            )
