"""The agent as a process."""

import os
import re
import signal
import sys
import time
from pathlib import Path

import urllib3
from timeouts import extended

from .servers import Program, free_port

DEFAULT_URL = "http://127.0.0.1:8080/{room}/"


def write_ini(
    folder, *, trackers, token, sources, status="off", interval=1, url=DEFAULT_URL, check="no"
):
    """Write an agent.ini. Nothing serves the default URL, so streams are not checked by default."""
    folder.mkdir(exist_ok=True)
    lines = "\n".join(f"    {tracker}" for tracker in trackers)
    ini = folder / "agent.ini"
    ini.write_text(
        f"[agent]\ntrackers =\n{lines}\n{token}\nname = edge1\n"
        f"url = {url}\ncheck = {check}\ninterval = {interval}\n"
        f"status = {status}\n{sources}\n"
    )
    return ini


class RunningAgent(Program):
    """`streaming-system agent COMMAND` with an agent.ini."""

    def __init__(self, folder, *, command="register", options=(), status_port=None, **ini):
        self.status_port = status_port or free_port()
        self.ini = write_ini(folder, status=f"127.0.0.1:{self.status_port}", **ini)
        program = Path(sys.executable).with_name("streaming-system")
        super().__init__(
            program,
            *("agent", command, "-c", self.ini, *options),
            folder=folder,
            name="agent",
        )
        self._pool = urllib3.PoolManager(retries=False, timeout=5)

    def get(self, path):
        response = self._pool.request("GET", f"http://127.0.0.1:{self.status_port}{path}")
        return response.status, response.data.decode()

    def metric(self, name):
        """Return the values of a metric by labels."""
        try:
            _, text = self.get("/metrics")
        except urllib3.exceptions.HTTPError:
            return {}
        values = re.findall(rf"^streaming_agent_{name}({{[^}}]*}})? (\S+)$", text, re.MULTILINE)
        return {labels: float(value) for labels, value in values}

    def healthz(self):
        """Return the status and text of its health; status 0 while it does not listen yet."""
        try:
            return self.get("/healthz")
        except urllib3.exceptions.HTTPError:
            return 0, ""

    def resident_mib(self):
        """Return its resident memory in MiB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) / 1024

    def cpu_seconds(self):
        """Return its CPU time in seconds."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def terminate(self, seconds=2.0):
        """Stop it as systemd does; return how many seconds that took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(seconds + 5)
        return time.monotonic() - start

    def wait_for_exit(self, seconds=20):
        """Wait until it exits by itself; return its exit status and its output."""
        status = self.process.wait(extended(seconds))
        return status, self.output

    def stop(self):
        self._pool.clear()
        super().stop()
