"""A process is there: one whose number is in a file, or those whose command line looks so."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import CheckResult, check_error, happy, sad
from streaming_system.agent.supervisor.check_tools import CheckTools

PROC = Path("/proc")
# In /proc/PID/stat: dead but not buried, and dead.
DEAD_STATES = ("Z", "X", "x")
STOPPED_STATES = ("T", "t")


@dataclass(frozen=True, kw_only=True)
class ProcessInfo:
    """What the kernel says of one.

    :param state: one letter.
    """

    pid: int
    parent: int
    state: str
    command: str


class ProcessCheck:
    """Looks for processes."""

    def __init__(self, section: ConfigSection, kit: CheckTools) -> None:
        self._file = section.path("pid.file")
        text = section.text("command", "")
        try:
            self._pattern = re.compile(text)
        except re.error as error:
            allowed = f"a regular expression; {error}"
            raise section.error("command", text, allowed) from None
        if not text and not self._file:
            raise section.error("command", "", "a regular expression, or a pid.file")
        self._least = section.whole("least", 1, least=1, most=10_000)

    def __call__(self, within: float) -> CheckResult:
        """Return whether they are there."""
        if not (PROC / "self/stat").exists():
            return check_error("there is no /proc")
        if self._file:
            return self._by_number(self._file)
        found = [one for one in self._all() if self._pattern.search(one.command)]
        stopped = sum(one.state in STOPPED_STATES for one in found)
        running = len(found) - stopped
        if running < self._least:
            wanted = "" if self._least == 1 else f", {self._least} are wanted"
            also = f", {stopped} stopped" if stopped else ""
            return sad(f"{running or 'no'} process{'es' * (running > 1)}{also}{wanted}")
        return happy(f"{running} process{'es' * (running > 1)}")

    def _by_number(self, file: Path) -> CheckResult:
        try:
            text = file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return sad("there is no pid file")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not ASCII"
            return check_error(f"the pid file: {reason}")
        if not re.fullmatch(r"[1-9][0-9]{0,9}", text):
            return sad("there is no number in the pid file")
        one = find_process(int(text))
        if one is None or one.state in DEAD_STATES:
            return sad(f"process {text} is gone")
        if not self._pattern.search(one.command):
            return sad(f"process {text} is another one")
        return sad(f"process {text} is stopped") if one.state in STOPPED_STATES else happy()

    @staticmethod
    def _all() -> Iterator[ProcessInfo]:
        own = os.getpid()
        for entry in PROC.iterdir():
            if entry.name.isdigit() and int(entry.name) != own:
                one = find_process(int(entry.name))
                # What other checks have started is not what is looked for.
                if one and one.parent != own and one.state not in DEAD_STATES:
                    yield one


def find_process(pid: int) -> ProcessInfo | None:
    """Return a process; ``None`` if there is none of this number."""
    folder = PROC / str(pid)
    try:
        # The name, in brackets, may hold anything.
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        words = (folder / "cmdline").read_bytes().split(b"\0")
    except (OSError, IndexError):
        return None
    command = b" ".join(words).decode("utf-8", "replace").strip()
    return ProcessInfo(pid=pid, parent=int(fields[1]), state=fields[0], command=command)
