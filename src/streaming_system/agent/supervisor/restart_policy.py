"""Decides when a component may be restarted, and runs the restart command."""

import subprocess
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from streaming_system.agent.subprocesses import kill_group
from streaming_system.util.backoff import Backoff

RESTART_WINDOW = 3600.0


@dataclass(frozen=True, kw_only=True)
class RestartConfig:
    """The restart settings of a component.

    :param command: the program and its arguments; it runs without a shell.
    :param min_mood: the mildest mood that triggers a restart: ``sad`` or ``hungry``.
    :param timeout: of the command, in seconds.
    :param max_per_hour: restarts within an hour before the supervisor gives up.
    :param min_backoff: seconds until the second restart; each further delay doubles.
    :param max_backoff: upper bound of the delay, in seconds.
    :param grace: seconds after a restart in which bad results are ignored.
    :param healthy_after: healthy seconds that reset the backoff.
    """

    command: tuple[str, ...]
    min_mood: str
    timeout: float
    max_per_hour: int
    min_backoff: float
    max_backoff: float
    grace: float
    healthy_after: float


class RestartPolicy:
    """Limits the rate of restarts.

    :param clock: monotonic, in seconds.
    """

    def __init__(self, config: RestartConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self.config = config
        self.given_up = False
        self.total = 0
        self._clock = clock
        self._restart_times: deque[float] = deque()
        self._backoff = Backoff(
            initial=config.min_backoff, maximum=config.max_backoff, jitter=0, clock=clock
        )
        self._healthy_since: float | None = None

    def can_restart(self) -> bool:
        """Return whether a restart is allowed now; give up after too many restarts."""
        now = self._clock()
        while self._restart_times and now - self._restart_times[0] >= RESTART_WINDOW:
            self._restart_times.popleft()
        if len(self._restart_times) >= self.config.max_per_hour:
            self.given_up = True
        return not self.given_up and not self._backoff.remaining()

    def backoff_remaining(self) -> float:
        """Return the seconds until the next restart is allowed."""
        return self._backoff.remaining()

    def record_restart(self) -> None:
        """Count a restart."""
        self.total += 1
        self._restart_times.append(self._clock())
        self._backoff.record_failure()

    def record_check(self, *, healthy: bool) -> None:
        """Record a check result; enough healthy time resets the backoff."""
        if not healthy:
            self._healthy_since = None
            return
        now = self._clock()
        if self._healthy_since is None:
            self._healthy_since = now
        if now - self._healthy_since >= self.config.healthy_after:
            self._backoff.reset()
            if self.given_up:
                self.given_up = False
                self._restart_times.clear()


def run_restart_command(config: RestartConfig) -> str:
    """Run the command; return the problem in one line, or "".

    Its output goes to the agent's log. Processes that it starts survive the agent.
    """
    name = config.command[0].rpartition("/")[2]
    try:
        # ProcessRunner would kill it when the agent stops, in the middle of a restart.
        process = subprocess.Popen(  # noqa: S603 - The operator names the command in agent.ini.
            config.command, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"{name} cannot be run: {reason}"
    try:
        status = process.wait(config.timeout)
    except subprocess.TimeoutExpired:
        kill_group(process.pid)
        process.wait()
        return f"{name} takes more than {config.timeout:g} s"
    return f"{name} ended with {status}" if status else ""
