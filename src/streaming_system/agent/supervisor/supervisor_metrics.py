"""Health and Prometheus metrics of the supervisor, on a loopback address."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from streaming_system.agent.condition_metrics import condition_metric
from streaming_system.agent.status_server import StatusServer, counter, gauge, tracker_metrics
from streaming_system.agent.supervisor.check_result import MOOD_LEVELS, SLEEPING
from streaming_system.agent.supervisor.service import SupervisorService

MOODS = (*MOOD_LEVELS, SLEEPING)

PART_MOOD = gauge(
    "part_mood",
    "1 for the current mood of a component, 0 for each other one.",
    ("part", "room", "mood"),
)
RESTARTS = counter("restarts", "Restarts of a component.", ("part",))


class SupervisorStatusServer(StatusServer):
    """The status server of the supervisor.

    :raises OSError: if the address is not available.
    """

    def __init__(self, supervisor: SupervisorService, address: tuple[str, int]) -> None:
        self._supervisor = supervisor
        super().__init__(address)

    def problems(self) -> list[str]:
        """Return a line for each bad component and each unreachable tracker."""
        lines = [
            f"{state.name} is {state.mood}: {state.detail}"
            for state in self._supervisor.component_log.states().values()
            if state.mood in ("hungry", "sad")
        ]
        return lines + self._supervisor.unreachable_trackers()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        yield from self._component_metrics()
        components = [watcher.component for watcher in self._supervisor.watchers]
        yield condition_metric(self._supervisor.component_log, components)
        yield from tracker_metrics(self._supervisor.senders)

    def _component_metrics(self) -> Iterator[Metric]:
        moods = PART_MOOD.family()
        restarts = RESTARTS.family()
        states = self._supervisor.component_log.states()
        for watcher in self._supervisor.watchers:
            component = watcher.component
            for mood in MOODS:
                is_current = states[component.name].mood == mood
                moods.add_metric([component.name, component.room, mood], is_current)
            if watcher.restarts:
                restarts.add_metric([component.name], watcher.restarts.total)
        yield from (moods, restarts)
