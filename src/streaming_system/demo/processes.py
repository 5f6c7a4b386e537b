"""Programs that run for as long as the demo does, and end with it."""

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

# Who does not end within so many seconds of being asked is killed.
TERMINATE_TIMEOUT = 2.0
# A program that has ended is started again after so many seconds.
RESTART_INTERVAL = 2.0
# One that has ended so often, each time within so many seconds, is left alone.
MAX_RAPID_EXITS, MIN_UPTIME_SECONDS = 3, 10.0


class DemoStoppedError(Exception):
    """Somebody has ended the demo while something was waited for."""


@dataclass
class ManagedProcess:
    """A program, which leads a group of its own.

    :param again: whether it is started again when it has ended.
    """

    name: str
    command: Sequence[str]
    folder: Path
    log: Path
    again: bool
    process: subprocess.Popen[bytes]
    began: float
    ended: float | None = None
    tries: int = 0

    @property
    def runs(self) -> bool:
        return self.process.poll() is None

    @property
    def said(self) -> str:
        """The last thing it has said."""
        with self.log.open("rb") as opened:
            opened.seek(max(0, self.log.stat().st_size - MAX_STDERR_BYTES))
            return last_line(opened.read(MAX_STDERR_BYTES).decode("utf-8", "replace"))


class ProcessGroup:
    """All that the demo has started.

    :param stop: whether somebody has ended the demo.
    :param say: shows people a line.
    """

    def __init__(self, folder: Path, stop: threading.Event, say: Callable[[str], None]) -> None:
        self._folder, self.stop, self._say = folder, stop, say
        self._children: list[ManagedProcess] = []

    def start(
        self, name: str, command: Sequence[str], *, folder: Path | None = None, again: bool = True
    ) -> ManagedProcess:
        """Start a program.

        :raises ProgramError: if that cannot be.
        :raises Stopped: if all is over.
        """
        if self.stop.is_set():
            raise DemoStoppedError
        log, folder = self._folder / f"{name}.log", folder or self._folder
        process = _spawn(command, folder, log)
        child = ManagedProcess(name, command, folder, log, again, process, time.monotonic())
        self._children.append(child)
        return child

    def tend(self) -> None:
        """Start again what has ended."""
        for child in self._children:
            if child.runs:
                child.ended = None
                continue
            now = time.monotonic()
            if child.ended is None:
                child.ended = now
                child.tries = child.tries + 1 if now - child.began < MIN_UPTIME_SECONDS else 1
                child.again = child.again and child.tries < MAX_RAPID_EXITS
                what = "it is started again" if child.again else "the rest goes on without it"
                said = f" ({child.said})" if child.said else ""
                self._say(f"{child.name} has ended{said}; {what}.")
            elif child.again and now - child.ended > RESTART_INTERVAL:
                # What it had started goes, too.
                kill_group(child.process.pid)
                child.process = _spawn(child.command, child.folder, child.log)
                child.began, child.ended = now, None

    def wait_until(
        self, is_true: Callable[[], bool], seconds: float, *needed: ManagedProcess
    ) -> bool:
        """Wait for something; return whether it has come within so many seconds.

        :param needed: the programs without which it cannot come.
        :raises Stopped: if all is over.
        """
        give_up = time.monotonic() + seconds
        while not is_true():
            if self.stop.wait(0.1):
                raise DemoStoppedError
            if time.monotonic() > give_up or not all(child.runs for child in needed):
                return False
        return True

    def end(self) -> None:
        """Ask all to end, the last ones first; kill who does not."""
        for child in reversed(self._children):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.process.pid, signal.SIGTERM)
        give_up = time.monotonic() + TERMINATE_TIMEOUT
        for child in self._children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, give_up - time.monotonic()))
        for child in self._children:
            kill_group(child.process.pid)
            child.process.wait()


def _spawn(command: Sequence[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    # Some leave things behind; they go with the demo's own folder.
    environment = os.environ | {"TMPDIR": str(log.parent)}
    try:
        with log.open("wb") as output:
            # A group of its own: Ctrl-C at the terminal reaches the demo, which ends all in order.
            return subprocess.Popen(  # noqa: S603 - A list of words, and no shell.
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
