"""Helpers for tests of log shipping: log lines, and a process that writes them."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path


def logs_section(*files, spool="64M", batch="1M", interval=0.2, port=None, room="hall"):
    """Return the section ``[logs]`` of an agent.ini."""
    entries = "\n".join(f"    {file} = {room}" for file in files)
    status = f"127.0.0.1:{port}" if port else "off"
    return (
        f"state = state\n[logs]\nfiles =\n{entries}\nspool = {spool}\nbatch = {batch}\n"
        f"interval = {interval}\nstatus = {status}\n"
    )


def line(number, agent="VLC"):
    """Return a line of an access log without the newline."""
    return (
        f'192.0.2.7 - - [25/Nov/2026:09:00:00 +0000] "GET /main/{number} HTTP/1.1" 200 1000 "-" '
        f'"{agent}"'
    )


def append_lines(log, numbers):
    """Append lines to a log; return the number of each path."""
    with log.open("a") as file:
        file.writelines(f"{line(number)}\n" for number in numbers)
    return Counter(f"/main/{number}" for number in numbers)


def metric_total(agent, name):
    return sum(agent.metric(name).values())


def lines_read(agent):
    return metric_total(agent, "log_lines_read_total")


def count_paths(lines):
    """Return the number of each path in log lines."""
    return Counter(found[1] for one in lines if (found := re.search(r'"GET (\S+) ', one)))


def stored_paths(tracker, room="hall"):
    """Return the number of each path in the log files of a tracker."""
    texts = [file.read_text() for file in (tracker.logs / room).glob("*.log*")]
    return count_paths(one for text in texts for one in text.splitlines())


class LogWriter:
    """A process that writes to a log continuously."""

    def __init__(self, path, name="main", pause=0.0005):
        self.path, self.name = path, name
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("log_writer.py"), path, name, str(pause)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def reopen(self):
        """Make it reopen the log, as nginx does on a signal; return the lines written before."""
        self._process.stdin.write("reopen")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    @contextmanager
    def paused(self):
        """Pause the process."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)
        yield
        self._process.send_signal(signal.SIGCONT)

    def stop(self):
        """Stop the process; return the number of each path."""
        if self._process.stdin.closed:
            return Counter()
        self._process.stdin.close()
        count = int(self._process.stdout.readline())
        self._process.wait()
        self._process.stdout.close()
        return Counter({f"/{self.name}/{number}": 1 for number in range(count)})
