"""What the tests of `encoder logs` share."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path


def section(*files, spool="64M", batch="1M", interval=0.2, port=None, room="hall"):
    """Return ``[logs]`` of an agent.ini."""
    names = "\n".join(f"    {file} = {room}" for file in files)
    status = f"127.0.0.1:{port}" if port else "off"
    return (
        f"state = state\n[logs]\nfiles =\n{names}\nspool = {spool}\nbatch = {batch}\n"
        f"interval = {interval}\nstatus = {status}\n"
    )


def line(number, agent="VLC"):
    """Return a line of an access log, without its end."""
    return (
        f'192.0.2.7 - - [25/Nov/2026:09:00:00 +0000] "GET /main/{number} HTTP/1.1" 200 1000 "-" '
        f'"{agent}"'
    )


def write(log, numbers):
    """Write lines to a log; return them as they arrive."""
    with log.open("a") as file:
        file.writelines(f"{line(number)}\n" for number in numbers)
    return Counter(f"/main/{number}" for number in numbers)


def total(agent, name):
    return sum(agent.metric(name).values())


def read_so_far(agent):
    return total(agent, "log_lines_read_total")


def requested(lines):
    """Return how often each path is in lines of logs."""
    return Counter(found[1] for one in lines if (found := re.search(r'"GET (\S+) ', one)))


def kept_by(tracker, room="hall"):
    """Return how often each path is in the files of a real tracker."""
    texts = [file.read_text() for file in (tracker.logs / room).glob("*.log*")]
    return requested(one for text in texts for one in text.splitlines())


class Writer:
    """A process that writes to a log without a break."""

    def __init__(self, path, name="main", pause=0.0005):
        self.path, self.name = path, name
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("writer.py"), path, name, str(pause)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def reopen(self):
        """Let it open the log's name anew, as nginx does at a signal.

        Return how many lines are in files of before.
        """
        self._process.stdin.write("reopen")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    @contextmanager
    def held(self):
        """Let it write nothing for a moment."""
        self._process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOWAIT)
        yield
        self._process.send_signal(signal.SIGCONT)

    def stop(self):
        """End it; return what it has written."""
        if self._process.stdin.closed:
            return Counter()
        self._process.stdin.close()
        count = int(self._process.stdout.readline())
        self._process.wait()
        self._process.stdout.close()
        return Counter({f"/{self.name}/{number}": 1 for number in range(count)})
