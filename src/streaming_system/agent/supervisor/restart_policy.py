"""When something is started anew, and when not any more."""

import subprocess
from collections import deque
from dataclasses import dataclass

from streaming_system.agent.subprocesses import kill_group

RESTART_WINDOW = 3600.0


@dataclass(frozen=True, kw_only=True)
class RestartConfig:
    """What agent.ini says of starting something anew.

    :param command: in words; no shell is in between.
    :param when: the mood from which on it is tried: ``sad`` or ``hungry``.
    :param within: the command's time, in seconds.
    :param most: so often within an hour.
    :param pause: seconds until the second try; each further one is twice as long.
    :param longest: the longest pause.
    :param grace: for so many seconds nothing bad is counted.
    :param well: after so many good seconds all pauses begin anew.
    """

    command: tuple[str, ...]
    when: str
    within: float
    most: int
    pause: float
    longest: float
    grace: float
    well: float


class RestartPolicy:
    """Counts, and says whether another one may be. Times are those of the monotonic clock."""

    def __init__(self, config: RestartConfig) -> None:
        self.config = config
        self.given_up = False
        self.total = 0
        self._times: deque[float] = deque()
        self._pause = config.pause
        self._next = 0.0
        self._well_since: float | None = None

    def may(self, now: float) -> bool:
        """Tell whether it may be started anew now; after too many times it is given up."""
        while self._times and now - self._times[0] >= RESTART_WINDOW:
            self._times.popleft()
        if len(self._times) >= self.config.most:
            self.given_up = True
        return not self.given_up and now >= self._next

    def left(self, now: float) -> float:
        """Return the seconds until it may be started anew."""
        return max(0.0, self._next - now)

    def note(self, now: float) -> None:
        """Note that it was started anew."""
        self.total += 1
        self._times.append(now)
        self._next = now + self._pause
        self._pause = min(self._pause * 2, self.config.longest)

    def look(self, now: float, *, well: bool) -> None:
        """Note how it was found; what is well for long enough is trusted again."""
        if not well:
            self._well_since = None
            return
        if self._well_since is None:
            self._well_since = now
        if now - self._well_since >= self.config.well:
            self._pause, self._next = self.config.pause, 0.0
            if self.given_up:
                self.given_up = False
                self._times.clear()


def run_restart_command(config: RestartConfig) -> str:
    """Run the command; return what went wrong, or "".

    What it says goes where the agent's own words go, and what it has started stays.
    """
    name = config.command[0].rpartition("/")[2]
    try:
        # Not one of the programs that end with the agent: half a restart is worse than none.
        process = subprocess.Popen(  # noqa: S603 - The operator names the command in agent.ini.
            config.command, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return f"{name} cannot be run: {reason}"
    try:
        status = process.wait(config.within)
    except subprocess.TimeoutExpired:
        kill_group(process.pid)
        process.wait()
        return f"{name} takes more than {config.within:g} s"
    return f"{name} ended with {status}" if status else ""
