"""Health and metrics of the registration service."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from streaming_system.agent.register import RegistrationService
from streaming_system.agent.status_server import StatusServer, gauge, tracker_metrics

_STREAM_LABELS = ("source", "mount", "room", "stream", "codec")
SOURCE_UP = gauge(
    "source_up", "1 if the status of a streaming server could be read, else 0.", ("source",)
)
CLIENTS = gauge("clients", "Viewers of a mount.", _STREAM_LABELS)
SENT_BITS_PER_SECOND = gauge(
    "sent_bits_per_second", "Outgoing bitrate to the viewers of a mount, in bit/s.", _STREAM_LABELS
)
STREAM_BITS_PER_SECOND = gauge(
    "stream_bits_per_second", "Bitrate of a mount, in bit/s.", _STREAM_LABELS
)
STREAM_START_SECONDS = gauge(
    "stream_start_seconds",
    "When a mount's stream began, in seconds since 1970 (UTC).",
    _STREAM_LABELS,
)
NAME_TAKEN = gauge(
    "name_taken",
    "1 if another agent reports an endpoint of the same name.",
    ("tracker", "room", "name"),
)
STREAM_PLAYING = gauge(
    "stream_playing", "1 if a stream plays at its URL, else 0.", ("source", "mount", "room")
)


class RegistrationStatusServer(StatusServer):
    """Serves ``/healthz`` and ``/metrics`` of the registration service.

    :raises OSError: if it cannot listen on the address.
    """

    def __init__(self, registration: RegistrationService, address: tuple[str, int]) -> None:
        self._registration = registration
        super().__init__(address)

    def problems(self) -> list[str]:
        """Return one line for each problem."""
        lines = []
        for name, state in self._registration.states.states().items():
            if state.polled_at is None:
                lines.append(f"{name}: has not been read yet")
            elif state.failures:
                lines.append(f"{name}: {state.problem}")
            elif state.validated.invalid_mounts:
                mounts = ", ".join(sorted(state.validated.invalid_mounts))
                lines.append(f"{name}: invalid stats of {mounts}")
        lines += self._registration.stream_problems()
        lines += self._registration.name_clashes()
        return lines + self._registration.unreachable_trackers()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics for Prometheus."""
        yield from self._source_metrics()
        yield self._name_clashes()
        yield from tracker_metrics(self._registration.endpoint_reporters)

    def _source_metrics(self) -> Iterator[Metric]:
        up = SOURCE_UP.family()
        clients = CLIENTS.family()
        sent = SENT_BITS_PER_SECOND.family()
        bitrate = STREAM_BITS_PER_SECOND.family()
        since = STREAM_START_SECONDS.family()
        for name, state in self._registration.states.states().items():
            up.add_metric([name], state.polled_at is not None and not state.failures)
        for (name, mount), stats in self._registration.states.playing_streams().items():
            stream = stats.stream
            values = [name, mount, stream.room, stream.name, stats.raw.codec[:60]]
            clients.add_metric(values, stats.clients)
            if stats.sent is not None:
                sent.add_metric(values, stats.sent)
            if stats.bitrate is not None:
                bitrate.add_metric(values, stats.bitrate)
            if stats.raw.since:
                since.add_metric(values, stats.raw.since.timestamp())
        yield from (up, clients, sent, bitrate, since, self._playing_streams())

    def _name_clashes(self) -> Metric:
        taken = NAME_TAKEN.family()
        for reporter in self._registration.endpoint_reporters:
            for key in list(reporter.name_clashes):
                taken.add_metric([reporter.tracker.url, *key], 1)
        return taken

    def _playing_streams(self) -> Metric:
        playing = STREAM_PLAYING.family()
        for (source, mount), checker in self._registration.checkers.items():
            playing.add_metric([source, mount, checker.stream.room], checker.status.is_playing)
        return playing
