"""The import of a feed, compared with its XML parser and sanitiser."""

import time
from collections.abc import Iterator

import feed_import

from .plan import MeasurementPlan
from .rows import RowResult

NAMES = ("import",)
TALK_COUNT = 900


def measure(names: list[str], plan: MeasurementPlan) -> Iterator[tuple[str, RowResult]]:
    """Measure the row in this process."""
    data = feed_import.build_feed(TALK_COUNT)
    read_feed = feed_import.make_reader()
    jobs = {
        "ours": lambda: read_feed(data),
        "other": lambda: feed_import.parse_xml_and_sanitise(data),
    }
    result = RowResult(note=f"schedule.xml of {len(data) / 1e6:.1f} MB")
    for turn in range(2 * plan.rounds + 1):
        for side, job in sorted(jobs.items(), reverse=bool(turn % 2)):
            started = time.perf_counter()
            job()
            # The first turn imports modules.
            if turn:
                getattr(result, side).append(1000 * (time.perf_counter() - started))
    yield "import", result
