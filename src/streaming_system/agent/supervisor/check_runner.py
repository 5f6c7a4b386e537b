"""Runs a check with a hard timeout."""

import logging
import threading
import time

from streaming_system.agent.supervisor.check_result import CheckResult, check_error, sad
from streaming_system.agent.supervisor.config import ComponentConfig
from streaming_system.util.unexpected_error import describe_unexpected_error

log = logging.getLogger(__name__)

# Checks apply their timeout themselves where they can; the runner waits a little longer.
TIMEOUT_GRACE = 1.0


class CheckRunner:
    """Runs the check of a component, each time in a new thread, so that it cannot block the caller.

    :param slots: limits the number of parallel heavy checks.
    """

    def __init__(
        self, component: ComponentConfig, slots: threading.Semaphore, stop: threading.Event
    ) -> None:
        self._component, self._slots, self._stop_event = component, slots, stop
        self._thread: threading.Thread | None = None
        self._started_at = 0.0

    def run(self) -> CheckResult | None:
        """Return the result; ``None`` if the check needs another call or the service stops."""
        if self._thread and self._thread.is_alive():
            return sad(f"the check hangs for {time.monotonic() - self._started_at:.0f} s")
        if self._component.heavy and not self._acquire_slot():
            return None
        results: list[CheckResult | None] = []
        self._thread = threading.Thread(target=self._run_check, args=(results,), daemon=True)
        self._started_at = time.monotonic()
        self._thread.start()
        self._thread.join(self._component.timeout + TIMEOUT_GRACE)
        if results:
            return results[0]
        return sad(f"the check takes more than {self._component.timeout:g} s")

    def _acquire_slot(self) -> bool:
        while not self._stop_event.is_set():
            if self._slots.acquire(timeout=0.5):
                return True
        return False

    def _run_check(self, results: list[CheckResult | None]) -> None:
        try:
            results.append(self._component.check(self._component.timeout))
        except Exception as error:
            # Servers can send anything, and a bug in a check must not stop the supervisor.
            log.debug("the check of %s failed", self._component.name, exc_info=True)
            results.append(check_error(describe_unexpected_error(error)))
        finally:
            if self._component.heavy:
                self._slots.release()
