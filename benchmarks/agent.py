"""Measures the resident memory and CPU time of the agent.

The agent reads 8 mounts of a fake Icecast and reports them to a fake tracker every 10 seconds. All
numbers of viewers change each time.
"""

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MOUNTS = 8
MAX_MEMORY_MIB, MAX_CPU_PERCENT = 60, 2

INI = """[agent]
trackers = http://127.0.0.1:{port}
token = sst_bench
name = edge1
interval = {interval}
status = off
[source:icecast]
use = icecast
url = http://127.0.0.1:{port}
streams =
{streams}
"""


class FakeServerHandler(BaseHTTPRequestHandler):
    """A fake Icecast and a fake tracker in one."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        sources = [
            {
                "listenurl": f"http://127.0.0.1:8000/room{number}.webm",
                "listeners": random.randint(0, 5000),
                "bitrate": 1200,
                "server_type": "video/webm",
                "stream_start_iso8601": "2026-11-24T09:00:00+0000",
            }
            for number in range(MOUNTS)
        ]
        self._send_json({"icestats": {"source": sources}})

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.reports += 1
        self._send_json({"report_every": 30, "drained": False})

    def do_DELETE(self):
        self._send_json({})

    def _send_json(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def resident_memory(pid):
    """Return the resident and the private memory in MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    values = {name: int(kb) for name, kb in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    private = values["Private_Clean"] + values["Private_Dirty"]
    return values["Rss"] / 1024, private / 1024


def cpu_seconds(pid):
    """Return the CPU time in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long to measure")
    parser.add_argument("--interval", type=float, default=10, help="the agent's interval")
    options = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeServerHandler)
    server.reports = 0
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    streams = "\n".join(f"    /room{n}.webm = room{n} webm_high" for n in range(MOUNTS))
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "agent.ini"
        port = server.server_port
        ini.write_text(INI.format(port=port, interval=options.interval, streams=streams))
        program = Path(sys.executable).with_name("streaming-system")
        command = [program, "agent", "register", "-c", ini]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            is_ok = measure(process, server, options)
        finally:
            started = time.monotonic()
            process.terminate()
            process.wait()
            print(f"stop after SIGTERM: {time.monotonic() - started:.2f} s")
            server.shutdown()
    sys.exit(0 if is_ok else 1)


def measure(process, server, options):
    """Print memory and CPU time; return whether they are within the limits."""
    deadline = time.monotonic() + 60
    while not server.reports:
        assert process.poll() is None, "the agent has ended"
        assert time.monotonic() < deadline, "the agent reports nothing"
        time.sleep(0.1)
    # The start does not count.
    before, started, reports = cpu_seconds(process.pid), time.monotonic(), server.reports
    time.sleep(options.seconds)
    span = time.monotonic() - started
    share = 100 * (cpu_seconds(process.pid) - before) / span
    resident, private = resident_memory(process.pid)
    reports = server.reports - reports
    print(f"{MOUNTS} mounts at {options.interval:g} s, {reports} reports in {span:.0f} s")
    print(f"memory:             {resident:.1f} MiB, {private:.1f} private (limit {MAX_MEMORY_MIB})")
    print(f"processor:          {share:.2f} % of a core (limit {MAX_CPU_PERCENT})")
    return resident <= MAX_MEMORY_MIB and share <= MAX_CPU_PERCENT


if __name__ == "__main__":
    main()
