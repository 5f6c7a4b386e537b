"""Keeps one tracker up to date: the patience that takes, whatever it is told."""

import logging
import threading
import time
from abc import ABC, abstractmethod

from streaming_system.agent.tracker_client import (
    TrackerClient,
    TrackerUnavailableError,
    UnauthorizedError,
)
from streaming_system.util.backoff import Backoff
from streaming_system.util.log_once import LogOnce
from streaming_system.util.versioned_condition import ChangeNotifier

log = logging.getLogger(__name__)

# How long something is left alone that the tracker does not take.
REJECTION_BACKOFF = 60.0


class TrackerSender(threading.Thread, ABC):
    """Tells a tracker what is new at once, and the rest when it is due.

    :param news: whose news it waits for.
    """

    # So many seconds of a farewell are kept for saying goodbye.
    last_words = 0.8

    def __init__(self, tracker: TrackerClient, news: ChangeNotifier, stop: threading.Event) -> None:
        super().__init__(name=f"tracker {tracker.url}", daemon=True)
        self.tracker = tracker
        self.refused: str = ""
        self.trouble: str = ""
        self.taken = 0
        self.failed = 0
        self.last: float | None = None
        self._news, self._stop_event = news, stop
        self._left_alone: dict[str, float] = {}
        self._backoff = Backoff()
        self._speaking = threading.Lock()
        self._warnings = LogOnce(log)

    @abstractmethod
    def speak(self) -> None:
        """Tell the tracker all that it should know by now."""

    @abstractmethod
    def due(self) -> float:
        """Return when something has to be said even without news, by the monotonic clock."""

    @abstractmethod
    def leave(self, until: float) -> None:
        """Say goodbye; what was not said by then is left unsaid."""

    def run(self) -> None:
        version = -1
        while not self._stop_event.is_set() and not self.refused:
            if (left := self._backoff.remaining()) > 0:
                self._stop_event.wait(left)
                # Whatever is new by then, what could not be told is told after it.
                version = -1
                continue
            version = self._news.wait(version, self._idle())
            with self._speaking:
                self.round()

    def round(self) -> None:
        """Speak, and bear what comes of it."""
        try:
            self.speak()
        except UnauthorizedError as refusal:
            self.refused = self.trouble = str(refusal)
        except TrackerUnavailableError as failure:
            self._fail(failure)
        except Exception as error:
            # Whatever it is, the next report may go well; without this thread there is none.
            log.debug("a report to %s failed", self.tracker.url, exc_info=True)
            self._fail(
                TrackerUnavailableError(
                    f"{self.tracker.url}: {type(error).__name__}: {error!s:.200}"
                )
            )

    def farewell(self, until: float) -> None:
        """Say goodbye, unless the tracker does not know us anyway.

        :param until: by the monotonic clock; what was not said by then is left unsaid.
        """
        # A report that is on its way would bring back what has said goodbye.
        calm = self._speaking.acquire(timeout=max(0.0, until - time.monotonic() - self.last_words))
        try:
            if self.taken and not self.refused:
                self.leave(until)
        except (UnauthorizedError, TrackerUnavailableError) as failure:
            log.warning("%s: could not say goodbye: %s", self.tracker.url, failure)
        finally:
            if calm:
                self._speaking.release()

    def _good(self, about: str) -> None:
        self._left_alone.pop(about, None)
        self._backoff.reset()
        self.trouble = ""
        self.taken += 1
        self.last = time.monotonic()
        self._warnings.resolve(self.tracker.url)
        self._warnings.resolve(f"{self.tracker.url} {about}")

    def _leave_alone(self, about: str, line: str) -> None:
        self.failed += 1
        self._left_alone[about] = time.monotonic() + REJECTION_BACKOFF
        self._warnings.warn(f"{self.tracker.url} {about}", line)

    def _is_left_alone(self, about: str, now: float) -> bool:
        return self._left_alone.get(about, 0) > now

    def _fail(self, failure: TrackerUnavailableError) -> None:
        self.failed += 1
        self.trouble = str(failure)
        self._backoff.record_failure(failure.after)
        self._warnings.warn(self.tracker.url, str(failure))

    def _idle(self) -> float:
        """Return for how long nothing has to be done, unless there is news."""
        now = time.monotonic()
        moments = [self.due(), *(at for at in self._left_alone.values() if at > now)]
        return min(max(min(moments) - now, 0.05), 60)
