"""The processes of `streaming-system serve`: the site, and what runs beside it."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import urllib3

from streaming_system.agent.subprocesses import ProgramError, die_with_parent, kill_group

PYTHON = (sys.executable, "-P", "-m")
START_TIMEOUT = 60.0
# Seconds between SIGTERM and SIGKILL; the site completes requests in progress.
TERMINATE_TIMEOUT = 5.0
RESTART_INTERVAL = 10.0
POLL_INTERVAL = 0.2


class SiteProcesses:
    """Runs the processes until :attr:`stop` is set. They end with this process, however it ends.

    :param stop: is set to end them.
    :param print_line: shows a line to the user.
    """

    def __init__(self, stop: threading.Event, print_line: Callable[[str], None]) -> None:
        self.stop = stop
        self._print_line = print_line
        self._running: list[subprocess.Popen[bytes]] = []
        self._site: subprocess.Popen[bytes] | None = None
        self._helpers: list[_Helper] = []

    def start_site(self, ini: Path, health_url: str) -> None:
        """Start the site, and wait until it responds or :attr:`stop` is set.

        :raises ProgramError: if it does not respond.
        """
        self._site = self._start((*PYTHON, "streaming_system.web.pserve", "-q", str(ini)))
        deadline = time.monotonic() + START_TIMEOUT
        with urllib3.PoolManager(retries=False, timeout=2) as pool:
            while not self.stop.wait(POLL_INTERVAL):
                self._require_site()
                if _is_responding(pool, health_url):
                    return
                if time.monotonic() > deadline:
                    raise ProgramError(f"the site does not respond at {health_url}")

    def start_import(self, ini: Path) -> None:
        """Start the import, which polls the feeds for changes."""
        self._start_helper("import of the schedule", ini, "schedule", "watch")

    def start_reminders(self, ini: Path) -> None:
        """Start the process that sends reminders to viewers."""
        self._start_helper("process that sends reminders", ini, "tracker", "watch")

    def supervise(self) -> None:
        """Wait until :attr:`stop` is set; restart the processes beside the site if they end.

        :raises ProgramError: if the site ends.
        """
        while not self.stop.wait(POLL_INTERVAL):
            self._require_site()
            for helper in self._helpers:
                self._restart_ended(helper)

    def terminate(self) -> None:
        """End all processes, and wait for them."""
        for process in self._running:
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + TERMINATE_TIMEOUT
        for process in self._running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._print_line(f"Process {process.pid} does not end and is killed.")
            kill_group(process.pid)
            process.wait()

    def _start_helper(self, name: str, ini: Path, *arguments: str) -> None:
        command = (*PYTHON, "streaming_system.cli", "-c", str(ini), *arguments)
        self._helpers.append(_Helper(name=name, command=command, process=self._start(command)))

    def _restart_ended(self, helper: "_Helper") -> None:
        if helper.process.poll() is None:
            return
        if helper.ended_at is None:
            helper.ended_at = time.monotonic()
            self._print_line(f"The {helper.name} has ended; it is restarted.")
        elif time.monotonic() - helper.ended_at > RESTART_INTERVAL:
            helper.process, helper.ended_at = self._start(helper.command), None

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        # In its own session, so that Ctrl-C reaches this process only, which ends the others.
        process = subprocess.Popen(  # noqa: S603 - A list of arguments, and no shell.
            die_with_parent(command), stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._running.append(process)
        return process

    def _require_site(self) -> None:
        if self._site is not None and (status := self._site.poll()) is not None:
            raise ProgramError(f"the site has ended with exit status {status}")


@dataclass(kw_only=True)
class _Helper:
    """A process beside the site.

    :param ended_at: when it ended, in monotonic seconds, until it is restarted.
    """

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes]
    ended_at: float | None = None


def _is_responding(pool: urllib3.PoolManager, url: str) -> bool:
    try:
        return pool.request("GET", url).status == 200
    except urllib3.exceptions.HTTPError:
        return False
