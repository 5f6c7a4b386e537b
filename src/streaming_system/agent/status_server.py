"""HTTP server with ``/healthz`` for people and ``/metrics`` for Prometheus."""

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from streaming_system.agent.tracker_sender import TrackerSender
from streaming_system.util.metric_description import COUNTER, MetricDescription

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# A shutdown takes up to this many seconds.
SHUTDOWN_POLL_INTERVAL = 0.1


class StatusServer(Collector):
    """Serves the health and the metrics of a service on a loopback address.

    :raises OSError: if it cannot listen on the address.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._server = _HttpServer(address, self)
        self.port = self._server.server_port
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(SHUTDOWN_POLL_INTERVAL,), daemon=True
        )
        self._thread.start()

    @abstractmethod
    def problems(self) -> list[str]:
        """Return one line for each problem."""

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def render_metrics(self) -> bytes:
        """Return the metrics in Prometheus's text format."""
        return generate_latest(self._registry)


def gauge(name: str, summary: str, labels: Sequence[str] = ()) -> MetricDescription:
    """Return the description of a gauge with the agent's prefix."""
    return MetricDescription(f"streaming_agent_{name}", summary, labels)


def counter(name: str, summary: str, labels: Sequence[str] = ()) -> MetricDescription:
    """Return the description of a counter with the agent's prefix."""
    return MetricDescription(f"streaming_agent_{name}", summary, labels, COUNTER)


TRACKER_UP = gauge("tracker_up", "1 if a tracker accepts reports, else 0.", ("tracker",))
LAST_REPORT_AGE_SECONDS = gauge(
    "last_report_age_seconds",
    "The age of the last report that a tracker accepted, in seconds.",
    ("tracker",),
)
REPORTS = counter(
    "reports", "Reports to a tracker by result: taken or failed.", ("tracker", "result")
)
CLOCK_OFFSET_SECONDS = gauge(
    "clock_offset_seconds", "How far this clock is ahead of a tracker's, in seconds.", ("tracker",)
)


def tracker_metrics(senders: Sequence[TrackerSender]) -> Iterator[Metric]:
    """Return metrics about the reports to each tracker."""
    up = TRACKER_UP.family()
    age = LAST_REPORT_AGE_SECONDS.family()
    total = REPORTS.family()
    clock = CLOCK_OFFSET_SECONDS.family()
    for sender in senders:
        url = sender.tracker.url
        up.add_metric([url], not sender.problem)
        total.add_metric([url, "taken"], sender.accepted)
        total.add_metric([url, "failed"], sender.failed)
        if sender.last_accepted is not None:
            age.add_metric([url], time.monotonic() - sender.last_accepted)
        if (offset := sender.tracker.clock.offset) is not None:
            clock.add_metric([url], offset)
    yield from (up, age, total, clock)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], status: StatusServer) -> None:
        if ":" in address[0]:
            self.address_family = AF_INET6
        self.status = status
        super().__init__(address, _StatusHandler)


class _StatusHandler(BaseHTTPRequestHandler):
    server: _HttpServer
    timeout = 5

    def do_GET(self) -> None:
        if self.path == "/healthz":
            problems = self.server.status.problems()
            self._respond(503 if problems else 200, "\n".join(problems or ["ok"]).encode() + b"\n")
        elif self.path == "/metrics":
            self._respond(200, self.server.status.render_metrics())
        else:
            self._respond(404, b"available: /healthz and /metrics\n")

    def _respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Do not log requests."""
