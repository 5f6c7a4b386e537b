"""How the watched parts are, for people and for Prometheus on this machine."""

from collections.abc import Iterable, Iterator

from prometheus_client.metrics_core import Metric

from streaming_system.agent.status_server import StatusServer, counter, gauge, tracker_metrics
from streaming_system.agent.supervisor.check_result import MOOD_LEVELS, SLEEPING
from streaming_system.agent.supervisor.service import SupervisorService

MOODS = (*MOOD_LEVELS, SLEEPING)


class SupervisorStatusServer(StatusServer):
    """Answers on a loopback address.

    :raises OSError: if nothing can listen there.
    """

    def __init__(self, watch: SupervisorService, address: tuple[str, int]) -> None:
        self._watch = watch
        super().__init__(address)

    def troubles(self) -> list[str]:
        """Return a line for every part that is not well, and every tracker that does not hear."""
        bad = [
            f"{state.name} is {state.mood}: {state.detail}"
            for state in self._watch.journal.states().values()
            if state.mood in ("hungry", "sad")
        ]
        return bad + self._watch.unheard()

    def collect(self) -> Iterable[Metric]:
        """Return the figures."""
        yield from self._parts()
        yield from tracker_metrics(self._watch.reporters)

    def _parts(self) -> Iterator[Metric]:
        mood = gauge("part_mood", "1 for the mood that a part is in.", ["part", "room", "mood"])
        total = counter("restarts", "How often a part was started anew.", ["part"])
        states = self._watch.journal.states()
        for watcher in self._watch.watchers:
            part = watcher.part
            for one in MOODS:
                mood.add_metric([part.name, part.room, one], states[part.name].mood == one)
            if watcher.restarts:
                total.add_metric([part.name], watcher.restarts.total)
        yield from (mood, total)
