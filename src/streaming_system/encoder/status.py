"""How the agent is: ``/healthz`` for people, ``/metrics`` for Prometheus, on this machine."""

import threading
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Told(Protocol):
    """What can be asked how it is."""

    def troubles(self) -> list[str]:
        """Return a line for everything that is wrong."""

    def collect(self) -> Iterable[Metric]:
        """Return the figures."""


class Status(Collector):
    """Answers on a loopback address.

    :param told: by whom.
    :raises OSError: if nothing can listen there.
    """

    def __init__(self, told: Told, address: tuple[str, int]) -> None:
        self._told = told
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        self._server = _Server(address, self)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def troubles(self) -> list[str]:
        """Return a line for everything that is wrong."""
        return self._told.troubles()

    def metrics(self) -> bytes:
        """Return the figures in Prometheus's format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterable[Metric]:
        """Return the figures."""
        return self._told.collect()


def gauge(name: str, words: str, labels: list[str]) -> GaugeMetricFamily:
    """Return a figure of the agent, to be filled."""
    return GaugeMetricFamily(f"streaming_agent_{name}", words, labels=labels)


def counter(name: str, words: str, labels: list[str]) -> CounterMetricFamily:
    """Return a count of the agent, to be filled."""
    return CounterMetricFamily(f"streaming_agent_{name}", words, labels=labels)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], status: Status) -> None:
        if ":" in address[0]:
            self.address_family = AF_INET6
        self.status = status
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
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
        self.send_header("Content-Type", TEXT)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *about: object) -> None:
        """Keep the agent's own log for what the agent does."""
