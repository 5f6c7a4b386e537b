"""Checks that a process runs: one with the PID of a file, or those with a matching command line."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import psutil

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.supervisor.check_result import CheckResult, check_error, happy, sad
from streaming_system.agent.supervisor.check_tools import CheckTools

DEAD_STATES = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
STOPPED_STATES = (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)


class ProcessCheck:
    """Looks for processes by PID file or command line."""

    def __init__(self, section: ConfigSection, tools: CheckTools) -> None:
        self._pid_file = section.path("pid.file")
        text = section.text("command", "")
        try:
            self._pattern = re.compile(text)
        except re.error as error:
            allowed = f"a regular expression; {error}"
            raise section.error("command", text, allowed) from None
        if not text and not self._pid_file:
            raise section.error("command", "", "a regular expression, or a pid.file")
        self._min_processes = section.integer("least", 1, minimum=1, maximum=10_000)

    def __call__(self, timeout: float) -> CheckResult:
        """Return whether enough processes run."""
        if self._pid_file:
            return self._check_pid_file(self._pid_file)
        statuses = list(self._matching_statuses())
        stopped = sum(status in STOPPED_STATES for status in statuses)
        running = len(statuses) - stopped
        plural = "es" if running > 1 else ""
        if running >= self._min_processes:
            return happy(f"{running} process{plural}")
        suffix = f", {stopped} stopped" if stopped else ""
        suffix += f", {self._min_processes} expected" if self._min_processes > 1 else ""
        return sad(f"{running or 'no'} process{plural}{suffix}")

    def _check_pid_file(self, file: Path) -> CheckResult:
        try:
            text = file.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return sad("the pid file does not exist")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not ASCII"
            return check_error(f"the pid file: {reason}")
        if not re.fullmatch(r"[1-9][0-9]{0,9}", text):
            return sad("the pid file contains no number")
        try:
            process = psutil.Process(int(text))
            status, command = process.status(), _command_line(process.cmdline())
        except (psutil.NoSuchProcess, OverflowError):
            return sad(f"process {text} does not exist")
        if status in DEAD_STATES:
            return sad(f"process {text} does not exist")
        if not self._pattern.search(command):
            return sad(f"process {text} has another command line")
        return sad(f"process {text} is stopped") if status in STOPPED_STATES else happy()

    def _matching_statuses(self) -> Iterator[str]:
        own_pid = os.getpid()
        for process in psutil.process_iter(["pid", "ppid", "status", "cmdline"]):
            info = process.info
            # Children of the agent belong to other checks.
            if own_pid in (info["pid"], info["ppid"]) or info["status"] in DEAD_STATES:
                continue
            if self._pattern.search(_command_line(info["cmdline"] or [])):
                yield info["status"]


def _command_line(arguments: list[str]) -> str:
    return " ".join(arguments).strip()
