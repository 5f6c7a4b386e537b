"""Looks at one part again and again, and starts it anew where that is wanted."""

import logging
import threading
import time
from datetime import UTC, datetime

from streaming_system.agent.supervisor.check_result import MOOD_LEVELS, SLEEPING, CheckResult
from streaming_system.agent.supervisor.check_runner import CheckRunner
from streaming_system.agent.supervisor.config import ComponentConfig
from streaming_system.agent.supervisor.event_log import ComponentLog
from streaming_system.agent.supervisor.hysteresis import Hysteresis
from streaming_system.agent.supervisor.restart_policy import RestartPolicy, run_restart_command

log = logging.getLogger(__name__)


class ComponentWatcher(threading.Thread):
    """Watches a part of the pipeline.

    :param machine: what the crew calls this machine.
    :param slots: that heavy checks share.
    """

    def __init__(
        self,
        part: ComponentConfig,
        machine: str,
        journal: ComponentLog,
        slots: threading.Semaphore,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"watch {part.name}", daemon=True)
        self.part = part
        self.restarts = RestartPolicy(part.restart) if part.restart else None
        self._machine, self._journal, self._stop_event = machine, journal, stop
        self._look = CheckRunner(part, slots, stop)
        self._steady = Hysteresis(part.bad_after, part.good_after)
        self._calm_until = 0.0
        self._put("waking", "is being looked at")

    def run(self) -> None:
        due = time.monotonic()
        while not self._stop_event.is_set():
            try:
                self.once()
            except Exception as error:
                # A part that nobody looks at any more would stay as it was for ever.
                log.exception("%s", self.part.name)
                self._put("sad", f"cannot be checked: {type(error).__name__}")
            # After a pause of the whole machine, nothing is made up for.
            due = max(due + self.part.interval, time.monotonic())
            self._stop_event.wait(due - time.monotonic())

    def once(self) -> None:
        """Look once, and do what follows."""
        if not self.part.enabled or (self.part.off and self.part.off.exists()):
            self._sleep("switched off")
            return
        found = self._look()
        if found is None or self._stop_event.is_set():
            return
        if found.mood == SLEEPING:
            self._sleep(found.detail)
            return
        now = time.monotonic()
        if found.mood != "happy" and now < self._calm_until:
            return
        shown = self._steady.take(found)
        if self.restarts:
            self.restarts.look(now, well=shown is not None and shown.mood == "happy")
        if shown is None:
            # Whoever has just come back from sleep is starting, too.
            self._put("waking", found.detail if found.mood != "happy" else "")
        elif self.restarts and shown.curable and self._is_bad(shown, self.restarts):
            self._cure(shown, self.restarts)
        else:
            self._put(shown.mood, shown.detail)

    @staticmethod
    def _is_bad(shown: CheckResult, restarts: RestartPolicy) -> bool:
        return (
            shown.mood != "waking" and MOOD_LEVELS[shown.mood] >= MOOD_LEVELS[restarts.config.when]
        )

    def _cure(self, shown: CheckResult, restarts: RestartPolicy) -> None:
        now, given_up = time.monotonic(), restarts.given_up
        if restarts.may(now):
            # Trackers hear that it has failed even where starting it anew takes no time.
            self._put(shown.mood, shown.detail)
            self._restart(shown, restarts)
            return
        if not restarts.given_up:
            left = f"; is started anew in {restarts.left(now):.0f} s"
            self._put(shown.mood, f"{shown.detail}{left}")
            return
        often = f"started anew {restarts.config.most} times within an hour, and not any more"
        self._put("sad", f"{shown.detail}; {often}")
        if not given_up:
            self._note(f"{often}: {shown.detail}", datetime.now(UTC))

    def _restart(self, shown: CheckResult, restarts: RestartPolicy) -> None:
        at = datetime.now(UTC)
        self._put("waking", f"is started anew: {shown.detail}")
        trouble = run_restart_command(restarts.config)
        restarts.note(time.monotonic())
        if trouble:
            self._note(f"could not be started anew ({trouble}): {shown.detail}", at)
            self._put("sad", f"{shown.detail}; {trouble}")
            return
        self._note(f"started anew: {shown.detail}", at)
        self._steady.begin()
        self._calm_until = time.monotonic() + restarts.config.grace

    def _sleep(self, detail: str) -> None:
        self._steady.begin(1)
        self._put(SLEEPING, detail)

    def _put(self, mood: str, detail: str) -> None:
        if self._journal.put(self.part.name, mood, detail):
            level = logging.WARNING if mood in ("hungry", "sad") else logging.INFO
            log.log(level, "%s is %s%s", self.part.name, mood, f": {detail}" if detail else "")

    def _note(self, what: str, at: datetime) -> None:
        label = f"{self.part.name} on {self._machine}: {what}"
        log.warning("%s", label)
        self._journal.note(label, room=self.part.room, at=at)
