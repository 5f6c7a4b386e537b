"""History in partitions: no row is lost on the way there, and old ones go as files."""

import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from ..growth.reports import NOW

BEFORE = "d6a1c4f27b55"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TABLES = ("sample", "playback", "sample_minute", "playback_minute")


def parts(sql, table):
    """Return how many rows are in each partition of a table."""
    with sql() as run:
        names = run(
            "SELECT inhrelid::regclass::text FROM pg_inherits "
            f"WHERE inhparent = '{table}'::regclass"
        ).scalars()
        return {name: run(f"SELECT count(*) FROM {name}").scalar() for name in list(names)}


def contents(sql):
    with sql() as run:
        return {
            table: sorted(map(str, run(f"SELECT to_json(t) FROM {table} t").scalars()))
            for table in TABLES
        }


def test_the_migration_keeps_every_row_both_ways(url, sql, sample, migrate):
    migrate(url, BEFORE)
    sample(5000, datetime.now(UTC))
    # A clock was wrong by two days.
    sample(10, datetime.now(UTC) + 2 * DAY)
    with sql() as run:
        run(
            "INSERT INTO sample_minute SELECT date_trunc('minute', at), room, name, count(*), 1, 1,"
            " 1, 1, 1 FROM sample GROUP BY 1, 2, 3"
        )
    before = contents(sql)

    migrate(url)

    assert contents(sql) == before
    found = parts(sql, "sample")
    assert found["sample_before"] == 5000
    assert found["sample_default"] == 10
    with sql() as run:
        key = run(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'pk_sample'"
        ).scalar()
        # Numbers go on where they were.
        new = run(
            "INSERT INTO sample (room, name, at, clients, bitrate, cbitrate, figures) "
            "VALUES ('hall', 'b', now(), 1, 1, 1, '{}') RETURNING id"
        ).scalar()
        run("DELETE FROM sample WHERE name = 'b'")
    assert key == "PRIMARY KEY (id, at)"
    assert new == 5011
    migrate(url, BEFORE)
    assert contents(sql) == before
    migrate(url)
    assert contents(sql) == before


def test_after_the_migration_reports_have_partitions_for_a_day(url, sql, sample, migrate):
    migrate(url)

    sample(24 * 60, datetime.now(UTC) + DAY - timedelta(minutes=1), timedelta(minutes=1))

    found = parts(sql, "sample")
    assert found["sample_default"] == 0
    assert sum(found.values()) == 24 * 60


def test_what_comes_too_early_or_late_gets_a_partition_with_the_next_prune(
    url, sql, sample, migrate, prune
):
    migrate(url)
    hours = 40
    sample(hours * 60, NOW + 20 * HOUR, timedelta(minutes=1))
    with sql() as run:
        # Rollups shall not be what keeps rows.
        run("INSERT INTO rollup SELECT 'sample_minute', '2026-11-25 12:00Z'")
    everything = contents(sql)["sample"]

    done = prune(**{"retention.samples_hours": "30"})

    found = parts(sql, "sample")
    assert found.pop("sample_default") == 0
    assert sum(found.values()) == hours * 60 == len(everything)
    assert contents(sql)["sample"] == everything
    assert max(found.values()) == 60
    assert sum(count > 0 for count in found.values()) == hours + 1
    assert done.partitions["created"] > 0
    assert prune(**{"retention.samples_hours": "30"}).partitions == {}


def test_partitions_of_another_width_fit_between_those_that_are_there(
    url, sql, sample, migrate, prune
):
    migrate(url)
    prune()

    # A month: partitions of a quarter of a day.
    prune(**{"retention.samples_hours": "500"})
    sample(200, NOW + DAY, timedelta(hours=1))
    prune(**{"retention.samples_hours": "500"})
    found = parts(sql, "sample")
    assert sum(found.values()) == 200
    assert found["sample_default"] == 0

    # Hours again; what is older than these 90 goes, a quarter of a day at a time.
    prune(**{"retention.samples_hours": "90"})

    assert 90 + 24 <= sum(parts(sql, "sample").values()) <= 90 + 24 + 6


def test_a_reader_that_does_not_end_stops_neither_reports_nor_the_next_prune(
    url, sql, sample, migrate, prune
):
    migrate(url)
    sample(3000, NOW - 8 * HOUR)
    prune(NOW - 8 * HOUR)
    assert sum(parts(sql, "sample").values()) == 3000
    written = []

    def report(seconds):
        with sql() as run:
            # If prune let others wait, this would fail.
            run("SET LOCAL lock_timeout = '10s'")
            run(
                "INSERT INTO sample (room, name, at, clients, bitrate, cbitrate, figures) "
                f"VALUES ('hall', 'b', '{NOW}', 1, 1, 1, '{{}}')"
            )
        written.append(1)

    with sql() as reader:
        reader("SELECT count(*) FROM sample")
        reader("SELECT count(*) FROM playback")
        done = prune(pause=report)
        assert done.partitions["postponed"] >= 1
        assert done.partitions["dropped"] == 0
        assert done.deleted["samples"] == 0
    again = prune()

    assert len(written) > 5
    assert again.deleted["samples"] == 3000
    assert again.partitions["postponed"] == 0
    assert sum(parts(sql, "sample").values()) == len(written)


def test_a_partition_that_was_taken_away_by_a_prune_that_died_goes_with_the_next(
    url, sql, sample, migrate, prune
):
    migrate(url)
    sample(60, NOW)
    prune()
    with sql() as run:
        run("ALTER TABLE sample DETACH PARTITION sample_p2026112512")

    assert prune().deleted["samples"] == 60
    # The one in its place is empty.
    assert parts(sql, "sample")["sample_p2026112512"] == 0


ROWS = 100_000


@pytest.fixture
def wal(sql):
    """Return a function that tells how many bytes of log and seconds something costs."""

    def wal(do):
        def written():
            with sql() as run:
                return int(run("SELECT pg_current_wal_insert_lsn() - '0/0'").scalar())

        bytes_, begun = written(), time.monotonic()
        do()
        seconds = time.monotonic() - begun
        return written() - bytes_, seconds

    return wal


def test_a_week_of_minutes_goes_with_a_fraction_of_what_deleting_it_writes(
    url, sql, migrate, prune, wal
):
    migrate(url)
    end = NOW.replace(hour=0, minute=0, second=0)
    fill = (
        "INSERT INTO {} SELECT timestamptz '{}' - interval '1 minute' * (n / 10 + 1), 'hall', "
        "'endpoint' || mod(n, 10), 2, 1, 1, 1, 1, 1 FROM generate_series(0, {}) n"
    )
    with sql() as run:
        # The same as one table, as it is on SQLite.
        run("CREATE TABLE plain (LIKE sample_minute INCLUDING ALL)")
        run(fill.format("plain", end, ROWS - 1))
        run(fill.format("sample_minute", end, ROWS - 1))
        run(f"INSERT INTO rollup SELECT 'sample_ten', '{NOW}'")
    # All partitions are there, and nothing is old yet.
    prune(NOW + 9 * DAY, **{"retention.minutes_days": "90"})
    assert parts(sql, "sample_minute")["sample_minute_default"] == 0

    def delete():
        gone = 1
        while gone:
            with sql() as run:
                gone = run(
                    "DELETE FROM plain WHERE (at, room, name) IN "
                    "(SELECT at, room, name FROM plain LIMIT 5000)"
                ).rowcount

    deleted = wal(delete)
    done = []
    dropped = wal(lambda: done.append(prune(NOW + 9 * DAY)))

    assert done[0].deleted["minutes of samples"] == ROWS
    assert done[0].partitions["dropped"] >= 7
    sys.stdout.write(
        f"\n{ROWS:,} minutes: DELETE {deleted[1]:.2f} s, {deleted[0]:,} bytes of WAL; "
        f"the whole prune that drops them {dropped[1]:.2f} s, {dropped[0]:,} bytes\n"
    )
    assert dropped[0] * 10 < deleted[0]
