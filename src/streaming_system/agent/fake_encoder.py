"""A fake streaming server: registers rooms without streaming, to try out a site."""

import random
from collections.abc import Callable, Iterator
from datetime import datetime

from streaming_system.agent.legacy_tracker_client import LegacyTrackerClient

# Bit/s per viewer.
BITRATES = {"webm_high": 800_000, "webm_low": 300_000}


def fake_stats(viewers: int) -> dict[str, int]:
    """Return form-protocol stats of an endpoint; two thirds of the viewers watch ``webm_high``."""
    clients = {"webm_high": viewers - viewers // 3, "webm_low": viewers // 3}
    stats = {}
    for stream, count in clients.items():
        stats[f"{stream}_clients"] = count
        stats[f"{stream}_bitrate"] = count * BITRATES[stream]
    return stats | {
        "overall_clients": viewers,
        "overall_bitrate": sum(count * BITRATES[stream] for stream, count in clients.items()),
    }


def register_rooms(
    tracker: LegacyTrackerClient,
    rooms: tuple[str, ...],
    *,
    ip: str,
    rounds: Iterator[int],
    wait: Callable[[], object],
) -> Iterator[str]:
    """Register every room once per round; yield a line for each registration.

    :param rounds: one item for each round.
    :param wait: called between two rounds.
    :raises TrackerError: if the tracker rejects a registration.
    """
    viewers = dict.fromkeys(rooms, 30)
    for number in rounds:
        if number:
            wait()
        for room in rooms:
            viewers[room] = max(0, viewers[room] + random.randint(-5, 6))
            result = tracker.register(room, fake_stats(viewers[room]), ip=ip)
            # The original prints local time, too.
            yield f"Registered {room} at {datetime.now()} result {result}"  # noqa: DTZ005
