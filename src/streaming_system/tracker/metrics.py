"""Prometheus metrics of the tracker: its requests, and gauges from its database.

Every label has a fixed set of values: routes, configured rooms, status classes. No client can add
one.
"""

import importlib.metadata
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from pyramid.tweens import INGRESS

from streaming_system.tracker.db.bounds import BOUNDS
from streaming_system.tracker.incidents.detector import INCIDENT_TYPES
from streaming_system.tracker.incidents.incidents import Incidents
from streaming_system.tracker.room_gauges import RoomGaugeQuery, RoomGauges
from streaming_system.tracker.settings import StartupError
from streaming_system.web.health import HEALTH_ROUTES
from streaming_system.web.request_id import TWEEN_NAME as REQUEST_ID_TWEEN
from streaming_system.web.request_queue import dropped_requests
from streaming_system.web.response_outcome import outcome_status

# The folder in which several processes share their counters; prometheus_client reads the variable
# at import.
MULTIPROC_DIR_ENV = "PROMETHEUS_MULTIPROC_DIR"
# The name of a process in that folder. A restarted process of the same name continues its counters.
# The default is the process id, with which each restart would leave files behind for ever.
MULTIPROC_NAME_ENV = "PROMETHEUS_MULTIPROC_NAME"
LATENCY_BUCKETS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
HTTP_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
# The requests that count as reports if they succeed.
REPORT_TYPES: Mapping[tuple[str, str], str] = {
    ("endpoint.register", "POST"): "registration",
    ("api.endpoint", "PUT"): "state",
    ("api.playback", "POST"): "playback",
    ("endpoint.logs", "POST"): "logs",
    ("pipeline.report", "POST"): "components",
    ("api.machine", "PUT"): "components",
    ("room.log", "POST"): "old-player",
}

if MULTIPROC_DIR_ENV in os.environ and (_name := os.environ.get(MULTIPROC_NAME_ENV, "")).isalnum():
    # It applies to the whole process, like prometheus_client's own choice at import.
    values.ValueClass = values.MultiProcessValue(lambda: _name)  # type: ignore[no-untyped-call]

# The creation times of counters would double the output.
disable_created_metrics()  # type: ignore[no-untyped-call]


def includeme(config: Any) -> None:
    """Measure every request, outside of all other tweens but request ids."""
    config.registry["metrics"] = Metrics(config.registry)
    config.add_tween(
        "streaming_system.tracker.metrics.metrics_tween_factory",
        under=(INGRESS, REQUEST_ID_TWEEN),
        over="pyramid_tm.tm_tween_factory",
    )


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


@dataclass(frozen=True, kw_only=True)
class _RequestCounters:
    """The counters of one route, method and status class."""

    requests: Counter
    seconds: Histogram
    reports: Counter | None


class Metrics:
    """Counts an app's requests, and exports them with the gauges of the database.

    :raises StartupError: if the shared folder in the environment does not exist.
    """

    def __init__(self, app: Any) -> None:
        self._registry = CollectorRegistry()
        shared = os.environ.get(MULTIPROC_DIR_ENV)
        is_usable = shared and Path(shared).is_dir() and os.access(shared, os.W_OK)
        if shared is not None and not is_usable:
            raise StartupError(
                f"{MULTIPROC_DIR_ENV} in the environment is {shared!r}; allowed: the path of a "
                "folder that the program may write to"
            )
        # With a shared folder, the collector reads the counters of all processes from it.
        counter_registry = None if shared else self._registry
        if shared:
            MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]
        self._requests = Counter(
            "streaming_http_requests",
            "Requests that have been answered.",
            ("route", "method", "status"),
            registry=counter_registry,
        )
        self._seconds = Histogram(
            "streaming_http_request_seconds",
            "How long an answer took, in seconds.",
            ("route",),
            buckets=LATENCY_BUCKETS,
            registry=counter_registry,
        )
        self._reports = Counter(
            "streaming_reports",
            "Reports that have been taken.",
            ("kind",),
            registry=counter_registry,
        )
        bounds = Counter(
            "streaming_bounds_reached",
            "How often a bound of the ini file was reached.",
            ("bound",),
            registry=counter_registry,
        )
        # Every label value exists from the start, with the value 0.
        self._bound_counters = {name: bounds.labels(name) for name in BOUNDS}
        self._report_counters = {
            key: self._reports.labels(kind) for key, kind in REPORT_TYPES.items()
        }
        dropped = Counter(
            "streaming_dropped_requests",
            "Requests that waited too long, or whose clients hung up, before the app saw them.",
            ("reason",),
            registry=counter_registry,
        )
        drop_counters = {reason: dropped.labels(reason) for reason in dropped_requests.counts()}
        dropped_requests.on_drop = lambda reason: drop_counters[reason].inc()
        # labels() is slower than counting, so that the few children are cached.
        self._request_counters: dict[tuple[str, str, str], _RequestCounters] = {}
        self._registry.register(DatabaseCollector(app))

    def observe(self, request: Any, response: Any, seconds: float) -> None:
        """Count a request; the response is ``None`` if there was an exception instead."""
        route = request.matched_route
        name = "none" if route is None else route.name
        if name in HEALTH_ROUTES:
            return
        method = request.environ["REQUEST_METHOD"]
        if method not in HTTP_METHODS:
            # Clients can invent methods.
            method = "other"
        status = "5" if response is None else outcome_status(response)
        counters = self.count(name, method, status, seconds)
        if counters.reports is not None and not getattr(response, "is_refused", False):
            counters.reports.inc()

    def count(self, route: str, method: str, status: str, seconds: float) -> "_RequestCounters":
        """Count a request of a route; return its counters."""
        key = (route, method, status[0])
        counters = self._request_counters.get(key) or self._create_counters(*key)
        counters.requests.inc()
        counters.seconds.observe(seconds)
        return counters

    def _create_counters(self, route: str, method: str, status: str) -> _RequestCounters:
        return self._request_counters.setdefault(
            (route, method, status),
            _RequestCounters(
                requests=self._requests.labels(route, method, f"{status}xx"),
                seconds=self._seconds.labels(route),
                reports=self._report_counters.get((route, method)) if status == "2" else None,
            ),
        )

    def count_bound(self, name: str) -> None:
        """Count that one of :data:`BOUNDS` was reached."""
        self._bound_counters[name].inc()

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self._registry)


class DatabaseCollector(Collector):
    """Queries the database at each scrape, in short transactions.

    :param app: the app's registry, with its sessions, settings and clock.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._version = importlib.metadata.version("streaming-system")

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; if the database is unavailable, only ``database_up`` 0."""
        yield _gauge_family(
            "build_info", "The version that runs.", ("version",), {(self._version,): 1}
        )
        up = "Whether the database could be used just now."
        try:
            gauges = list(self._query_gauges())
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            self._app["outage_log"].record_failure(getattr(error, "orig", None) or error)
            yield _gauge_family("database_up", up, (), {(): 0})
            return
        yield _gauge_family("database_up", up, (), {(): 1})
        yield from gauges

    def _query_gauges(self) -> Iterator[Metric]:
        conference, now = self._app.settings["conference"], self._app["clock"]()
        with self._app["db.sessions"]() as db:
            # The connection is opened first, so that the time is that of one round trip.
            db.connection()
            start = time.perf_counter()
            db.execute(sa.select(1))
            seconds = time.perf_counter() - start
            query = RoomGaugeQuery(db, self._app["fallback_groups"])
            rooms = query.rooms(conference.rooms, now=now)
        yield _gauge_family(
            "database_seconds", "How long a question took, in seconds.", (), {(): seconds}
        )
        for name, text, labels, values_of in _ROOM_GAUGES:
            samples = {
                (room.room, *rest): value
                for room in rooms
                for rest, value in values_of(room).items()
            }
            yield _gauge_family(name, text, labels, samples)
        yield _gauge_family("incidents", "What is wrong now.", ("kind",), self._incidents(now))

    def _incidents(self, now: datetime) -> Mapping[tuple[str, ...], float]:
        app, settings = self._app, self._app.settings
        on_reached = app["bounds"].on_reached
        with app["db.sessions"]() as db:
            incidents = Incidents(db, settings["conference"], app["schedule"], settings, on_reached)
            # This runs the detector if it is due: the gauges do not depend on a monitor process.
            current = incidents.current(app["incident_throttle"], now=now)
            kinds = [incident.kind for incident in current]
            db.commit()
        return {(kind,): kinds.count(kind) for kind in INCIDENT_TYPES}


# The gauges of rooms: name, help text, labels, and a function from a room to its values by label.
_ROOM_GAUGES: Sequence[
    tuple[str, str, Sequence[str], Callable[[RoomGauges], Mapping[tuple[str, ...], float]]]
] = (
    (
        "endpoints",
        "Servers that stream a room, or did an hour ago.",
        ("room", "state"),
        lambda room: {
            ("alive",): room.alive,
            ("draining",): room.draining,
            ("silent",): room.silent,
        },
    ),
    (
        "endpoint_clients",
        "Clients that the servers of a room count.",
        ("room",),
        lambda room: {(): room.clients},
    ),
    (
        "endpoint_bitrate_bits",
        "What the servers of a room send, in bit/s.",
        ("room",),
        lambda room: {(): room.bitrate},
    ),
    (
        "viewers",
        "Viewers whose players report, and others that only servers see.",
        ("room", "kind"),
        lambda room: {("players",): room.players, ("others",): room.others},
    ),
)


def _gauge_family(
    name: str, text: str, labels: Sequence[str], samples: Mapping[tuple[str, ...], float]
) -> Metric:
    gauge = GaugeMetricFamily(f"streaming_{name}", text, labels=labels)
    for label_values, number in samples.items():
        gauge.add_metric(label_values, number)
    return gauge
