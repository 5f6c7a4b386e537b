"""The metric about faults of components, which the supervisor and the thumbnail service share."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from streaming_system.agent.status_server import gauge
from streaming_system.agent.supervisor.event_log import ComponentLog
from streaming_system.agent.supervisor.reporter import ReportedComponent

CONDITION_SECONDS = gauge(
    "condition_seconds",
    "How long a component has been black, frozen, silent or otherwise faulty, in seconds.",
    ("part", "room", "condition"),
)


def condition_metric(log: ComponentLog, components: Iterable[ReportedComponent]) -> Metric:
    """Return since how many seconds each component has had its present condition."""
    seconds = CONDITION_SECONDS.family()
    states = log.states()
    for component in components:
        state = states.get(component.name)
        if state and state.condition:
            labels = [component.name, component.room, state.condition]
            seconds.add_metric(labels, state.age)
    return seconds
