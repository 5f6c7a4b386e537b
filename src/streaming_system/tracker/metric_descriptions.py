"""The metrics of the tracker: names, meanings and labels."""

from streaming_system.tracker.db.bounds import BOUNDS
from streaming_system.util.metric_description import COUNTER, MetricDescription
from streaming_system.web.request_metrics import (
    dropped_requests_metric,
    request_seconds_metric,
    requests_metric,
)

REQUESTS = requests_metric("streaming_http")
REQUEST_SECONDS = request_seconds_metric("streaming_http")
DROPPED_REQUESTS = dropped_requests_metric("streaming_dropped_requests")
REPORTS = MetricDescription(
    "streaming_reports",
    "Accepted reports by kind: registration, state, playback, logs, components, old-player.",
    ("kind",),
    COUNTER,
)
BOUNDS_REACHED = MetricDescription(
    "streaming_bounds_reached",
    f"How often a limit refused something new, by bound: {', '.join(BOUNDS)}.",
    ("bound",),
    COUNTER,
)
FEEDBACK = MetricDescription(
    "streaming_feedback",
    "Feedback on talks by result: stored, replaced (of the same browser), refused.",
    ("result",),
    COUNTER,
)
REMINDERS = MetricDescription(
    "streaming_reminders",
    "Attempts of all processes to send reminders by result: sent, gone (the browser has "
    "unsubscribed), retry, refused.",
    ("result",),
    COUNTER,
)
REMINDER_BROWSERS = MetricDescription(
    "streaming_reminder_browsers", "Browsers that have reminders."
)
ENDPOINTS = MetricDescription(
    "streaming_endpoints",
    "Endpoints by state: alive, draining (streaming, but without new viewers, set by itself or the "
    "crew), silent (no report for a minute, but within the last hour, without deregistration).",
    ("room", "state"),
)
ENDPOINT_CLIENTS = MetricDescription(
    "streaming_endpoint_clients",
    "The sum of clients that the endpoints of a room report.",
    ("room",),
)
ENDPOINT_BITRATE_BITS = MetricDescription(
    "streaming_endpoint_bitrate_bits",
    "The outgoing bitrate of the endpoints of a room, in bit/s.",
    ("room",),
)
VIEWERS = MetricDescription(
    "streaming_viewers",
    "Viewers by kind: players that report, and others that only endpoints count.",
    ("room", "kind"),
)
INCIDENTS = MetricDescription("streaming_incidents", "Open incidents by kind.", ("kind",))
DATABASE_UP = MetricDescription("streaming_database_up", "1 if the database is available, else 0.")
DATABASE_SECONDS = MetricDescription(
    "streaming_database_seconds", "The duration of a query to the database, in seconds."
)
