"""Runs ffmpeg and other programs so that none of them stays: each has a limit, all can be ended."""

import contextlib
import functools
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

# No terminal, no words but errors, and nothing is asked.
QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y")
MOST_SAID = 4096


class ProgramError(Exception):
    """A program that did not do what it should: one line that says why."""


class Programs:
    """The programs that run at the moment.

    :param over: when it is set, all of them are killed, and none begins any more.
    """

    def __init__(self, over: threading.Event) -> None:
        self.over = over
        self._running: set[int] = set()

    def __len__(self) -> int:
        return len(self._running)

    def run(self, command: Sequence[str], *, within: float, folder: Path) -> None:
        """Run a program in a folder until it has ended.

        :raises ProgramError: unless it ends well within so many seconds; whatever it has started is
            killed with it.
        """
        said = folder / ".said"
        if self.over.is_set():
            raise ProgramError("all is over")
        try:
            with said.open("wb") as errors:
                process = subprocess.Popen(  # noqa: S603 - A list of words, and no shell.
                    tied(command),
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,
                )
        except OSError as error:
            raise ProgramError(f"{command[0]}: cannot be run: {error.strerror}") from None
        self._running.add(process.pid)
        end = time.monotonic() + within
        try:
            while process.poll() is None:
                if time.monotonic() > end:
                    raise ProgramError(f"nothing within {within:g} s")
                if self.over.wait(0.05):
                    raise ProgramError("all is over")
        finally:
            kill_group(process)
            process.wait()
            self._running.discard(process.pid)
        if process.returncode:
            raise ProgramError(last_line(said) or f"ended with {process.returncode}")


def find() -> str | None:
    """Return where ffmpeg is."""
    return shutil.which("ffmpeg")


def tied(command: Sequence[str]) -> list[str]:
    """Return a command that ends when we do, even if we are killed, where Linux can do that."""
    return [*_tie(), *command]


@functools.cache
def _tie() -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    tie = (setpriv, "--pdeathsig", "TERM") if setpriv else ()
    if tie and subprocess.run([*tie, "true"], capture_output=True).returncode == 0:  # noqa: S603
        return tie
    return ()


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that leads a group, and whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def last_line(file: Path) -> str:
    """Return the last thing that a program has said, as one line of sane length."""
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - MOST_SAID))
        text = opened.read(MOST_SAID).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return "".join(c if c.isprintable() else " " for c in last)[:300]
