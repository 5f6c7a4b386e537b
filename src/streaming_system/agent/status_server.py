"""Answers how a part of the agent is: ``/healthz`` for people, ``/metrics`` for Prometheus."""

import threading
import time
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from streaming_system.agent.tracker_sender import TrackerSender

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class StatusServer(Collector):
    """Answers on a loopback address.

    :raises OSError: if nothing can listen there.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._server = _HttpServer(address, self)
        self.port = self._server.server_port
        # Whoever closes it waits for one such pause.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @abstractmethod
    def troubles(self) -> list[str]:
        """Return a line for everything that is wrong."""

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def metrics(self) -> bytes:
        """Return the figures in Prometheus's format."""
        return generate_latest(self._registry)


def gauge(name: str, words: str, labels: Sequence[str]) -> GaugeMetricFamily:
    """Return an empty gauge of the agent's."""
    return GaugeMetricFamily(f"streaming_agent_{name}", words, labels=labels)


def counter(name: str, words: str, labels: Sequence[str]) -> CounterMetricFamily:
    """Return an empty counter of the agent's."""
    return CounterMetricFamily(f"streaming_agent_{name}", words, labels=labels)


def tracker_metrics(reporters: Sequence[TrackerSender]) -> Iterator[Metric]:
    """Return how trackers take what they are told."""
    up = gauge("tracker_up", "Whether a tracker takes reports.", ["tracker"])
    age = gauge("last_report_age_seconds", "How old the last report is.", ["tracker"])
    total = counter("reports", "Reports by how they ended.", ["tracker", "result"])
    for reporter in reporters:
        url = reporter.tracker.url
        up.add_metric([url], not reporter.trouble)
        total.add_metric([url, "taken"], reporter.taken)
        total.add_metric([url, "failed"], reporter.failed)
        if reporter.last is not None:
            age.add_metric([url], time.monotonic() - reporter.last)
    yield from (up, age, total)


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
            troubles = self.server.status.troubles()
            self._answer(503 if troubles else 200, "\n".join(troubles or ["ok"]).encode() + b"\n")
        elif self.path == "/metrics":
            self._answer(200, self.server.status.metrics())
        else:
            self._answer(404, b"there are /healthz and /metrics\n")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *about: object) -> None:
        """Keep the agent's own log for what the agent does."""
