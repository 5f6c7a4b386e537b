"""Runs other programs with bounds: of time, of what they print, of what they leave behind."""

import contextlib
import functools
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_STDOUT_BYTES = 2 * 1024 * 1024
# Of what a program says of its troubles, the end is kept.
MAX_STDERR_BYTES = 4096
# So soon it is seen that all is over.
POLL_INTERVAL = 0.1


class ProgramError(Exception):
    """A program that cannot be run, or does not keep to its bounds: one line that says which."""


class ProgramNotFoundError(ProgramError):
    """There is no such program, or it may not be run."""


class ProgramTimeoutError(ProgramError):
    """A program that has not ended in its time; it was killed."""


@dataclass(frozen=True, kw_only=True)
class CompletedProgram:
    """How a program has ended, what it has printed, and the end of what it said on stderr."""

    status: int
    printed: bytes
    said: str


class ProcessRunner:
    """Runs programs, each as a process group of its own, and can end them all.

    :param stop: when it is set, whatever runs is killed, and nothing is run any more.
    """

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._over = stop or threading.Event()

    def __len__(self) -> int:
        """Return how many run at the moment."""
        return len(self._running)

    @property
    def over(self) -> bool:
        """Whether nothing is run any more."""
        return self._over.is_set()

    def run(
        self,
        command: Sequence[str],
        seconds: float,
        *,
        most: int = MAX_STDOUT_BYTES,
        folder: Path | None = None,
    ) -> CompletedProgram:
        """Return how a program has ended; whatever it has started ends with it.

        :param most: so many bytes it may print.
        :param folder: where it works; if not given, where we do.
        :raises ProgramError: if it cannot be run, takes longer, or prints more.
        """
        name = command[0]
        with self._lock:
            if self.over:
                raise ProgramError(f"{name}: is not run any more")
            process = _start_process(command, folder)
            self._running.add(process.pid)
        # Popen's own __exit__ would wait for a process without bound.
        try:
            printed, said = self._read(process, name, seconds, most)
            return CompletedProgram(status=process.returncode, printed=printed, said=said)
        finally:
            with self._lock:
                kill_group(process.pid)
                self._running.discard(process.pid)
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe:
                    pipe.close()

    def end(self) -> None:
        """Kill whatever runs, and run nothing any more."""
        self._over.set()
        with self._lock:
            for pid in self._running:
                kill_group(pid)

    def _read(
        self, process: subprocess.Popen[bytes], name: str, seconds: float, most: int
    ) -> tuple[bytes, str]:
        end = time.monotonic() + seconds
        printed, said = bytearray(), bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdout, selectors.EVENT_READ, printed)  # type: ignore[arg-type]
            ready.register(process.stderr, selectors.EVENT_READ, said)  # type: ignore[arg-type]
            # Something that it has left behind may hold its stderr; it has ended all the same.
            while any(key.data is printed for key in ready.get_map().values()):
                left = end - time.monotonic()
                if left <= 0:
                    raise ProgramTimeoutError(f"{name}: takes more than {seconds:g} s")
                if self.over:
                    raise ProgramError(f"{name}: is not run any more")
                for key, _ in ready.select(min(left, POLL_INTERVAL)):
                    piece = os.read(key.fd, 65536)
                    if not piece:
                        ready.unregister(key.fileobj)
                    key.data.extend(piece)
                del said[:-MAX_STDERR_BYTES]
                if len(printed) > most:
                    raise ProgramError(f"{name}: prints more than {most // 1024} KiB")
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise ProgramTimeoutError(f"{name}: takes more than {seconds:g} s") from None
            for key, _ in ready.select(0):
                said += os.read(key.fd, 65536)
        return bytes(printed), said[-MAX_STDERR_BYTES:].decode("utf-8", "replace")


def _start_process(command: Sequence[str], folder: Path | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - The operator names the command in agent.ini.
            die_with_parent(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ProgramNotFoundError(f"{command[0]}: cannot be run: {error!s:.100}") from None


def die_with_parent(command: Sequence[str]) -> Sequence[str]:
    """Return a command that ends when we do, even if we are killed, where Linux can do that."""
    # What cannot be run is told by whoever tries it, not by what stands before it.
    return (*_pdeathsig_prefix(), *command) if shutil.which(command[0]) else command


@functools.cache
def _pdeathsig_prefix() -> Sequence[str]:
    setpriv = shutil.which("setpriv")
    tie = (setpriv, "--pdeathsig", "TERM") if setpriv else ()
    tried = [*tie, "true"]
    if tie and subprocess.run(tried, capture_output=True).returncode == 0:  # noqa: S603 - Ours.
        return tie
    return ()


def kill_group(group: int) -> None:
    """Kill a process group, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def last_line(said: str) -> str:
    """Return the last thing that a program has said, as one line of sane length."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    # ffmpeg counts what it would say again.
    lines = [line for line in lines if not line.startswith("Last message repeated")]
    last = lines[-1] if lines else ""
    return "".join(c if c.isprintable() else " " for c in last)[:300]
