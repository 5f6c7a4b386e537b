"""How the tracker itself is doing, for Prometheus: what it was asked, and what its database says.

Every label has few values, which we choose: routes, rooms of the configuration, classes of status.
No caller can add one.
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

from streaming_system.tracker.incidents.detector import INCIDENT_TYPES
from streaming_system.tracker.incidents.incidents import Incidents
from streaming_system.tracker.room_gauges import RoomGaugeQuery, RoomGauges
from streaming_system.tracker.settings import StartupError
from streaming_system.web.health import HEALTH_ROUTES as HEALTH
from streaming_system.web.request_id import TWEEN_NAME as REQUEST_IDS

# Where several processes add up what they count; prometheus_client reads it when it is imported.
MULTIPROC_DIR_ENV = "PROMETHEUS_MULTIPROC_DIR"
# What a process is called there. One of the same name goes on where the last one ended; by default
# it is the process's number, and each restart would leave files that are read ever after.
MULTIPROC_NAME_ENV = "PROMETHEUS_MULTIPROC_NAME"
LATENCY_BUCKETS = (0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
HTTP_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
# What counts as a report once it has been taken.
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
    # For the whole process, as prometheus_client itself chooses when it is imported.
    values.ValueClass = values.MultiProcessValue(lambda: _name)  # type: ignore[no-untyped-call]

# When a counter began would be as many lines again, and nobody asks.
disable_created_metrics()  # type: ignore[no-untyped-call]


def includeme(config: Any) -> None:
    """Measure every request, outside of all that happens to it."""
    config.registry["metrics"] = Metrics(config.registry)
    config.add_tween(
        "streaming_system.tracker.metrics.metrics_tween_factory",
        under=(INGRESS, REQUEST_IDS),
        over="pyramid_tm.tm_tween_factory",
    )


def metrics_tween_factory(handler: Callable[[Any], Any], registry: Any) -> Callable[[Any], Any]:
    """Return the tween that measures requests."""
    seen = registry["metrics"].seen
    clock = time.perf_counter

    def measured(request: Any) -> Any:
        begun = clock()
        try:
            response = handler(request)
        except BaseException:
            seen(request, None, clock() - begun)
            raise
        seen(request, response, clock() - begun)
        return response

    return measured


@dataclass(frozen=True, kw_only=True)
class _RequestCounters:
    """What counts the requests of one route, method and class of status."""

    requests: Counter
    seconds: Histogram
    reports: Counter | None


class Metrics:
    """Counts what an app is asked, and tells it, with what the database says, to Prometheus.

    :raises StartError: if the environment names a shared folder that is not there.
    """

    def __init__(self, app: Any) -> None:
        self._registry = CollectorRegistry()
        shared = os.environ.get(MULTIPROC_DIR_ENV)
        usable = shared and Path(shared).is_dir() and os.access(shared, os.W_OK)
        if shared is not None and not usable:
            raise StartupError(
                f"{MULTIPROC_DIR_ENV} in the environment is {shared!r}; allowed: the path of a folder "
                "that the program may write to"
            )
        # Where processes share a folder, what all of them counted is read from there.
        own = None if shared else self._registry
        if shared:
            MultiProcessCollector(self._registry)  # type: ignore[no-untyped-call]
        self._requests = Counter(
            "streaming_http_requests",
            "Requests that have been answered.",
            ("route", "method", "status"),
            registry=own,
        )
        self._seconds = Histogram(
            "streaming_http_request_seconds",
            "How long an answer took, in seconds.",
            ("route",),
            buckets=LATENCY_BUCKETS,
            registry=own,
        )
        self._reports = Counter(
            "streaming_reports", "Reports that have been taken.", ("kind",), registry=own
        )
        # What has not happened yet is 0, and not unknown.
        self._taken = {key: self._reports.labels(kind) for key, kind in REPORT_TYPES.items()}
        # To look labels up is dearer than to count; there are only so many.
        self._known: dict[tuple[str, str, str], _RequestCounters] = {}
        self._registry.register(DatabaseCollector(app))

    def seen(self, request: Any, response: Any, seconds: float) -> None:
        """Count a request; the response is ``None`` if there was an exception instead."""
        route = request.matched_route
        name = "none" if route is None else route.name
        if name in HEALTH:
            return
        method = request.environ["REQUEST_METHOD"]
        if method not in HTTP_METHODS:
            # Anybody may make methods up.
            method = "other"
        status = "5" if response is None else response.status
        counters = self.count(name, method, status, seconds)
        if counters.reports is not None and not getattr(response, "refused", False):
            counters.reports.inc()

    def count(self, route: str, method: str, status: str, seconds: float) -> "_RequestCounters":
        """Count a request of a route; return its counters."""
        key = (route, method, status[0])
        counters = self._known.get(key) or self._find(*key)
        counters.requests.inc()
        counters.seconds.observe(seconds)
        return counters

    def _find(self, route: str, method: str, status: str) -> _RequestCounters:
        return self._known.setdefault(
            (route, method, status),
            _RequestCounters(
                requests=self._requests.labels(route, method, f"{status}xx"),
                seconds=self._seconds.labels(route),
                reports=self._taken.get((route, method)) if status == "2" else None,
            ),
        )

    def text(self) -> bytes:
        """Return all metrics as Prometheus reads them."""
        return generate_latest(self._registry)


class DatabaseCollector(Collector):
    """Reads the database whenever Prometheus asks, in short transactions of its own.

    :param app: the app's registry, with its sessions, settings and clock.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._version = importlib.metadata.version("streaming-system")

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; of a database that is away, only that it is."""
        yield _gauge_family(
            "build_info", "The version that runs.", ("version",), {(self._version,): 1}
        )
        up = "Whether the database could be used just now."
        try:
            found = list(self._found())
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            self._app["trouble"].failed(getattr(error, "orig", None) or error)
            yield _gauge_family("database_up", up, (), {(): 0})
            return
        yield _gauge_family("database_up", up, (), {(): 1})
        yield from found

    def _found(self) -> Iterator[Metric]:
        conference, now = self._app.settings["conference"], self._app["clock"]()
        with self._app["db.sessions"]() as db:
            # What comes before it opens a connection; a question and its answer are the round trip.
            db.connection()
            begun = time.perf_counter()
            db.execute(sa.select(1))
            seconds = time.perf_counter() - begun
            gauges = RoomGaugeQuery(db, self._app["stand_ins"])
            rooms = gauges.rooms(conference.rooms, now=now)
        yield _gauge_family(
            "database_seconds", "How long a question took, in seconds.", (), {(): seconds}
        )
        for name, text, labels, of in _ROOM_GAUGES:
            samples = {(room.room, *rest): n for room in rooms for rest, n in of(room).items()}
            yield _gauge_family(name, text, labels, samples)
        yield _gauge_family("incidents", "What is wrong now.", ("kind",), self._incidents(now))

    def _incidents(self, now: datetime) -> Mapping[tuple[str, ...], float]:
        app = self._app
        with app["db.sessions"]() as db:
            known = Incidents(db, app.settings["conference"], app["schedule"], app.settings)
            # So it is true even where no watcher runs.
            found = [incident.kind for incident in known.current(app["incidents.pace"], now=now)]
            db.commit()
        return {(kind,): found.count(kind) for kind in INCIDENT_TYPES}


# The gauges of rooms: name, meaning, labels, and how their values are found, by further labels.
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
    for said, number in samples.items():
        gauge.add_metric(said, number)
    return gauge
