"""Runs programs with a timeout, bounded output and no orphaned processes."""

import contextlib
import functools
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

MAX_STDOUT_BYTES = 2 * 1024 * 1024
# The end of stderr is retained.
MAX_STDERR_BYTES = 4096
# How often the stop event is checked, in seconds.
POLL_INTERVAL = 0.1
CHUNK_BYTES = 64 * 1024


class ProgramError(Exception):
    """A program cannot be run or exceeds a limit; one line that names the program."""


class ProgramNotFoundError(ProgramError):
    """The program does not exist, or is not executable."""


class ProgramTimeoutError(ProgramError):
    """The program did not end in time and was killed."""


@dataclass(frozen=True, kw_only=True)
class CompletedProgram:
    """The exit status and output of a program.

    :param stderr: the end of its standard error.
    """

    status: int
    stdout: bytes
    stderr: str


class ProcessRunner:
    """Runs programs, each in a process group of its own, and can kill all of them.

    :param stop: when it is set, running programs are killed and no more are started.
    """

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._stop = stop or threading.Event()

    def __len__(self) -> int:
        """Return the number of running programs."""
        return len(self._running)

    @property
    def stopped(self) -> bool:
        """Whether the runner starts no more programs."""
        return self._stop.is_set()

    def run(
        self,
        command: Sequence[str],
        timeout: float,
        *,
        max_stdout: int = MAX_STDOUT_BYTES,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
        stdin: IO[bytes] | None = None,
    ) -> CompletedProgram:
        """Run a program until it ends, then kill the processes that it left behind.

        :param timeout: in seconds.
        :param max_stdout: in bytes.
        :param cwd: its working directory; by default that of this process.
        :param environ: variables to add to the environment of this process.
        :param stdin: a file that it reads; by default nothing.
        :raises ProgramError: if it cannot be run or exceeds a limit.
        """
        name = command[0]
        with self._lock:
            if self.stopped:
                raise ProgramError(f"{name}: not started, because the agent stops")
            process = _start_process(command, cwd, environ, stdin)
            self._running.add(process.pid)
        # Popen.__exit__ would wait for the process without a timeout.
        try:
            stdout, stderr = self._communicate(process, name, timeout, max_stdout)
            return CompletedProgram(status=process.returncode, stdout=stdout, stderr=stderr)
        finally:
            with self._lock:
                kill_group(process.pid)
                self._running.discard(process.pid)
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()

    def kill_all(self) -> None:
        """Kill all running programs, and start no more."""
        self._stop.set()
        with self._lock:
            for pid in self._running:
                kill_group(pid)

    def _communicate(
        self, process: subprocess.Popen[bytes], name: str, timeout: float, max_stdout: int
    ) -> tuple[bytes, str]:
        deadline = time.monotonic() + timeout
        stdout, stderr = bytearray(), bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, stdout)  # type: ignore[arg-type]
            selector.register(process.stderr, selectors.EVENT_READ, stderr)  # type: ignore[arg-type]
            # A child that outlives the program may hold stderr open, so only stdout counts.
            while any(key.data is stdout for key in selector.get_map().values()):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise ProgramTimeoutError(f"{name}: takes more than {timeout:g} s")
                if self.stopped:
                    raise ProgramError(f"{name}: killed, because the agent stops")
                for key, _ in selector.select(min(remaining, POLL_INTERVAL)):
                    chunk = os.read(key.fd, CHUNK_BYTES)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    key.data.extend(chunk)
                del stderr[:-MAX_STDERR_BYTES]
                if len(stdout) > max_stdout:
                    raise ProgramError(f"{name}: prints more than {max_stdout // 1024} KiB")
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise ProgramTimeoutError(f"{name}: takes more than {timeout:g} s") from None
            for key, _ in selector.select(0):
                stderr += os.read(key.fd, CHUNK_BYTES)
        return bytes(stdout), stderr[-MAX_STDERR_BYTES:].decode("utf-8", "replace")


def _start_process(
    command: Sequence[str],
    cwd: Path | None,
    environ: Mapping[str, str] | None,
    stdin: IO[bytes] | None,
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - The operator names the command in agent.ini.
            die_with_parent(command),
            cwd=cwd,
            env=os.environ | (environ or {}),
            stdin=stdin or subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "an argument is invalid"
        raise ProgramNotFoundError(f"{command[0]}: cannot be run: {reason}") from None


def die_with_parent(command: Sequence[str]) -> Sequence[str]:
    """Return a command whose process ends with this one, even if this one is killed.

    It needs setpriv of util-linux; without it, the command is returned unchanged.
    """
    # Without the check, setpriv instead of the missing program would be reported.
    return (*_pdeathsig_prefix(), *command) if shutil.which(command[0]) else command


@functools.cache
def _pdeathsig_prefix() -> Sequence[str]:
    setpriv = shutil.which("setpriv")
    prefix = (setpriv, "--pdeathsig", "TERM") if setpriv else ()
    command = [*prefix, "true"]
    if prefix and subprocess.run(command, capture_output=True).returncode == 0:  # noqa: S603 - Constant.
        return prefix
    return ()


def kill_group(group: int) -> None:
    """Kill a process group, if it still exists."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def last_line(text: str) -> str:
    """Return the last line of a program's output, printable and of at most 300 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # ffmpeg replaces repeated lines with a count.
    lines = [line for line in lines if not line.startswith("Last message repeated")]
    last = lines[-1] if lines else ""
    return "".join(c if c.isprintable() else " " for c in last)[:300]
