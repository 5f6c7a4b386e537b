"""Runs other programs with bounds: of time, of what they print, of what they leave behind."""

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

MOST = 2 * 1024 * 1024
# Of what a program says of its troubles, the end is kept.
MOST_SAID = 4096


class ProgramError(Exception):
    """A program that cannot be run, or does not keep to its bounds: one line that says which."""


class Absent(ProgramError):  # noqa: N818 - That is what it is.
    """There is no such program, or it may not be run."""


class TooSlow(ProgramError):  # noqa: N818 - That is what it is.
    """A program that has not ended in its time; it was killed."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program has ended, what it has printed, and the end of what it said on stderr."""

    status: int
    printed: bytes
    said: str


class Programs:
    """Runs programs, each as a process group of its own, and can end them all."""

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._lock = threading.Lock()
        self._over = False

    def run(self, command: Sequence[str], seconds: float, *, most: int = MOST) -> Ended:
        """Return how a program has ended; whatever it has started ends with it.

        :raises ProgramError: if it cannot be run, takes longer, or prints more.
        """
        name = command[0]
        with self._lock:
            if self._over:
                raise ProgramError(f"{name}: is not run any more")
            process = _start(command)
            self._running.add(process.pid)
        # Popen's own __exit__ would wait for a process without bound.
        try:
            printed, said = _read(process, name, seconds, most)
            return Ended(status=process.returncode, printed=printed, said=said)
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
        with self._lock:
            self._over = True
            for pid in self._running:
                kill_group(pid)


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - The operator names the command in agent.ini.
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise Absent(f"{command[0]}: cannot be run: {error!s:.100}") from None


def kill_group(group: int) -> None:
    """Kill a process group, if there still is one."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _read(
    process: subprocess.Popen[bytes], name: str, seconds: float, most: int
) -> tuple[bytes, str]:
    end = time.monotonic() + seconds
    printed, said = bytearray(), bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ, printed)  # type: ignore[arg-type]
        ready.register(process.stderr, selectors.EVENT_READ, said)  # type: ignore[arg-type]
        # Something that it has left behind may hold its stderr; it has ended all the same.
        while any(key.data is printed for key in ready.get_map().values()):
            left = end - time.monotonic()
            events = ready.select(left) if left > 0 else []
            if not events:
                raise TooSlow(f"{name}: takes more than {seconds:g} s")
            for key, _ in events:
                piece = os.read(key.fd, 65536)
                if not piece:
                    ready.unregister(key.fileobj)
                key.data.extend(piece)
            del said[:-MOST_SAID]
            if len(printed) > most:
                raise ProgramError(f"{name}: prints more than {most // 1024} KiB")
        try:
            process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TooSlow(f"{name}: takes more than {seconds:g} s") from None
        for key, _ in ready.select(0):
            said += os.read(key.fd, 65536)
    return bytes(printed), said[-MOST_SAID:].decode("utf-8", "replace")
