"""The description of a metric, for Prometheus and for docs/reference/metrics.md."""

from collections.abc import Sequence
from dataclasses import dataclass

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


@dataclass(frozen=True)
class MetricDescription:
    """A metric that a program exports.

    :param name: the name; that of a counter lacks ``_total``.
    :param help: what it measures, its unit and the values of its labels, in plain text.
    """

    name: str
    help: str
    labels: Sequence[str] = ()
    type: str = GAUGE

    def family(self) -> CounterMetricFamily | GaugeMetricFamily:
        """Return an empty family of samples, of a counter or gauge."""
        family = CounterMetricFamily if self.type == COUNTER else GaugeMetricFamily
        return family(self.name, self.help, labels=self.labels)
