"""Measure what the agent beside a streaming server costs: resident memory and processor time.

It reads 8 mounts of an Icecast and reports them to a tracker, both of which are stand-ins of this
script, every 10 seconds; every number of viewers changes every time.
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
MOST_MEMORY, MOST_PROCESSOR = 60, 2

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


class Both(BaseHTTPRequestHandler):
    """An Icecast and a tracker in one."""

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
        self._answer({"icestats": {"source": sources}})

    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.reports += 1
        self._answer({"report_every": 30, "drained": False})

    def do_DELETE(self):
        self._answer({})

    def _answer(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *about):
        pass


def resident(pid):
    """Return MiB, and those that no other process shares."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    values = {name: int(kb) for name, kb in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    own = values["Private_Clean"] + values["Private_Dirty"]
    return values["Rss"] / 1024, own / 1024


def processor(pid):
    """Return seconds of a core."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120, help="how long to measure")
    parser.add_argument("--interval", type=float, default=10, help="the agent's interval")
    wanted = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Both)
    server.reports = 0
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    streams = "\n".join(f"    /room{n}.webm = room{n} webm_high" for n in range(MOUNTS))
    with tempfile.TemporaryDirectory() as folder:
        ini = Path(folder) / "agent.ini"
        port = server.server_port
        ini.write_text(INI.format(port=port, interval=wanted.interval, streams=streams))
        program = Path(sys.executable).with_name("streaming-system")
        command = [program, "encoder", "register", "-c", ini]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            good = measure(process, server, wanted)
        finally:
            began = time.monotonic()
            process.terminate()
            process.wait()
            print(f"out after SIGTERM:  {time.monotonic() - began:.2f} s")
            server.shutdown()
    sys.exit(0 if good else 1)


def measure(process, server, wanted):
    """Print what the agent takes; return whether that is within the limits."""
    give_up = time.monotonic() + 60
    while not server.reports:
        assert process.poll() is None, "the agent has ended"
        assert time.monotonic() < give_up, "the agent reports nothing"
        time.sleep(0.1)
    # What it took to start is no running cost.
    before, began, reports = processor(process.pid), time.monotonic(), server.reports
    time.sleep(wanted.seconds)
    span = time.monotonic() - began
    share = 100 * (processor(process.pid) - before) / span
    whole, own = resident(process.pid)
    reports = server.reports - reports
    print(f"{MOUNTS} mounts at {wanted.interval:g} s, {reports} reports in {span:.0f} s")
    print(f"resident:           {whole:.1f} MiB, {own:.1f} of it its own (limit {MOST_MEMORY})")
    print(f"processor:          {share:.2f} % of a core (limit {MOST_PROCESSOR})")
    return whole <= MOST_MEMORY and share <= MOST_PROCESSOR


if __name__ == "__main__":
    main()
