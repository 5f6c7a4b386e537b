"""Health and Prometheus metrics of log shipping, on a loopback address."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from streaming_system.agent.logs.database import SpoolError
from streaming_system.agent.logs.service import LogShippingService
from streaming_system.agent.status_server import StatusServer, counter, gauge, tracker_metrics

LOG_LINES_READ = counter("log_lines_read", "Lines of a log.", ("log", "room"))
LOG_LINES_TOO_LONG = counter(
    "log_lines_too_long",
    "Lines of a log that were dropped because they have more than 256 KiB.",
    ("log", "room"),
)
LOG_UP = gauge("log_up", "1 if a log can be read, else 0.", ("log", "room"))
SPOOL_BYTES = gauge("spool_bytes", "Size of the lines in the spool, in bytes.")
SPOOL_BYTES_LIMIT = gauge("spool_bytes_limit", "Maximum size of the lines in the spool, in bytes.")
LOG_LINES_WAITING = gauge(
    "log_lines_waiting", "Lines in the spool that a tracker does not have yet.", ("tracker",)
)
LOG_LINES_SENT = counter("log_lines_sent", "Lines that a tracker accepted.", ("tracker",))
LOG_LINES_DROPPED = counter(
    "log_lines_dropped",
    "Lines that will never reach a tracker, by reason: spool full, or not "
    "taken (a line that is too large for it).",
    ("tracker", "reason"),
)


class LogsStatusServer(StatusServer):
    """The status server of log shipping.

    :raises OSError: if the address is not available.
    """

    def __init__(self, shipping: LogShippingService, address: tuple[str, int]) -> None:
        self._shipping = shipping
        super().__init__(address)

    def problems(self) -> list[str]:
        """Return a line for each problem."""
        return self._shipping.problems()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        yield from self._log_metrics()
        yield from self._spool_metrics()
        yield from tracker_metrics(self._shipping.senders)

    def _log_metrics(self) -> Iterator[Metric]:
        lines = LOG_LINES_READ.family()
        oversized = LOG_LINES_TOO_LONG.family()
        up = LOG_UP.family()
        for tailer in self._shipping.tailers:
            labels = [str(tailer.log.path), tailer.log.room]
            lines.add_metric(labels, tailer.lines)
            oversized.add_metric(labels, tailer.oversized_lines)
            up.add_metric(labels, not tailer.problem)
        yield from (up, lines, oversized)

    def _spool_metrics(self) -> Iterator[Metric]:
        spool = self._shipping.spool
        size = SPOOL_BYTES.family()
        size.add_metric([], spool.size)
        limit = SPOOL_BYTES_LIMIT.family()
        limit.add_metric([], spool.max_bytes)
        backlog = LOG_LINES_WAITING.family()
        sent = LOG_LINES_SENT.family()
        dropped = LOG_LINES_DROPPED.family()
        for sender in self._shipping.senders:
            url = sender.tracker.url
            backlog.add_metric([url], self._backlog(url))
            sent.add_metric([url], sender.lines)
            dropped.add_metric([url, "spool full"], spool.dropped[url])
            dropped.add_metric([url, "not taken"], sender.rejected_lines)
        yield from (size, limit, backlog, sent, dropped)

    def _backlog(self, url: str) -> float:
        try:
            return self._shipping.spool.backlog(url)
        except SpoolError:
            return float("nan")
