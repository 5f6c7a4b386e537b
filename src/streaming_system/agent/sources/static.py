"""A CDN, or any server that tells nothing: what agent.ini names is there.

With ``check``, it is only there while its playlist, or whatever the address leads to, can be had.
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
def encoder_sources() -> list[StatsSource]:
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
            read=fetch_readings,
        )
    ]


def fetch_readings(probe: SourceProbe) -> Iterator[MountStats]:
    """Return the mounts that are there."""
    failures = _check_mounts(probe) if probe.options["check"] else {}
    if failures and len(failures) == len(probe.mounts):
        # Whether the CDN is silent or the way to it is down cannot be told apart.
        raise failures[probe.mounts[0]]
    for mount in probe.mounts:
        if mount not in failures:
            yield MountStats(mount=mount)


def _check_mounts(probe: SourceProbe) -> Mapping[str, SourceError]:
    """Return what is wrong with mounts.

    They are asked side by side: one after the other, a few that hang would take so long that all
    would count as gone.
    """
    check = probe.options["check"]
    waiting = deque(probe.mounts)
    failures: dict[str, SourceError] = {}

    def ask() -> None:
        while waiting:
            try:
                mount = waiting.popleft()
            except IndexError:
                return
            try:
                probe.get(check.replace("{mount}", quote(mount, safe="/")))
            except SourceError as error:
                failures[mount] = error

    # A pool of concurrent.futures would keep the agent from ending until the last has answered.
    asking = [
        threading.Thread(target=ask, daemon=True) for _ in range(min(MAX_PARALLEL, len(waiting)))
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    return failures
