"""How the registration is, for people and for Prometheus."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from streaming_system.agent.register import RegistrationService
from streaming_system.agent.status_server import StatusServer, gauge, tracker_metrics


class RegistrationStatusServer(StatusServer):
    """Answers on a loopback address.

    :raises OSError: if nothing can listen there.
    """

    def __init__(self, registration: RegistrationService, address: tuple[str, int]) -> None:
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
        return lines + self._registration.unheard()

    def collect(self) -> Iterable[Metric]:
        """Return the figures."""
        yield from self._sources()
        yield from tracker_metrics(self._registration.reporters)

    def _sources(self) -> Iterator[Metric]:
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
