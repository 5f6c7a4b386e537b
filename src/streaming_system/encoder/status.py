"""How the agent is: ``/healthz`` for people, ``/metrics`` for Prometheus, on this machine."""

import threading
import time
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET6
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from streaming_system.encoder.agent import Registration

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Answers(Collector):
    """Answers on a loopback address with what a part of the agent has to tell.

    :raises OSError: if nothing can listen there.
    """

    def __init__(self, address: tuple[str, int]) -> None:
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
        raise NotImplementedError

    def metrics(self) -> bytes:
        """Return the figures in Prometheus's format."""
        return generate_latest(self._registry)


class Status(Answers):
    """How servers and trackers are."""

    def __init__(self, registration: "Registration", address: tuple[str, int]) -> None:
        self._registration = registration
        super().__init__(address)

    def troubles(self) -> list[str]:
        """Return a line for everything that is wrong."""
        lines = []
        for name, standing in self._registration.board.standings().items():
            if standing.heard is None:
                lines.append(f"{name}: has not been read yet")
            elif standing.failures:
                lines.append(f"{name}: {standing.trouble}")
            elif standing.checked.doubtful:
                lines.append(
                    f"{name}: nonsense about {', '.join(sorted(standing.checked.doubtful))}"
                )
        lines += [
            f"{reporter.tracker.url}: {reporter.trouble}"
            for reporter in self._registration.reporters
            if reporter.trouble
        ]
        return lines

    def collect(self) -> Iterable[GaugeMetricFamily | CounterMetricFamily]:
        """Return the figures."""
        yield from self._sources()
        yield from self._trackers()

    def _sources(self) -> Iterator[GaugeMetricFamily]:
        up = gauge("source_up", "Whether a server could be read.", ["source"])
        labels = ["source", "mount", "room", "stream", "codec"]
        clients = gauge("clients", "Viewers of a mount.", labels)
        sent = gauge("sent_bits_per_second", "What is sent to the viewers of a mount.", labels)
        bitrate = gauge("stream_bits_per_second", "The bitrate of a mount.", labels)
        since = gauge("stream_start_seconds", "When a mount's stream began.", labels)
        for name, standing in self._registration.board.standings().items():
            up.add_metric([name], standing.heard is not None and not standing.failures)
            for mount, one in standing.checked.figures.items():
                stream = one.stream
                where = [name, mount, stream.room, stream.name, one.reading.codec[:60]]
                clients.add_metric(where, one.clients)
                if one.sent is not None:
                    sent.add_metric(where, one.sent)
                if one.bitrate is not None:
                    bitrate.add_metric(where, one.bitrate)
                if one.reading.since:
                    since.add_metric(where, one.reading.since.timestamp())
        yield from (up, clients, sent, bitrate, since)

    def _trackers(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        up = gauge("tracker_up", "Whether a tracker takes reports.", ["tracker"])
        age = gauge("last_report_age_seconds", "How old the last report is.", ["tracker"])
        total = CounterMetricFamily(
            "streaming_agent_reports", "Reports by how they ended.", labels=["tracker", "result"]
        )
        for reporter in self._registration.reporters:
            url = reporter.tracker.url
            up.add_metric([url], not reporter.trouble)
            total.add_metric([url, "taken"], reporter.taken)
            total.add_metric([url, "failed"], reporter.failed)
            if reporter.last is not None:
                age.add_metric([url], time.monotonic() - reporter.last)
        yield from (up, age, total)


def gauge(name: str, words: str, labels: list[str]) -> GaugeMetricFamily:
    """Return a figure of the agent without values."""
    return GaugeMetricFamily(f"streaming_agent_{name}", words, labels=labels)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], status: Answers) -> None:
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
