"""Measures rows in rounds, alternating between both sides."""

from collections.abc import Callable
from dataclasses import dataclass

from .rows import RowResult
from .servers import LoadTarget


@dataclass(frozen=True, kw_only=True)
class MeasurementPlan:
    """The number and length of the rounds, and the number of requests of the memory rows."""

    rounds: int = 5
    seconds: float = 2.0
    requests: int = 100_000

    def compare(
        self,
        first: LoadTarget,
        second: LoadTarget,
        *,
        before: Callable[[], object] = lambda: None,
        ours: Callable[[float], object] | None = None,
    ) -> RowResult:
        """Measure both sides in the order A B, B A and so on, so that neither is always second."""
        bursts = {"ours": ours or first.burst, "other": second.burst}
        result = RowResult()
        before()
        for burst in bursts.values():
            # Warm up: the first requests compile templates and statements, and open connections.
            burst(1.0)
        for turn in range(self.rounds):
            before()
            for side, burst in sorted(bursts.items(), reverse=not turn % 2):
                load, cpu = burst(self.seconds)
                getattr(result, side).append(load.rate)
                getattr(result, f"cpu_{side}").append(cpu)
        return result
