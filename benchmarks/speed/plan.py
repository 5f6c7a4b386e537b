"""How rows are measured: in rounds, in which both sides take turns."""

from collections.abc import Callable
from dataclasses import dataclass

from .rows import Found
from .servers import Side


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How often, for how long, and of how many requests the memory is measured."""

    rounds: int = 5
    seconds: float = 2.0
    requests: int = 100_000

    def compare(
        self,
        first: Side,
        second: Side,
        *,
        before: Callable[[], object] = lambda: None,
        ours: Callable[[float], object] | None = None,
    ) -> Found:
        """Ask both sides in turn: A B, B A and so on, so that neither is always the second."""
        bursts = {"ours": ours or first.burst, "other": second.burst}
        found = Found()
        before()
        for burst in bursts.values():
            # The first answers compile templates and statements, and open connections.
            burst(1.0)
        for turn in range(self.rounds):
            before()
            for side, burst in sorted(bursts.items(), reverse=not turn % 2):
                load, cpu = burst(self.seconds)
                getattr(found, side).append(load.rate)
                getattr(found, f"cpu_{side}").append(cpu)
        return found
