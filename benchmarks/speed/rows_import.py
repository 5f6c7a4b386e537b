"""The import of a feed, beside the parser and the cleaner alone."""

import time
from collections.abc import Iterator

import feed_import

from .plan import Plan
from .rows import Found

NAMES = ("import",)
EVENTS = 900


def measure(names: list[str], plan: Plan) -> Iterator[tuple[str, Found]]:
    """Measure the row, in this process."""
    data = feed_import.document(EVENTS)
    read = feed_import.reader()
    jobs = {"ours": lambda: read(data), "other": lambda: feed_import.parts(data)}
    found = Found(note=f"schedule.xml of {len(data) / 1e6:.1f} MB")
    for turn in range(2 * plan.rounds + 1):
        for side, job in sorted(jobs.items(), reverse=bool(turn % 2)):
            begun = time.perf_counter()
            job()
            # The first one imports what it needs.
            if turn:
                getattr(found, side).append(1000 * (time.perf_counter() - begun))
    yield "import", found
