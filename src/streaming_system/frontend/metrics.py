"""Prometheus metrics of the pages: requests, the response cache, and the schedule's age."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from pyramid.interfaces import IRoutesMapper
from pyramid.request import Request

from streaming_system.schedule.storage import ScheduleFileError
from streaming_system.schedule.store import ScheduleStore
from streaming_system.util.metric_description import COUNTER, MetricDescription
from streaming_system.web.request_metrics import (
    RequestMetrics,
    add_metrics,
    build_info,
    dropped_requests_metric,
    request_seconds_metric,
    requests_metric,
)
from streaming_system.web.request_queue import dropped_requests

# Hits are of few paths; a site has a page for each talk.
MAX_CACHED_ROUTES = 2048

REQUESTS = requests_metric("streaming_page")
REQUEST_SECONDS = request_seconds_metric("streaming_page")
CACHE_HITS = MetricDescription(
    "streaming_page_cache_hits",
    "Responses from the response cache, which are among the requests, too.",
    ("route",),
    COUNTER,
)
DROPPED_REQUESTS = dropped_requests_metric("streaming_page_dropped_requests")
SCHEDULE_UP = MetricDescription(
    "streaming_schedule_up", "1 if the schedule file is readable, else 0."
)
SCHEDULE_AGE_SECONDS = MetricDescription(
    "streaming_schedule_age_seconds",
    "How long ago the schedule file last changed, in seconds; missing while it is unreadable.",
)


def includeme(config: Any) -> None:
    """Measure every request."""
    add_metrics(config, lambda: PageMetrics(config.registry))
    config.registry["metrics"].use_routes_of(config.registry)


class PageMetrics(RequestMetrics):
    """Counts the requests of the pages, also those that the response cache served."""

    def __init__(self, app: Any) -> None:
        super().__init__(REQUESTS, REQUEST_SECONDS)
        self._hits = self.counter(CACHE_HITS)
        self.registry.register(_WorkerCollector(app["schedule"]))

    def count_hit(self, path: str, status: int, seconds: float) -> None:
        """Count a response from the cache, which the app does not see."""
        route = self._route_name(path)
        self.count(route, "GET", str(status), seconds)
        self._hits.labels(route).inc()

    def use_routes_of(self, app: Any) -> None:
        """Find the routes of paths in this app from now on; the counters go on."""
        self._route_name = lru_cache(MAX_CACHED_ROUTES)(partial(_find_route_name, app))


def _find_route_name(app: Any, path: str) -> str:
    mapper = app.getUtility(IRoutesMapper)
    request = Request({"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": path})
    route = mapper(request)["route"]
    return "none" if route is None else str(route.name)


class _WorkerCollector(Collector):
    """Reads the state of this worker at each scrape."""

    def __init__(self, schedule: ScheduleStore) -> None:
        self._schedule = schedule

    def collect(self) -> Iterator[Metric]:
        """Yield the version, the dropped requests, and the schedule's age if it is readable."""
        yield build_info()
        dropped = DROPPED_REQUESTS.family()
        for reason, count in dropped_requests.counts().items():
            dropped.add_metric([reason], count)
        yield dropped
        up, age = SCHEDULE_UP.family(), SCHEDULE_AGE_SECONDS.family()
        try:
            modified_at = self._schedule.modified_at()
        except ScheduleFileError:
            up.add_metric([], 0)
            yield up
            return
        up.add_metric([], 1)
        age.add_metric([], max(0.0, (datetime.now(UTC) - modified_at).total_seconds()))
        yield from (up, age)
