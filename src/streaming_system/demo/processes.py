"""Processes of the demo: they restart after a failure and end with the demo."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from streaming_system.agent.subprocesses import (
    MAX_STDERR_BYTES,
    ProgramError,
    die_with_parent,
    kill_group,
    last_line,
)

# Seconds between SIGTERM and SIGKILL.
TERMINATE_TIMEOUT = 2.0
# Seconds between the end of a process and its restart.
RESTART_INTERVAL = 2.0
# A process that ends this often, each time after less than the minimum uptime, is not restarted.
MAX_RAPID_EXITS = 3
MIN_UPTIME_SECONDS = 10.0


class DemoStoppedError(Exception):
    """The user stopped the demo during an operation."""


@dataclass
class ManagedProcess:
    """A process, which leads its own process group.

    :param restarts: whether it is restarted after it ends.
    :param rapid_exits: consecutive exits after less than the minimum uptime.
    """

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    restarts: bool
    process: subprocess.Popen[bytes]
    started_at: float
    ended_at: float | None = None
    rapid_exits: int = 0

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def log_tail(self) -> str:
        """The last line of its output."""
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - MAX_STDERR_BYTES))
            return last_line(log.read(MAX_STDERR_BYTES).decode("utf-8", "replace"))


class ProcessGroup:
    """All processes of the demo.

    :param folder: for logs, and the default working directory.
    :param stop: is set when the user stops the demo.
    :param print_line: shows a line to the user.
    """

    def __init__(
        self, folder: Path, stop: threading.Event, print_line: Callable[[str], None]
    ) -> None:
        self.stop = stop
        self._folder, self._print_line = folder, print_line
        self._processes: list[ManagedProcess] = []

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path | None = None,
        restarts: bool = True,
    ) -> ManagedProcess:
        """Start a process.

        :raises ProgramError: if the program cannot be run.
        :raises DemoStoppedError: if the demo was stopped.
        """
        if self.stop.is_set():
            raise DemoStoppedError
        log, folder = self._folder / f"{name}.log", folder or self._folder
        process = ManagedProcess(
            name, command, folder, log, restarts, _spawn(command, folder, log), time.monotonic()
        )
        self._processes.append(process)
        return process

    def supervise(self) -> None:
        """Restart the processes that have ended; call it periodically."""
        for process in self._processes:
            if process.is_running:
                process.ended_at = None
                continue
            now = time.monotonic()
            if process.ended_at is None:
                process.ended_at = now
                self._handle_exit(process, now - process.started_at)
            elif process.restarts and now - process.ended_at > RESTART_INTERVAL:
                # Its child processes may still run.
                kill_group(process.process.pid)
                process.process = _spawn(process.command, process.folder, process.log)
                process.started_at, process.ended_at = now, None

    def _handle_exit(self, process: ManagedProcess, uptime: float) -> None:
        process.rapid_exits = process.rapid_exits + 1 if uptime < MIN_UPTIME_SECONDS else 1
        process.restarts = process.restarts and process.rapid_exits < MAX_RAPID_EXITS
        consequence = "it is restarted" if process.restarts else "the rest continues without it"
        tail = process.log_tail
        reason = f" ({tail})" if tail else ""
        self._print_line(f"{process.name} has ended{reason}; {consequence}.")

    def wait_until(
        self, condition: Callable[[], bool], seconds: float, *required: ManagedProcess
    ) -> bool:
        """Wait for a condition; return whether it became true in time.

        :param required: processes without which it cannot become true.
        :raises DemoStoppedError: if the demo is stopped.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if self.stop.wait(0.1):
                raise DemoStoppedError
            if time.monotonic() > deadline or not all(one.is_running for one in required):
                return False
        return True

    def terminate(self) -> None:
        """Terminate all processes, the newest first; kill those that ignore it."""
        for process in reversed(self._processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + TERMINATE_TIMEOUT
        for process in self._processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.process.wait(max(0.0, deadline - time.monotonic()))
        for process in self._processes:
            kill_group(process.process.pid)
            process.process.wait()


def _spawn(command: Sequence[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    # Temporary files of the programs are removed with the demo's folder.
    environment = os.environ | {"TMPDIR": str(log.parent)}
    try:
        with log.open("wb") as output:
            # In its own session, so that Ctrl-C only reaches the demo, which ends the others.
            return subprocess.Popen(  # noqa: S603 - A list of arguments, and no shell.
                die_with_parent(command),
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
    except OSError as error:
        raise ProgramError(f"{command[0]}: cannot be run: {error.strerror}") from None
