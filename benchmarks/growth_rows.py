"""The rows of the databases that ``growth.py`` compares."""

import math
import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

ROOMS = 8
ENDPOINTS = [(f"room{number % ROOMS}", f"server{number}") for number in range(50)]
VIEWERS = 20_000
REPORTS_PER_SECOND = 20
MINUTE, TEN_MINUTES = timedelta(minutes=1), timedelta(minutes=10)
SHORT_HISTORY, LONG_HISTORY, SAMPLE_RETENTION = (
    timedelta(hours=2),
    timedelta(days=7),
    timedelta(hours=3),
)

Rows = Iterable[dict[str, object]]


def viewer_count(number: int, at: datetime) -> int:
    """Return the viewers of an endpoint: a daily curve with a variation per endpoint."""
    hours = at.timestamp() / 3600
    day = max(0.0, math.sin((hours % 24 - 7) / 14 * math.pi)) if 7 < hours % 24 < 21 else 0.02
    wobble = 1 + 0.25 * math.sin(hours * (2 + number % 5) + number)
    return int(800 * day * wobble * (1 + number % 4) / 2.5)


def time_steps(begin: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    """Yield the moments from begin to end in steps."""
    while begin < end:
        yield begin
        begin += step


def endpoint_metrics(number: int, at: datetime, times: int = 1) -> dict[str, int]:
    """Return the metrics of an endpoint, or their product with a time in milliseconds."""
    count = viewer_count(number, at)
    end = "" if times == 1 else "_ms"
    return {
        f"clients{end}": count * times,
        f"bitrate{end}": count * 1_500_000 * times,
        f"cbitrate{end}": count * 1_600_000 * times,
    }


def endpoint_rows(now: datetime) -> Rows:
    """Yield the rows of endpoints, which are alive."""
    for number, (room, name) in enumerate(ENDPOINTS):
        yield {
            "room": room, "name": name, "host": f"{name}.example.org", "since": now - SHORT_HISTORY,
            "last_seen": now, "url": "", "formats": ["hls"], "qualities": ["720p"], "tags": [],
            "region": "", "software": "", "draining": False, "drained": False, "handed": 0,
            "figures": {}, **endpoint_metrics(number, now),
        }  # fmt: skip


def sample_rows(begin: datetime, end: datetime) -> Rows:
    """Yield the samples of the endpoints, in the order of time."""
    for at in time_steps(begin, end, timedelta(seconds=30)):
        for number, (room, name) in enumerate(ENDPOINTS):
            yield {
                "room": room, "name": name, "at": at + number * timedelta(milliseconds=500),
                "figures": {}, **endpoint_metrics(number, at),
            }  # fmt: skip


def sample_rollup_rows(begin: datetime, end: datetime, span: timedelta) -> Rows:
    """Yield the rollups of the samples."""
    milliseconds = span // timedelta(milliseconds=1)
    for at in time_steps(begin, end, span):
        for number, (room, name) in enumerate(ENDPOINTS):
            metrics = endpoint_metrics(number, at)
            yield {
                "at": at, "room": room, "name": name, "samples": milliseconds // 30_000,
                "clients_max": metrics["clients"], "bitrate_max": metrics["bitrate"],
                **endpoint_metrics(number, at, milliseconds),
            }  # fmt: skip


def playback_metrics(rng: random.Random, reports: int) -> dict[str, int]:
    """Return the playback metrics of a number of reports."""
    return {
        "starts": reports // 20, "played_ms": reports * 59_000,
        "rebuffer_ms": reports * rng.randrange(1000), "rebuffers": reports // 5, "dropped": 0,
        "errors": reports // 100,
    }  # fmt: skip


def playback_rows(begin: datetime, end: datetime) -> Rows:
    """Yield the reports of players."""
    rng = random.Random(1)
    for at in time_steps(begin, end, timedelta(seconds=1 / REPORTS_PER_SECOND)):
        room, endpoint = rng.choice(ENDPOINTS)
        yield {
            "at": at, "room": room, "endpoint": endpoint, "format": "hls", "quality": "720p",
            "startup_ms": rng.randrange(4000) if rng.random() < 0.05 else None,
            "bitrate": 1_500_000, **playback_metrics(rng, 1),
        }  # fmt: skip


def playback_rollup_rows(begin: datetime, end: datetime, span: timedelta) -> Rows:
    """Yield the rollups of the reports."""
    rng = random.Random(2)
    reports = int(REPORTS_PER_SECOND * span.total_seconds() / len(ENDPOINTS))
    for at in time_steps(begin, end, span):
        for room, endpoint in ENDPOINTS:
            yield {
                "at": at, "room": room, "endpoint": endpoint, "viewers": VIEWERS // len(ENDPOINTS),
                "startups": [0] * 36 + [rng.randrange(5) for _ in range(12)],
                **playback_metrics(rng, reports),
            }  # fmt: skip


def player_rows(now: datetime, retention: timedelta) -> Rows:
    """Yield the active players, and the players that have left within the retention."""
    rng = random.Random(3)
    hours = retention / timedelta(hours=1)
    for number in range(VIEWERS + int(VIEWERS / 4 * hours)):
        room, endpoint = rng.choice(ENDPOINTS)
        left = rng.random() * retention if number >= VIEWERS else -MINUTE
        begun = now - max(left, timedelta(0)) - rng.random() * SHORT_HISTORY
        yield {
            "sid": f"{number:032x}", "room": room, "endpoint": endpoint, "format": "hls",
            "quality": "720p", "begun": begun, "moved": begun, "last_seen": now - left - MINUTE,
            "until": now - left, "startup_ms": 900, "dropped": 0, **{
                name: value for name, value in playback_metrics(rng, 60).items()
                if name not in ("starts", "dropped")
            },
        }  # fmt: skip
