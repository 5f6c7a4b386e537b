"""One look at a part, which nothing that hangs can hold up."""

import logging
import threading
import time

from streaming_system.agent.supervisor.check_result import CheckResult, check_error, sad
from streaming_system.agent.supervisor.config import ComponentConfig

log = logging.getLogger(__name__)

# Checks keep to their time themselves, where the system lets them; this is for where it does not.
TIMEOUT_GRACE = 1.0


class CheckRunner:
    """Looks at a part when it is called, each time in a thread of its own.

    :param slots: that heavy checks share.
    """

    def __init__(
        self, part: ComponentConfig, slots: threading.Semaphore, stop: threading.Event
    ) -> None:
        self._part, self._slots, self._stop_event = part, slots, stop
        self._thread: threading.Thread | None = None
        self._began = 0.0

    def __call__(self) -> CheckResult | None:
        """Return what was found; ``None`` where one look does not tell, or all is over."""
        if self._thread and self._thread.is_alive():
            return sad(f"the check hangs for {time.monotonic() - self._began:.0f} s")
        if self._part.heavy and not self._wait_for_slot():
            return None
        found: list[CheckResult | None] = []
        self._thread = threading.Thread(target=self._run, args=(found,), daemon=True)
        self._began = time.monotonic()
        self._thread.start()
        self._thread.join(self._part.limit + TIMEOUT_GRACE)
        return found[0] if found else sad(f"the check takes more than {self._part.limit:g} s")

    def _wait_for_slot(self) -> bool:
        while not self._stop_event.is_set():
            if self._slots.acquire(timeout=0.5):
                return True
        return False

    def _run(self, found: list[CheckResult | None]) -> None:
        try:
            found.append(self._part.check(self._part.limit))
        except Exception as error:
            # Servers say what nobody has thought of.
            log.debug("the check of %s failed", self._part.name, exc_info=True)
            found.append(check_error(f"{type(error).__name__}: {error!s:.60}"))
        finally:
            if self._part.heavy:
                self._slots.release()
