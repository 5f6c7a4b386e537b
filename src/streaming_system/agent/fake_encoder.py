"""An encoder that streams nothing: it registers, so that a site can be tried without one."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime

from streaming_system.agent.tracker_client import LegacyTrackerClient

# What one viewer of the high and of the low quality costs, in bit/s.
BITRATES = {"webm_high": 800_000, "webm_low": 300_000}


def fake_stats(viewers: int) -> dict[str, int]:
    """Return the figures of an endpoint with this many viewers, two thirds of them in high."""
    clients = {"webm_high": viewers - viewers // 3, "webm_low": viewers // 3}
    found = {}
    for stream, count in clients.items():
        found[f"{stream}_clients"] = count
        found[f"{stream}_bitrate"] = count * BITRATES[stream]
    return found | {
        "overall_clients": viewers,
        "overall_bitrate": sum(count * BITRATES[stream] for stream, count in clients.items()),
    }


def register_rooms(
    tracker: LegacyTrackerClient,
    groups: tuple[str, ...],
    *,
    ip: str,
    rounds: Iterator[int],
    wait: Callable[[], object],
) -> Iterator[str]:
    """Register every group once a round; yield a line for each registration.

    :param rounds: one item for each round.
    :param wait: called between two rounds.
    :raises TrackerError: as soon as the tracker refuses.
    """
    viewers = dict.fromkeys(groups, 30)
    for number in rounds:
        if number:
            wait()
        for group in groups:
            viewers[group] = max(0, viewers[group] + random.randint(-5, 6))
            answer = tracker.register(group, fake_stats(viewers[group]), ip=ip)
            # The original's encoders print the local time, so people compare it with a clock.
            yield f"Registered {group} at {datetime.now()} result {answer}"  # noqa: DTZ005
