"""A CDN, or any server without stats: all mounts of agent.ini are registered.

With ``check``, a mount is registered while its URL responds with 200.
"""

import threading
from collections import deque
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from streaming_system.plugin import (
    MountStats,
    SourceError,
    SourceOption,
    SourceProbe,
    StatsSource,
    hookimpl,
)

MAX_PARALLEL = 16


@hookimpl
def register_stats_sources() -> list[StatsSource]:
    return [
        StatsSource(
            name="static",
            summary="a CDN: a mount is any word, and there as long as `check` says so",
            options=(
                SourceOption(
                    name="check",
                    summary="an address of each mount, with {mount}, that must answer 200",
                ),
            ),
            fetch=fetch_stats,
        )
    ]


def fetch_stats(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the available mounts."""
    failures = _check_mounts(probe) if probe.options["check"] else {}
    if failures and len(failures) == len(probe.mounts):
        # This may be a problem of the agent's network, so the state of the mounts is unknown.
        raise failures[probe.mounts[0]]
    for mount in probe.mounts:
        if mount not in failures:
            yield MountStats(mount=mount)


def _check_mounts(probe: SourceProbe) -> Mapping[str, SourceError]:
    """Return the errors of unavailable mounts.

    The checks run in parallel, so that a few slow ones do not delay the others.
    """
    check = probe.options["check"]
    pending = deque(probe.mounts)
    failures: dict[str, SourceError] = {}

    def check_pending() -> None:
        while pending:
            try:
                mount = pending.popleft()
            except IndexError:
                return
            try:
                probe.get(check.replace("{mount}", quote(mount, safe="/")))
            except SourceError as error:
                failures[mount] = error

    # Daemon threads, unlike a pool of concurrent.futures, do not delay the end of the agent.
    threads = [
        threading.Thread(target=check_pending, daemon=True)
        for _ in range(min(MAX_PARALLEL, len(pending)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures
