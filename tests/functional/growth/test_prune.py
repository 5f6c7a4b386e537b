"""Rolling up and forgetting: no figure changes, whenever and however often it is done."""

import json
import random
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from sqlalchemy.orm import Session

from streaming_system.cli import main
from streaming_system.tracker.history import maintenance
from streaming_system.tracker.history.retention import Retention
from streaming_system.tracker.logs.ingest import AccessLogs
from streaming_system.tracker.models import (
    AuditEntry,
    Endpoint,
    IncidentRecord,
    Playback,
    Playback1Min,
    Playback10Min,
    Player,
    RollupCursor,
    Sample,
    Sample1Min,
    Sample10Min,
)

from .reports import MINUTE, NOW, RETENTION, held, playback, players, samples

pytestmark = pytest.mark.both_databases


@pytest.mark.parametrize("seed", range(3))
def test_minutes_and_tens_are_what_the_samples_say(add, prune, rows, seed):
    reported = samples(seed)
    add(Sample, reported)

    prune()

    minutes = rows(Sample1Min)
    for table, span in ((minutes, MINUTE), (rows(Sample10Min), 10 * MINUTE)):
        for row in table:
            expected = held(reported, row["at"], row["at"] + span)[row["room"], row["name"]]
            assert (row["clients_ms"], row["bitrate_ms"]) == expected
    assert sum(row["samples"] for row in minutes) == len(
        [row for row in reported if row["at"] < NOW.replace(minute=1, second=0)]
    )
    # Nothing that held is missing: the minutes add up to the whole.
    whole = held(reported, NOW - 300 * MINUTE, NOW.replace(minute=1, second=0))
    assert sum(row["clients_ms"] for row in minutes) == sum(value[0] for value in whole.values())


def test_playback_is_rolled_up_without_a_loss(add, prune, rows):
    reports, watching = playback(3), players(3)
    add(Playback, reports)
    add(Player, watching)

    prune()

    limit = NOW.replace(minute=1, second=0)
    settled = [row for row in reports if row["at"] < limit]
    minutes, tens = rows(Playback1Min), rows(Playback10Min)
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
        prune(NOW - minutes * MINUTE, **{"retention.samples_hours": "10"})
    prune(**{"retention.samples_hours": "10"})
    tables = (Sample1Min, Sample10Min, Playback1Min, Playback10Min)
    in_turns = [sorted(rows(table), key=str) for table in tables]
    with engine.begin() as connection:
        for table in (*tables, RollupCursor):
            connection.execute(sa.delete(table))

    prune(**{"retention.samples_hours": "10"})

    assert [sorted(rows(table), key=str) for table in tables] == in_turns


# Prunes, and says so after every transaction.
CHILD = """
import json, sys
from datetime import datetime
from streaming_system.tracker.history import maintenance

settings, now = json.loads(sys.argv[1]), datetime.fromisoformat(sys.argv[2])
maintenance.run_maintenance(
    settings, clock=lambda: now, sleep=lambda seconds: print("turn", flush=True)
)
"""


def test_pruning_that_is_killed_again_and_again_loses_nothing(
    add, prune, rows, lines, tracker_settings
):
    add(Sample, samples(17))
    add(Playback, playback(17))
    before = lines(190, 10 * MINUTE)
    settings = json.dumps(tracker_settings | {"retention.samples_hours": "1"})
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
        for name, line in before.series.items():
            assert killed.series[name].clients == pytest.approx(line.clients)
    prune()

    after = lines(190, 10 * MINUTE)
    for name, line in before.series.items():
        assert after.series[name].clients == pytest.approx(line.clients)
    settled = NOW.replace(minute=1, second=0)
    assert sum(row["starts"] for row in rows(Playback1Min)) == sum(
        row["starts"] for row in playback(17) if row["at"] < settled
    )


def test_what_is_old_is_forgotten_and_nothing_else(add, prune, rows, engine):
    add(Sample, samples(19))
    add(Playback, playback(19))
    add(Player, players(19))
    for days in (1, 401):
        then = NOW - timedelta(days=days)
        add(AuditEntry, [{"at": then, "account": "ada", "action": "drain", "subject": ""}])
        add(
            IncidentRecord,
            [{"kind": "silent", "room": "", "subject": str(days), "summary": "", "opened_at": then,
              "closed_at": then, "notified_open": True, "notified_closed": True}],
        )  # fmt: skip
    for name, days in (("young", 6), ("old", 8)):
        add(
            Endpoint,
            [{"room": "hall", "name": name, "host": "h", "since": NOW, "clients": 0, "bitrate": 0,
              "cbitrate": 0, "figures": {}, "last_seen": NOW - timedelta(days=days)}],
        )  # fmt: skip

    done = prune()

    hour = NOW - 60 * MINUTE
    # PostgreSQL forgets whole partitions, which are of one hour here.
    whole = 60 * MINUTE if engine.dialect.name == "postgresql" else timedelta()
    assert min(row["at"] for row in rows(Sample)) >= hour - MINUTE - whole
    assert {row["at"] >= hour - whole for row in rows(Playback)} == {True}
    assert {row["until"] >= hour for row in rows(Player)} == {True}
    assert [row["name"] for row in rows(Endpoint)] == ["young"]
    assert (len(rows(IncidentRecord)), len(rows(AuditEntry))) == (1, 1)
    assert done.deleted["endpoints"] == 1
    assert prune().deleted == {}


def test_log_files_with_addresses_go_after_their_days(prune, engine, tmp_path):
    keys = {"logdir": str(tmp_path / "logs"), "privacy.days": "2"}
    line = '203.0.113.9 - - [21/Nov/2026:12:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "VLC"'
    with Session(engine) as db, db.begin():
        settings = {"logdir": tmp_path / "logs", "privacy.days": 2, "logdir.size": 10**6,
                    "logdir.files": 10}  # fmt: skip
        AccessLogs(db, settings).ingest(
            room="hall", name="a", text=line, now=NOW - timedelta(days=4)
        )

    assert prune(**keys).deleted["log files"] == 1
    assert [path for path in (tmp_path / "logs").rglob("*") if path.is_file()] == []


def test_log_files_go_even_while_another_machine_prunes_the_database(
    tracker_settings, prune, engine, tmp_path
):
    folder = tmp_path / "logs"
    keys = {"logdir": str(folder), "privacy.days": "2"}
    line = '203.0.113.9 - - [21/Nov/2026:12:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "VLC"'
    with Session(engine) as db, db.begin():
        settings = {"logdir": folder, "privacy.days": 2, "logdir.size": 10**6, "logdir.files": 10}
        AccessLogs(db, settings).ingest(
            room="hall", name="a", text=line, now=NOW - timedelta(days=4)
        )
    tried = []

    def meanwhile(seconds):
        # The first pause is before it has the lock.
        if len(tried) == 1:
            with pytest.raises(maintenance.AlreadyRunningError):
                prune(**keys)
        tried.append(True)

    maintenance.run_maintenance(tracker_settings, clock=lambda: NOW, sleep=meanwhile)

    assert [path for path in folder.rglob("*") if path.is_file()] == []


def test_nothing_is_forgotten_before_it_is_rolled_up(add, rows, engine):
    add(Sample, samples(23))
    count = len(rows(Sample))

    with Session(engine) as db:
        times = Retention(db, RETENTION).cutoffs(now=NOW)

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

    assert sum(row["clients_ms"] for row in rows(Sample10Min)) == 2 * 3 * 60_000


def test_only_one_prune_is_at_work(tracker_settings, prune):
    refused = []

    begun = []

    def again(seconds):
        # The first pause is before it has the lock.
        begun.append(True)
        if len(begun) > 1 and not refused:
            with pytest.raises(maintenance.AlreadyRunningError):
                prune()
            refused.append(True)

    maintenance.run_maintenance(tracker_settings, clock=lambda: NOW, sleep=again)

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
        r"Forgotten: [\d,]+ samples\.( Partitions: [\w, ]+\.)?",
        line,
    )
