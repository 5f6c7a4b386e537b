"""Prometheus metrics of the tracker: its requests, and gauges from its database.

Every label has a fixed set of values: routes, configured rooms, status classes. No client can add
one.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from streaming_system.tracker import metric_descriptions as descriptions
from streaming_system.tracker.db.bounds import BOUNDS
from streaming_system.tracker.incidents.finding import INCIDENT_TYPES
from streaming_system.tracker.incidents.incidents import Incidents
from streaming_system.tracker.models import PushSubscription, ReminderTotal
from streaming_system.tracker.room_gauges import RoomGaugeQuery, RoomGauges
from streaming_system.util.metric_description import MetricDescription
from streaming_system.web.request_metrics import (
    RequestKey,
    RequestMetrics,
    add_metrics,
    build_info,
)
from streaming_system.web.request_queue import dropped_requests

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


# Refused feedback excludes what the rate limit or the JSON API's schema refuses.
FEEDBACK_RESULTS = ("stored", "replaced", "refused")
# The results of reminders.push_client.
REMINDER_RESULTS = ("sent", "gone", "retry", "refused")


def includeme(config: Any) -> None:
    """Measure every request."""
    add_metrics(config, lambda: Metrics(config.registry))


class Metrics(RequestMetrics):
    """Counts the tracker's requests, and exports them with the gauges of the database."""

    def __init__(self, app: Any) -> None:
        super().__init__(descriptions.REQUESTS, descriptions.REQUEST_SECONDS)
        reports = self.counter(descriptions.REPORTS)
        bounds = self.counter(descriptions.BOUNDS_REACHED)
        # Every label value exists from the start, with the value 0.
        self._bound_counters = {name: bounds.labels(name) for name in BOUNDS}
        self._report_counters = {
            (route, method, "2"): reports.labels(kind)
            for (route, method), kind in REPORT_TYPES.items()
        }
        feedback = self.counter(descriptions.FEEDBACK)
        self._feedback_counters = {name: feedback.labels(name) for name in FEEDBACK_RESULTS}
        dropped = self.counter(descriptions.DROPPED_REQUESTS)
        drop_counters = {reason: dropped.labels(reason) for reason in dropped_requests.counts()}
        dropped_requests.on_drop = lambda reason: drop_counters[reason].inc()
        self.registry.register(DatabaseCollector(app))

    def observe(self, request: Any, response: Any, seconds: float) -> RequestKey | None:
        """Count a request, and whether it was an accepted report."""
        key = super().observe(request, response, seconds)
        counter = key and self._report_counters.get(key)
        if counter and not getattr(response, "is_refused", False):
            counter.inc()
        return key

    def count_bound(self, name: str) -> None:
        """Count that one of :data:`BOUNDS` was reached."""
        self._bound_counters[name].inc()

    def count_feedback(self, result: str) -> None:
        """Count feedback of a viewer by one of :data:`FEEDBACK_RESULTS`."""
        self._feedback_counters[result].inc()


class DatabaseCollector(Collector):
    """Queries the database at each scrape, in short transactions.

    :param app: the app's registry, with its sessions, settings and clock.
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges; if the database is unavailable, only ``database_up`` 0."""
        yield build_info()
        try:
            gauges = list(self._query_gauges())
        except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
            self._app["outage_log"].record_failure(getattr(error, "orig", None) or error)
            yield _family(descriptions.DATABASE_UP, {(): 0})
            return
        yield _family(descriptions.DATABASE_UP, {(): 1})
        yield from gauges

    def _query_gauges(self) -> Iterator[Metric]:
        configuration, now = self._app["configuration"].current(), self._app["clock"]()
        with self._app["db.sessions"]() as db:
            # The connection is opened first, so that the time is that of one round trip.
            db.connection()
            start = time.perf_counter()
            db.execute(sa.select(1))
            seconds = time.perf_counter() - start
            query = RoomGaugeQuery(db, configuration.fallback_groups, configuration.ended_rooms)
            rooms = query.rooms(configuration.conference.rooms, now=now)
        yield _family(descriptions.DATABASE_SECONDS, {(): seconds})
        for metric, values_of in _ROOM_GAUGES:
            samples = {
                (room.room, *rest): value
                for room in rooms
                for rest, value in values_of(room).items()
            }
            yield _family(metric, samples)
        yield _family(descriptions.INCIDENTS, self._incidents(now))
        if self._app.settings["reminders.contact"]:
            yield from self._reminders()

    def _reminders(self) -> Iterator[Metric]:
        with self._app["db.sessions"]() as db:
            browsers = db.scalar(sa.select(sa.func.count()).select_from(PushSubscription)) or 0
            totals = {row.result: row.count for row in db.scalars(sa.select(ReminderTotal))}
        yield _family(descriptions.REMINDER_BROWSERS, {(): browsers})
        counts: dict[tuple[str, ...], float] = {
            (result,): totals.get(result, 0) for result in REMINDER_RESULTS
        }
        yield _family(descriptions.REMINDERS, counts)

    def _incidents(self, now: datetime) -> Mapping[tuple[str, ...], float]:
        app, settings = self._app, self._app.settings
        on_reached = app["bounds"].on_reached
        with app["db.sessions"]() as db:
            conference = app["configuration"].current().conference
            incidents = Incidents(db, conference, app["schedule"], settings, on_reached)
            # This runs the detector if it is due: the gauges do not depend on a monitor process.
            current = incidents.current(app["incident_throttle"], now=now)
            kinds = [incident.kind for incident in current]
            db.commit()
        return {(kind,): kinds.count(kind) for kind in INCIDENT_TYPES}


# The gauges of rooms, and a function from a room to its values by label.
_ROOM_GAUGES: Sequence[
    tuple[MetricDescription, Callable[[RoomGauges], Mapping[tuple[str, ...], float]]]
] = (
    (
        descriptions.ENDPOINTS,
        lambda room: {
            ("alive",): room.alive,
            ("draining",): room.draining,
            ("silent",): room.silent,
        },
    ),
    (descriptions.ENDPOINT_CLIENTS, lambda room: {(): room.clients}),
    (descriptions.ENDPOINT_BITRATE_BITS, lambda room: {(): room.bitrate}),
    (
        descriptions.VIEWERS,
        lambda room: {("players",): room.players, ("others",): room.others},
    ),
)


def _family(metric: MetricDescription, samples: Mapping[tuple[str, ...], float]) -> Metric:
    family = metric.family()
    for label_values, number in samples.items():
        family.add_metric(label_values, number)
    return family
