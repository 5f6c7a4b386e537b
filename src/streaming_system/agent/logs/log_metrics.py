"""How it is with access logs, for people and for Prometheus on this machine."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from streaming_system.agent.logs.database import SpoolError
from streaming_system.agent.logs.service import LogShippingService
from streaming_system.agent.status_server import StatusServer, counter, gauge, tracker_metrics


class LogsStatusServer(StatusServer):
    """Answers on a loopback address.

    :raises OSError: if nothing can listen there.
    """

    def __init__(self, shipping: LogShippingService, address: tuple[str, int]) -> None:
        self._shipping = shipping
        super().__init__(address)

    def problems(self) -> list[str]:
        """Return a line for everything that is wrong."""
        return self._shipping.problems()

    def collect(self) -> Iterable[Metric]:
        """Return the figures."""
        yield from self._logs()
        yield from self._waiting()
        yield from tracker_metrics(self._shipping.senders)

    def _logs(self) -> Iterator[Metric]:
        lines = counter("log_lines_read", "Lines of a log.", ["log", "room"])
        too_long = counter("log_lines_too_long", "Lines that were too long.", ["log", "room"])
        up = gauge("log_up", "Whether a log can be read.", ["log", "room"])
        for follower in self._shipping.followers:
            where = [str(follower.log.path), follower.log.room]
            lines.add_metric(where, follower.lines)
            too_long.add_metric(where, follower.too_long)
            up.add_metric(where, not follower.trouble)
        yield from (up, lines, too_long)

    def _waiting(self) -> Iterator[Metric]:
        spool = self._shipping.spool
        size = gauge("spool_bytes", "Lines that wait in the spool.", [])
        size.add_metric([], spool.size)
        bound = gauge("spool_bytes_limit", "How many bytes may wait.", [])
        bound.add_metric([], spool.bound)
        waiting = gauge("log_lines_waiting", "Lines that a tracker lacks.", ["tracker"])
        sent = counter("log_lines_sent", "Lines that a tracker has.", ["tracker"])
        dropped = counter(
            "log_lines_dropped", "Lines that a tracker will never have.", ["tracker", "reason"]
        )
        for sender in self._shipping.senders:
            url = sender.tracker.url
            waiting.add_metric([url], self._lacking(url))
            sent.add_metric([url], sender.lines)
            dropped.add_metric([url, "spool full"], spool.dropped[url])
            dropped.add_metric([url, "not taken"], sender.not_taken)
        yield from (size, bound, waiting, sent, dropped)

    def _lacking(self, url: str) -> float:
        try:
            return self._shipping.spool.waiting(url)
        except SpoolError:
            return float("nan")
