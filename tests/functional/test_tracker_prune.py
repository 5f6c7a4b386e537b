"""Rolling up and forgetting: no figure changes, whenever and however often it is done."""

import json
import random
import re
import signal
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

from streaming_system.cli import main
from streaming_system.tracker import upkeep
from streaming_system.tracker.db import make_engine
from streaming_system.tracker.models import (
    Audit,
    Endpoint,
    Incident,
    Playback,
    PlaybackMinute,
    PlaybackTen,
    Player,
    Rollup,
    Sample,
    SampleMinute,
    SampleTen,
)
from streaming_system.tracker.services.history import History
from streaming_system.tracker.services.retention import Retention

NOW = datetime(2026, 11, 25, 12, 3, 20, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
SETTINGS = {"keep.raw": 1.0, "keep.minutes": 1.0, "keep.tens": 400.0}


@pytest.fixture
def engine(database):
    engine = make_engine({"sqlalchemy.url": database})
    yield engine
    engine.dispose()


@pytest.fixture
def add(engine):
    """Return a function that adds rows."""

    def add(model, rows):
        with engine.begin() as connection:
            connection.execute(sa.insert(model), rows)

    return add


@pytest.fixture
def prune(tracker_settings):
    """Return a function that prunes as the timer does, at some moment."""

    def prune(now=NOW, **keep):
        kept = {"keep.raw": "1", "keep.minutes": "1"} | keep
        return upkeep.prune(tracker_settings | kept, clock=lambda: now, pause=lambda seconds: None)

    return prune


@pytest.fixture
def lines(engine):
    """Return a function that reads the figures of a span."""

    def lines(minutes, step, now=NOW, room=None):
        with Session(engine) as db:
            return History(db, SETTINGS).bitrate_and_clients(
                begin=now - minutes * MINUTE, end=now, step=step, room=room
            )

    return lines


def samples(seed, minutes=200):
    """Return what some endpoints report, with gaps, goodbyes and two programs of one name."""
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


@pytest.mark.parametrize("seed", range(3))
def test_minutes_and_tens_are_what_the_samples_say(add, prune, rows, seed):
    reported = samples(seed)
    add(Sample, reported)

    prune()

    minutes = rows(SampleMinute)
    for table, span in ((minutes, MINUTE), (rows(SampleTen), 10 * MINUTE)):
        for row in table:
            expected = held(reported, row["at"], row["at"] + span)[row["room"], row["name"]]
            assert (row["clients_ms"], row["bitrate_ms"]) == expected
    assert sum(row["samples"] for row in minutes) == len(
        [row for row in reported if row["at"] < NOW.replace(minute=1, second=0)]
    )
    # Nothing that held is missing: the minutes add up to the whole.
    whole = held(reported, NOW - 300 * MINUTE, NOW.replace(minute=1, second=0))
    assert sum(row["clients_ms"] for row in minutes) == sum(value[0] for value in whole.values())


@pytest.mark.parametrize("step", [30, 60, 300, 600, 1800])
def test_graphs_are_the_same_before_and_after(add, prune, lines, step):
    add(Sample, samples(7))
    span = 50 if step < 60 else 190
    before = lines(span, step * SECOND)

    prune()
    after = lines(span, step * SECOND)

    assert after.times == before.times
    assert set(after.lines) == set(before.lines)
    for name, line in before.lines.items():
        assert after.lines[name].clients == pytest.approx(line.clients)
        assert after.lines[name].bitrate == pytest.approx(line.bitrate)


@pytest.mark.parametrize("step", [5, 30, 60, 600])
def test_a_point_of_a_graph_is_the_mean_over_time_of_all_endpoints(add, lines, step):
    reported = samples(11, minutes=60)
    add(Sample, reported)

    found = lines(50, step * SECOND)

    for place, at in enumerate(found.times[:-1]):
        expected = held(reported, at, at + step * SECOND)
        for room, line in found.lines.items():
            clients = sum(value[0] for key, value in expected.items() if key[0] == room)
            assert line.clients[place] == pytest.approx(clients / 1000 / step)


def test_lines_of_a_room_are_its_endpoints_and_add_up_to_it(add, prune, lines):
    add(Sample, samples(13))
    prune(NOW - 20 * MINUTE)

    room = lines(190, MINUTE).lines["hall"]
    endpoints = lines(190, MINUTE, room="hall").lines

    assert set(endpoints) == {"a", "b"}
    assert [a + b for a, b in zip(endpoints["a"].clients, endpoints["b"].clients, strict=True)] == (
        pytest.approx(list(room.clients))
    )


def test_an_endpoint_that_ends_falls_to_zero(add, prune, lines):
    begun = NOW.replace(second=0) - 30 * MINUTE
    add(
        Sample,
        [
            {"room": "hall", "name": name, "at": begun + place * MINUTE / 2, "clients": clients,
             "bitrate": 0, "cbitrate": 0, "figures": {}}
            for name, figures in (("silent", [7] * 8), ("goodbye", [5] * 7 + [0]))
            for place, clients in enumerate(figures)
        ],
    )  # fmt: skip
    # The last report of one is that of half past the fourth minute, and holds for a minute; the
    # other says goodbye at that moment.
    expected = (0, 12, 12, 12, 7 + 5 / 2, 7 / 2, 0, 0)

    before = lines(31, MINUTE)
    prune()
    after = lines(31, MINUTE)

    for found in (before, after):
        assert found.times[1] == begun
        assert found.lines["hall"].clients[:8] == expected
        assert set(found.lines["hall"].clients[8:]) == {0}


def test_the_last_step_is_what_holds_now(add, lines):
    add(
        Sample,
        [
            {"room": "hall", "name": name, "at": NOW - ago * SECOND, "clients": clients,
             "bitrate": 0, "cbitrate": 0, "figures": {}}
            for name, ago, clients in (("a", 5, 10), ("b", 59, 20), ("dead", 61, 40))
        ],
    )  # fmt: skip

    assert lines(10, MINUTE).lines["hall"].clients[-1] == 30


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


def test_playback_is_rolled_up_without_a_loss(add, prune, rows):
    reports, watching = playback(3), players(3)
    add(Playback, reports)
    add(Player, watching)

    prune()

    limit = NOW.replace(minute=1, second=0)
    settled = [row for row in reports if row["at"] < limit]
    minutes, tens = rows(PlaybackMinute), rows(PlaybackTen)
    for figure in ("starts", "played_ms", "rebuffer_ms", "rebuffers", "dropped", "errors"):
        assert sum(row[figure] for row in minutes) == sum(row[figure] for row in settled)
        assert sum(row[figure] for row in tens) == sum(
            row[figure] for row in settled if row["at"] < limit - MINUTE
        )
    assert sum(sum(row["startups"]) for row in minutes) == sum(
        row["startup_ms"] is not None for row in settled
    )
    for table in (minutes, tens):
        for at in {row["at"] for row in table}:
            assert sum(row["viewers"] for row in table if row["at"] == at) == sum(
                row["begun"] <= at < row["until"] for row in watching
            )


def test_pruning_at_any_moments_gives_the_same_as_pruning_once(add, prune, rows, engine):
    add(Sample, samples(5))
    add(Playback, playback(5))
    add(Player, players(5))
    chance = random.Random(5)
    for minutes in sorted((chance.uniform(0, 60) for _ in range(12)), reverse=True):
        prune(NOW - minutes * MINUTE, **{"keep.raw": "10"})
    prune(**{"keep.raw": "10"})
    tables = (SampleMinute, SampleTen, PlaybackMinute, PlaybackTen)
    in_turns = [sorted(rows(table), key=str) for table in tables]
    with engine.begin() as connection:
        for table in (*tables, Rollup):
            connection.execute(sa.delete(table))

    prune(**{"keep.raw": "10"})

    assert [sorted(rows(table), key=str) for table in tables] == in_turns


# Prunes, and says so after every transaction.
CHILD = """
import json, sys
from datetime import datetime
from streaming_system.tracker import upkeep

settings, now = json.loads(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
upkeep.prune(settings, clock=lambda: now, pause=lambda seconds: print("turn", flush=True))
"""


def test_pruning_that_is_killed_again_and_again_loses_nothing(
    add, prune, rows, lines, tracker_settings
):
    add(Sample, samples(17))
    add(Playback, playback(17))
    before = lines(190, 10 * MINUTE)
    settings = json.dumps(tracker_settings | {"keep.raw": "1"})
    chance = random.Random(17)

    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", CHILD, settings, NOW.isoformat()],
            stdout=subprocess.PIPE,
        )
        for _ in range(chance.randrange(1, 12)):
            assert child.stdout.readline() == b"turn\n"
        # It is in the midst of the next transaction, or just after it.
        child.kill()
        child.communicate()
        assert child.returncode == -signal.SIGKILL
        killed = lines(190, 10 * MINUTE)
        for name, line in before.lines.items():
            assert killed.lines[name].clients == pytest.approx(line.clients)
    prune()

    after = lines(190, 10 * MINUTE)
    for name, line in before.lines.items():
        assert after.lines[name].clients == pytest.approx(line.clients)
    settled = NOW.replace(minute=1, second=0)
    assert sum(row["starts"] for row in rows(PlaybackMinute)) == sum(
        row["starts"] for row in playback(17) if row["at"] < settled
    )


def test_what_is_old_is_forgotten_and_nothing_else(add, prune, rows):
    add(Sample, samples(19))
    add(Playback, playback(19))
    add(Player, players(19))
    for days in (1, 401):
        then = NOW - timedelta(days=days)
        add(Audit, [{"at": then, "account": "ada", "action": "drain", "subject": ""}])
        add(
            Incident,
            [{"kind": "silent", "room": "", "subject": str(days), "summary": "", "opened_at": then,
              "closed_at": then, "told_open": True, "told_closed": True}],
        )  # fmt: skip
    for name, days in (("young", 6), ("old", 8)):
        add(
            Endpoint,
            [{"room": "hall", "name": name, "host": "h", "since": NOW, "clients": 0, "bitrate": 0,
              "cbitrate": 0, "figures": {}, "last_seen": NOW - timedelta(days=days)}],
        )  # fmt: skip

    done = prune()

    hour = NOW - 60 * MINUTE
    assert min(row["at"] for row in rows(Sample)) >= hour - MINUTE
    assert {row["at"] >= hour for row in rows(Playback)} == {True}
    assert {row["until"] >= hour for row in rows(Player)} == {True}
    assert [row["name"] for row in rows(Endpoint)] == ["young"]
    assert (len(rows(Incident)), len(rows(Audit))) == (1, 1)
    assert done.forgotten["endpoints"] == 1
    assert prune().forgotten == {}


def test_nothing_is_forgotten_before_it_is_rolled_up(add, rows, engine):
    add(Sample, samples(23))
    count = len(rows(Sample))

    with Session(engine) as db:
        times = Retention(db, SETTINGS).times(now=NOW)

    assert times.samples < min(row["at"] for row in rows(Sample))
    assert len(rows(Sample)) == count


def test_months_without_a_report_are_passed_in_one_step(add, prune, rows):
    for ago in (timedelta(days=90), timedelta(hours=2)):
        add(
            Sample,
            [{"room": "hall", "name": "a", "at": NOW - ago, "clients": 3, "bitrate": 0,
              "cbitrate": 0, "figures": {}}],
        )  # fmt: skip

    prune()

    assert sum(row["clients_ms"] for row in rows(SampleTen)) == 2 * 3 * 60_000


def test_only_one_prune_is_at_work(tracker_settings, prune):
    refused = []

    def again(seconds):
        if not refused:
            with pytest.raises(upkeep.Busy):
                prune()
            refused.append(True)

    upkeep.prune(tracker_settings, clock=lambda: NOW, pause=again)

    assert refused
    # The next one may.
    prune()


def test_the_command_says_in_one_line_what_it_did(add, root, tmp_path, tracker_settings):
    late = datetime.now(UTC) - NOW
    add(Sample, [row | {"at": row["at"] + late - timedelta(hours=2)} for row in samples(31)])
    ini = tmp_path / "tracker.ini"
    values = {"database": tracker_settings["sqlalchemy.url"].replace("%", "%%")} | {
        key: tracker_settings[key] for key in ("config.public", "config.private")
    }
    lines = (root / "development.ini").read_text().replace("%(here)s", str(root)).splitlines()
    for key, value in values.items():
        lines = [f"{key} = {value}" if line.startswith(f"{key} =") else line for line in lines]
    ini.write_text("\n".join(lines))

    result = CliRunner().invoke(main, ["-c", str(ini), "tracker", "prune"])

    assert result.exit_code == 0, result.output
    [line] = result.output.splitlines()
    assert re.fullmatch(
        r"Rolled up to [-\d]+ \d\d:\d\d UTC: \d+ sample_minute, \d+ sample_ten\. "
        r"Forgotten: [\d,]+ samples\.",
        line,
    )
