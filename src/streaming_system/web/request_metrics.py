"""Prometheus metrics of an app's requests, in one process or shared by several.

Every label has a fixed set of values: routes, HTTP methods, status classes. No client can add one.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from pyramid.response import Response
from pyramid.tweens import EXCVIEW, INGRESS

from streaming_system.util.metric_description import (
    COUNTER,
    HISTOGRAM,
    MetricDescription,
)
from streaming_system.util.program_version import program_version
from streaming_system.web.health import HEALTH_ROUTES
from streaming_system.web.request_id import TWEEN_NAME as REQUEST_ID_TWEEN
from streaming_system.web.response_outcome import outcome_status

# The folder in which several processes share their counters; prometheus_client reads the variable
# at import.
MULTIPROC_DIR_ENV = "PROMETHEUS_MULTIPROC_DIR"
# The name of a process in that folder. A restarted process of the same name continues its counters.
# The default is the process id, with which each restart would leave files behind for ever.
MULTIPROC_NAME_ENV = "PROMETHEUS_MULTIPROC_NAME"
LATENCY_BUCKETS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
HTTP_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
TWEEN_NAME = "streaming_system.web.request_metrics.metrics_tween_factory"

# The route, the method, and the first digit of the status.
RequestKey = tuple[str, str, str]

BUILD_INFO = MetricDescription(
    "streaming_build_info", "Always 1; the running version.", ("version", "commit")
)

if MULTIPROC_DIR_ENV in os.environ and (_name := os.environ.get(MULTIPROC_NAME_ENV, "")).isalnum():
    # It applies to the whole process, like prometheus_client's own choice at import.
    values.ValueClass = values.MultiProcessValue(lambda: _name)  # type: ignore[no-untyped-call]

# The creation times of counters would double the output.
disable_created_metrics()  # type: ignore[no-untyped-call]


def requests_metric(prefix: str) -> MetricDescription:
    """Return the counter of an app's requests."""
    return MetricDescription(
        f"{prefix}_requests",
        "Requests served, by the name of the route (none for unknown URLs), the HTTP method (other "
        "for unknown ones) and the status (2xx to 5xx).",
        ("route", "method", "status"),
        COUNTER,
    )


def request_seconds_metric(prefix: str) -> MetricDescription:
    """Return the histogram of an app's response times."""
    return MetricDescription(
        f"{prefix}_request_seconds",
        "Response times in seconds, in buckets of 5, 20, 100 and 500 ms, 2 and 10 s.",
        ("route",),
        HISTOGRAM,
    )


def dropped_requests_metric(name: str) -> MetricDescription:
    """Return the counter of the requests that an app never saw."""
    return MetricDescription(
        name,
        "Requests that the app never saw, by reason: expired (waited longer than queue_timeout) or "
        "abandoned (the client hung up).",
        ("reason",),
        COUNTER,
    )


def build_info() -> Metric:
    """Return the metric with the version that runs."""
    program, family = program_version(), BUILD_INFO.family()
    family.add_metric([program.version, program.commit], 1)
    return family


class MetricsError(Exception):
    """The shared folder is not usable; the message is one line with the remedy."""


@dataclass(frozen=True, kw_only=True)
class _RequestCounters:
    """The counters of one route, method and status class."""

    requests: Counter
    seconds: Histogram


class RequestMetrics:
    """Counts an app's requests, and exports them with all that is added to its registry.

    :param requests: the counter of requests. Two apps in one process have different metrics,
        because they may share a folder.
    :param seconds: the histogram of response times.
    :raises MetricsError: if the shared folder in the environment is not usable.
    """

    def __init__(self, requests: MetricDescription, seconds: MetricDescription) -> None:
        self.registry = CollectorRegistry()
        shared = os.environ.get(MULTIPROC_DIR_ENV)
        is_usable = shared and Path(shared).is_dir() and os.access(shared, os.W_OK)
        if shared is not None and not is_usable:
            raise MetricsError(
                f"{MULTIPROC_DIR_ENV} in the environment is {shared!r}; allowed: the path of a "
                "folder that the program may write to"
            )
        # With a shared folder, the collector reads the counters of all processes from it.
        self._counter_registry = None if shared else self.registry
        if shared:
            MultiProcessCollector(self.registry)  # type: ignore[no-untyped-call]
        self._requests = self.counter(requests)
        self._seconds = Histogram(
            seconds.name,
            seconds.help,
            seconds.labels,
            buckets=LATENCY_BUCKETS,
            registry=self._counter_registry,
        )
        # labels() is slower than counting, so that the few children are cached.
        self._request_counters: dict[RequestKey, _RequestCounters] = {}

    def counter(self, metric: MetricDescription) -> Counter:
        """Return a new counter that processes share."""
        return Counter(metric.name, metric.help, metric.labels, registry=self._counter_registry)

    def observe(self, request: Any, response: Any, seconds: float) -> RequestKey | None:
        """Count a request, unless it is a health check.

        :param response: ``None`` if there was an exception instead.
        """
        route = request.matched_route
        name = "none" if route is None else route.name
        if name in HEALTH_ROUTES:
            return None
        method = request.environ["REQUEST_METHOD"]
        if method not in HTTP_METHODS:
            # Clients can invent methods.
            method = "other"
        status = "5" if response is None else outcome_status(response)
        return self.count(name, method, status, seconds)

    def count(self, route: str, method: str, status: str, seconds: float) -> RequestKey:
        """Count a request of a route."""
        key = (route, method, status[0])
        counters = self._request_counters.get(key) or self._create_counters(key)
        counters.requests.inc()
        counters.seconds.observe(seconds)
        return key

    def _create_counters(self, key: RequestKey) -> _RequestCounters:
        route, method, status = key
        return self._request_counters.setdefault(
            key,
            _RequestCounters(
                requests=self._requests.labels(route, method, f"{status}xx"),
                seconds=self._seconds.labels(route),
            ),
        )

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


def add_metrics(config: Any, create: Callable[[], RequestMetrics]) -> None:
    """Measure every request of an app, outside of all other tweens but request ids.

    An app that is built again has the metrics of the one before in its registry.

    :raises SystemExit: if the shared folder in the environment is not usable.
    """
    try:
        if "metrics" not in config.registry:
            config.registry["metrics"] = create()
    except MetricsError as error:
        raise SystemExit(str(error)) from None
    over = ("pyramid_tm.tm_tween_factory", EXCVIEW)
    config.add_tween(TWEEN_NAME, under=(INGRESS, REQUEST_ID_TWEEN), over=over)


def metrics_tween_factory(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Return the tween that measures requests."""
    observe = registry["metrics"].observe
    clock = time.perf_counter

    def measured(request: Any) -> Any:
        start = clock()
        try:
            response = handler(request)
        except BaseException:
            observe(request, None, clock() - start)
            raise
        observe(request, response, clock() - start)
        return response

    return measured


def metrics_response(request: Any) -> Response:
    """Return the response with all metrics."""
    return Response(
        request.registry["metrics"].text(),
        headerlist=[("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)],
    )
