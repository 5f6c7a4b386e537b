"""Health and Prometheus metrics of log shipping, on a loopback address."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from streaming_system.agent.logs.database import SpoolError
from streaming_system.agent.logs.service import LogShippingService
from streaming_system.agent.status_server import StatusServer, counter, gauge, tracker_metrics


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
        lines = counter("log_lines_read", "Lines of a log.", ["log", "room"])
        oversized = counter("log_lines_too_long", "Lines that were too long.", ["log", "room"])
        up = gauge("log_up", "Whether a log can be read.", ["log", "room"])
        for tailer in self._shipping.tailers:
            labels = [str(tailer.log.path), tailer.log.room]
            lines.add_metric(labels, tailer.lines)
            oversized.add_metric(labels, tailer.oversized_lines)
            up.add_metric(labels, not tailer.problem)
        yield from (up, lines, oversized)

    def _spool_metrics(self) -> Iterator[Metric]:
        spool = self._shipping.spool
        size = gauge("spool_bytes", "Size of the lines in the spool.", [])
        size.add_metric([], spool.size)
        limit = gauge("spool_bytes_limit", "Limit of the lines in the spool.", [])
        limit.add_metric([], spool.max_bytes)
        backlog = gauge("log_lines_waiting", "Lines that a tracker does not have yet.", ["tracker"])
        sent = counter("log_lines_sent", "Lines that a tracker accepted.", ["tracker"])
        dropped = counter(
            "log_lines_dropped", "Lines that a tracker will never get.", ["tracker", "reason"]
        )
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
