"""Checks one component periodically and restarts it after failures."""

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

from streaming_system.agent.supervisor.check_result import MOOD_LEVELS, SLEEPING, CheckResult
from streaming_system.agent.supervisor.check_runner import CheckRunner
from streaming_system.agent.supervisor.config import ComponentConfig
from streaming_system.agent.supervisor.event_log import ComponentLog
from streaming_system.agent.supervisor.hysteresis import Hysteresis
from streaming_system.agent.supervisor.restart_policy import RestartPolicy, run_restart_command
from streaming_system.util.unexpected_error import describe_unexpected_error

log = logging.getLogger(__name__)


class ComponentWatcher(threading.Thread):
    """Watches a component of the pipeline.

    :param machine: the crew's name for this machine.
    :param slots: limits the number of parallel heavy checks.
    """

    def __init__(
        self,
        component: ComponentConfig,
        machine: str,
        component_log: ComponentLog,
        slots: threading.Semaphore,
        stop: threading.Event,
    ) -> None:
        super().__init__(name=f"watch {component.name}", daemon=True)
        self.component = component
        self.restarts = RestartPolicy(component.restart) if component.restart else None
        self._machine, self._component_log, self._stop_event = machine, component_log, stop
        self._check_runner = CheckRunner(component, slots, stop)
        self._hysteresis = Hysteresis(component.bad_after, component.good_after)
        self._grace_until = 0.0
        self._set_state("waking", "is being checked")

    def run(self) -> None:
        due = time.monotonic()
        while not self._stop_event.is_set():
            try:
                self.check_once()
            except Exception as error:
                # The thread must survive: without it, the last state would stay forever.
                log.exception("%s", self.component.name)
                self._set_state("sad", f"cannot be checked: {describe_unexpected_error(error)}")
            # After a suspend, missed runs are skipped rather than executed in a burst.
            due = max(due + self.component.interval, time.monotonic())
            self._stop_event.wait(due - time.monotonic())

    def check_once(self) -> None:
        """Check the component once; restart it if needed."""
        if not self.component.enabled or (self.component.off and self.component.off.exists()):
            self._set_sleeping("switched off")
            return
        result = self._check_runner.run()
        if result is None or self._stop_event.is_set():
            return
        if result.mood == SLEEPING:
            self._set_sleeping(result.detail)
            return
        if result.mood != "happy" and time.monotonic() < self._grace_until:
            return
        state = self._hysteresis.update(result)
        if self.restarts:
            self.restarts.record_check(healthy=state is not None and state.mood == "happy")
        if state is None:
            # After sleep, a component is starting, too.
            self._set_state("waking", result.detail if result.mood != "happy" else "")
        elif self.restarts and self._needs_restart(state, self.restarts):
            self._restart_if_allowed(state, self.restarts)
        else:
            self._set_result(state)

    @staticmethod
    def _needs_restart(state: CheckResult, restarts: RestartPolicy) -> bool:
        if not state.restart_may_help or state.mood == "waking":
            return False
        return MOOD_LEVELS[state.mood] >= MOOD_LEVELS[restarts.config.min_mood]

    def _restart_if_allowed(self, state: CheckResult, restarts: RestartPolicy) -> None:
        had_given_up = restarts.given_up
        if restarts.can_restart():
            # Trackers get the failure even if the restart is instant.
            self._set_result(state)
            self._restart(state, restarts)
            return
        if not restarts.given_up:
            delay = f"{restarts.backoff_remaining():.0f} s"
            self._set_result(replace(state, detail=f"{state.detail}; next restart in {delay}"))
            return
        reason = f"gave up after {restarts.config.max_per_hour} restarts within an hour"
        self._set_result(replace(state, mood="sad", detail=f"{state.detail}; {reason}"))
        if not had_given_up:
            self._annotate(f"{reason}: {state.detail}", datetime.now(UTC))

    def _restart(self, state: CheckResult, restarts: RestartPolicy) -> None:
        at = datetime.now(UTC)
        self._set_state("waking", f"restarting: {state.detail}")
        problem = run_restart_command(restarts.config)
        restarts.record_restart()
        if problem:
            self._annotate(f"restart failed ({problem}): {state.detail}", at)
            self._set_state("sad", f"{state.detail}; {problem}")
            return
        self._annotate(f"restarted: {state.detail}", at)
        self._hysteresis.reset()
        self._grace_until = time.monotonic() + restarts.config.grace

    def _set_sleeping(self, detail: str) -> None:
        self._hysteresis.reset(1)
        self._set_state(SLEEPING, detail)

    def _set_state(self, mood: str, detail: str) -> None:
        self._set_result(CheckResult(mood=mood, detail=detail))

    def _set_result(self, result: CheckResult) -> None:
        has_changed = self._component_log.set_state(
            self.component.name,
            result.mood,
            result.detail,
            condition=result.condition,
            episode=result.episode,
        )
        if has_changed:
            level = logging.WARNING if result.mood in ("hungry", "sad") else logging.INFO
            detail = f": {result.detail}" if result.detail else ""
            log.log(level, "%s is %s%s", self.component.name, result.mood, detail)

    def _annotate(self, text: str, at: datetime) -> None:
        label = f"{self.component.name} on {self._machine}: {text}"
        log.warning("%s", label)
        self._component_log.annotate(label, room=self.component.room, at=at)
