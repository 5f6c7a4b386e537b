"""Sends reports to one tracker, with retries."""

import logging
import threading
import time
from abc import ABC, abstractmethod

from streaming_system.agent.tracker_client import TrackerClient
from streaming_system.agent.tracker_http import TrackerUnavailableError, UnauthorizedError
from streaming_system.util.backoff import Backoff
from streaming_system.util.log_once import LogOnce
from streaming_system.util.unexpected_error import describe_unexpected_error
from streaming_system.util.versioned_condition import ChangeNotifier

log = logging.getLogger(__name__)

# How long a rejected room or group is not reported again, in seconds.
REJECTION_BACKOFF = 60.0
# Bounds of the wait for a change, in seconds.
MIN_WAIT, MAX_WAIT = 0.05, 60.0


class TrackerSender(threading.Thread, ABC):
    """Sends changes to a tracker at once, and everything else when it is due.

    :param changes: notifies this thread of changes.
    """

    # Seconds before the shutdown deadline that are reserved for deregistration.
    deregister_reserve = 0.8

    def __init__(
        self, tracker: TrackerClient, changes: ChangeNotifier, stop: threading.Event
    ) -> None:
        super().__init__(name=f"tracker {tracker.url}", daemon=True)
        self.tracker = tracker
        # Why the tracker rejects the credentials.
        self.credentials_problem: str = ""
        self.problem: str = ""
        self.accepted = 0
        self.failed = 0
        # When the tracker accepted the last report (monotonic time).
        self.last_accepted: float | None = None
        self._changes, self._stop_event = changes, stop
        self._rejected_until: dict[str, float] = {}
        self._backoff = Backoff()
        self._send_lock = threading.Lock()
        self._warnings = LogOnce(log)

    @abstractmethod
    def send_pending(self) -> None:
        """Send all reports that are due.

        :raises TrackerError: if the tracker does not accept them.
        """

    @abstractmethod
    def next_due(self) -> float:
        """Return the monotonic time of the next report if nothing changes."""

    @abstractmethod
    def deregister(self, deadline: float) -> None:
        """Deregister from the tracker before ``deadline`` (monotonic time)."""

    def run(self) -> None:
        version = -1
        while not self._stop_event.is_set() and not self.credentials_problem:
            if (delay := self._backoff.remaining()) > 0:
                self._stop_event.wait(delay)
                # Send what failed, even if nothing changes.
                version = -1
                continue
            version = self._changes.wait(version, self._seconds_until_due())
            with self._send_lock:
                self.send_once()

    def send_once(self) -> None:
        """Send all reports that are due, and record failures."""
        try:
            self.send_pending()
        except UnauthorizedError as error:
            self.credentials_problem = self.problem = str(error)
        except TrackerUnavailableError as error:
            self._record_failure(error)
        except Exception as error:
            # An unexpected error must not end the thread: the next report may succeed.
            log.debug("a report to %s failed", self.tracker.url, exc_info=True)
            line = f"{self.tracker.url}: {describe_unexpected_error(error)}"
            self._record_failure(TrackerUnavailableError(line))

    def shutdown(self, deadline: float) -> None:
        """Deregister before ``deadline`` (monotonic time), if the tracker has accepted a report."""
        # A report in flight would register the endpoint again, so wait for its end.
        timeout = max(0.0, deadline - time.monotonic() - self.deregister_reserve)
        is_locked = self._send_lock.acquire(timeout=timeout)
        try:
            if self.accepted and not self.credentials_problem:
                self.deregister(deadline)
        except (UnauthorizedError, TrackerUnavailableError) as error:
            log.warning("%s: could not deregister: %s", self.tracker.url, error)
        finally:
            if is_locked:
                self._send_lock.release()

    def _record_success(self, subject: str) -> None:
        self._resolve_rejection(subject)
        self._backoff.reset()
        self.problem = ""
        self.accepted += 1
        self.last_accepted = time.monotonic()
        self._warnings.resolve(self.tracker.url)

    def _resolve_rejection(self, subject: str) -> None:
        self._rejected_until.pop(subject, None)
        self._warnings.resolve(f"{self.tracker.url} {subject}")

    def _record_rejection(self, subject: str, line: str) -> None:
        self.failed += 1
        self._rejected_until[subject] = time.monotonic() + REJECTION_BACKOFF
        self._warnings.warn(f"{self.tracker.url} {subject}", line)

    def _is_rejected(self, subject: str, now: float) -> bool:
        return self._rejected_until.get(subject, 0) > now

    def _record_failure(self, error: TrackerUnavailableError) -> None:
        self.failed += 1
        self.problem = str(error)
        self._backoff.record_failure(error.retry_after)
        self._warnings.warn(self.tracker.url, str(error))

    def _seconds_until_due(self) -> float:
        now = time.monotonic()
        times = [self.next_due(), *(at for at in self._rejected_until.values() if at > now)]
        return min(max(min(times) - now, MIN_WAIT), MAX_WAIT)
