"""Generated reports of endpoints and players, and the graphs expected from them."""

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 11, 25, 12, 3, 20, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
RETENTION = {
    "retention.samples_hours": 1.0,
    "retention.minutes_days": 1.0,
    "retention.ten_minutes_days": 400.0,
    "retention.captions_days": 30.0,
}


def samples(seed, minutes=200):
    """Return samples of some endpoints, with gaps, end reports and two programs of one name."""
    chance = random.Random(seed)
    rows = []
    for room, name in (("hall", "a"), ("hall", "b"), ("lab", "a"), ("gone", "x")):
        at = NOW - minutes * MINUTE + chance.random() * 90 * SECOND
        while at < NOW:
            clients = chance.choice((0, 1, chance.randrange(5000)))
            rows.append(
                {
                    "room": room,
                    "name": name,
                    # Quarters of seconds are the same number in every database.
                    "at": at.replace(microsecond=at.microsecond // 250_000 * 250_000),
                    "clients": clients,
                    "bitrate": clients * 800_000,
                    "cbitrate": clients * 900_000,
                    "figures": {},
                }
            )
            at += chance.choice((30, 30, 30, 29.5, 31, 5, 0.25, 60, 61, 95, 700)) * SECOND
    return rows


def held(rows, begin, end):
    """Return clients and bitrate times milliseconds by room and name: one look at every sample."""
    series = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["at"]):
        series[row["room"], row["name"]].append(row)
    sums = {}
    for key, reports in series.items():
        parts = [
            (row, max(timedelta(0), min(until, end) - max(row["at"], begin)) / SECOND * 1000)
            for row, until in (
                (row, min([row["at"] + MINUTE, *(r["at"] for r in reports[i + 1 : i + 2])]))
                for i, row in enumerate(reports)
            )
        ]
        sums[key] = tuple(
            sum(row[figure] * ms for row, ms in parts) for figure in ("clients", "bitrate")
        )
    return sums


def playback(seed, minutes=90):
    chance = random.Random(seed)
    return [
        {
            "at": NOW - chance.random() * minutes * MINUTE,
            "room": chance.choice(("hall", "lab")),
            "endpoint": chance.choice(("a", "b")),
            "format": "hls",
            "quality": "",
            "startup_ms": chance.choice((None, chance.randrange(20_000))),
            "bitrate": None,
            "starts": chance.randrange(2),
            "played_ms": chance.randrange(60_000),
            "rebuffer_ms": chance.randrange(5_000),
            "rebuffers": chance.randrange(3),
            "dropped": chance.randrange(100),
            "errors": chance.randrange(2),
        }
        for _ in range(2000)
    ]


def players(seed, minutes=90):
    chance = random.Random(seed)
    found = []
    for number in range(300):
        begun = NOW - chance.random() * minutes * MINUTE
        until = begun + chance.random() * 30 * MINUTE
        found.append(
            {"sid": str(number), "room": chance.choice(("hall", "lab")), "endpoint": "a",
             "format": "hls", "quality": "", "begun": begun, "moved": begun, "last_seen": begun,
             "until": until, "startup_ms": None, "played_ms": 0, "rebuffer_ms": 0, "rebuffers": 0,
             "dropped": 0, "errors": 0}
        )  # fmt: skip
    return found
