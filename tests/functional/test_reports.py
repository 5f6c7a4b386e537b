"""Concurrent reports share transactions without any effect on the result, on both databases."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.viewers import ViewerCountCache
from streaming_system.tracker.db.session import ensure_write_transaction, make_engine
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest import endpoints, playback
from streaming_system.tracker.ingest.endpoint_report import (
    EndpointReport,
    EndpointState,
    from_legacy,
)
from streaming_system.tracker.ingest.player_report import PlayerReport
from streaming_system.tracker.ingest.report_ingest import ReportIngest
from streaming_system.tracker.ingest.report_scheduler import ReportScheduler
from streaming_system.tracker.models import Endpoint, Playback, Player, Sample

from .conftest import REPORTING

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SIDS = [f"4dd8bff7-2f5a-4a0b-8b34-{number:012}" for number in range(6)]
METRICS = {"overall_clients": 1, "overall_bitrate": 2, "overall_cbitrate": 3}
TABLES = (Player, Playback, Endpoint, Sample)


@pytest.fixture
def report_ingest(engine):
    return ReportIngest(engine, REPORTING, ViewerCountCache())


@pytest.fixture
def rows(engine):
    """Return a function that lists the rows of a table without generated identifiers."""

    def rows(model):
        with Session(engine) as db:
            return sorted(
                tuple(
                    (key, str(value))
                    for key, value in row.items()
                    if key != "id" and not (key == "sid" and value not in SIDS)
                )
                for row in db.execute(sa.select(model.__table__)).mappings()
            )

    return rows


@pytest.fixture
def delete_rows(engine):
    def delete_rows():
        with engine.begin() as connection:
            for model in TABLES:
                connection.execute(sa.delete(model))

    return delete_rows


def random_player_report(dice, second):
    return PlayerReport(
        sid=dice.choice(SIDS),
        room=dice.choice(("hall", "hall", "hall", "lab")),
        endpoint=dice.choice(("", "edge1", "nobody", "youtube")),
        startup_ms=dice.choice((None, 800)),
        played_ms=1000 * second + dice.randrange(-3000, 3000) + 3000,
        errors=second // 20,
        leaving=dice.random() < 0.1,
        hidden=dice.random() < 0.2,
    )


def random_endpoint_report(dice, now):
    room, name = dice.choice(("hall", "lab")), dice.choice(("192.0.2.1", "192.0.2.2", "e"))
    if dice.random() < 0.5:
        metrics = {"overall_clients": dice.randrange(9), "webm_high_clients": 2}
        return from_legacy(
            room=room,
            ip=name,
            metrics=metrics | {"overall_bitrate": 5, "overall_cbitrate": 6},
            now=now,
        )
    return EndpointReport(
        room=room,
        name=name,
        state=EndpointState(
            host=f"{name}.example.org",
            tags=("cdn",),
            files={"mp3": f"{dice.randrange(9)}.mp3"},
            software="x",
        ),
        clients=dice.randrange(9),
        bitrate=7,
        cbitrate=8,
        stream_metrics={},
        now=now,
    )


def in_batches(engine, write, items, size):
    results = []
    for begin in range(0, len(items), size):
        with Session(engine) as db, db.begin():
            results += write(ensure_write_transaction(db), items[begin : begin + size])
    return results


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_batch_size_does_not_affect_player_rows(engine, rows, delete_rows, monkeypatch, seed):
    dice = random.Random(seed)
    seconds = sorted(dice.choices(range(300), k=150))
    reports = [
        (random_player_report(dice, second), NOON + timedelta(seconds=second)) for second in seconds
    ]
    monkeypatch.setattr(random, "uniform", lambda low, high: high)
    outcomes = []
    for size in (1, 7, 150):
        delete_rows()
        with Session(engine) as db, db.begin():
            endpoints.ingest(
                ensure_write_transaction(db),
                [from_legacy(room="hall", ip="edge1", metrics=METRICS, now=NOON)],
            )
        scheduler = ReportScheduler(REPORTING, ViewerCountCache())
        intervals = in_batches(
            engine,
            lambda c, items, s=scheduler: playback.ingest(c, items, s, FallbackGroups()),
            reports,
            size,
        )
        outcomes.append((intervals, rows(Player), rows(Playback)))

    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert len(outcomes[0][2]) > 20


@pytest.mark.parametrize("seed", [1, 2])
def test_batch_size_does_not_affect_endpoint_rows(engine, rows, delete_rows, seed):
    dice = random.Random(seed)
    seconds = sorted(dice.choices(range(600), k=40))
    reports = [random_endpoint_report(dice, NOON + timedelta(seconds=second)) for second in seconds]
    outcomes = []
    for size in (1, 5, 40):
        delete_rows()
        results = in_batches(engine, endpoints.ingest, reports, size)
        outcomes.append((results, rows(Endpoint), rows(Sample)))

    assert outcomes[0] == outcomes[1] == outcomes[2]
    assert len(outcomes[0][2]) == 40


def test_concurrent_reports_of_a_player_are_written_in_order(engine, rows):
    report_ingest = ReportIngest(engine, REPORTING, ViewerCountCache())
    for sid in SIDS:
        report_ingest.submit_playback(PlayerReport(sid=sid, room="hall", played_ms=1), now=NOON)
    with ThreadPoolExecutor(8) as pool:
        calls = [
            pool.submit(
                report_ingest.submit_playback,
                PlayerReport(sid=SIDS[number % 2], room="hall", played_ms=1000 * number),
                now=NOON + timedelta(seconds=number),
            )
            for number in range(1, 41)
        ]
        assert {call.result(60) for call in calls} == {5}

    played = {dict(row)["sid"]: int(dict(row)["played_ms"]) for row in rows(Player)}
    assert played == {SIDS[0]: 40_000, SIDS[1]: 39_000, **dict.fromkeys(SIDS[2:], 1)}
    assert sum(int(dict(row)["played_ms"]) for row in rows(Playback)) == sum(played.values())


def test_restart_of_the_database_fails_no_report(report_ingest, engine, rows):
    def submit(seconds):
        now = NOON + timedelta(seconds=seconds)
        report = PlayerReport(sid=SIDS[0], room="hall", played_ms=1000 + 1000 * seconds)
        report_ingest.submit_playback(report, now=now)
        report_ingest.submit_endpoint(from_legacy(room="hall", ip="e", metrics=METRICS, now=now))

    for seconds in (0, 5):
        submit(seconds)
    other = make_engine({"sqlalchemy.url": engine.url})
    if engine.dialect.name == "postgresql":
        with other.connect() as connection:
            ended = connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).scalars()
            assert ended.all()
    other.dispose()
    submit(10)

    assert [dict(row)["played_ms"] for row in rows(Player)] == ["11000"]
    assert len(rows(Sample)) == 3


def test_two_workers_write_reports_of_the_same_players(database, rows):
    engines = [make_engine({"sqlalchemy.url": database}) for _ in range(2)]
    workers = [ReportIngest(engine, REPORTING, ViewerCountCache()) for engine in engines]
    start = threading.Barrier(8)

    def work(number):
        start.wait()
        for played in range(1, 11):
            report = PlayerReport(
                sid=SIDS[(number + played) % 6], room="hall", played_ms=100 * played
            )
            now = NOON + timedelta(milliseconds=100 * played)
            workers[number % 2].submit_playback(report, now=now)
            workers[number % 2].submit_endpoint(
                from_legacy(room="hall", ip=f"e{played % 3}", metrics=METRICS, now=NOON)
            )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for engine in engines:
        engine.dispose()

    reported = {
        sid: max(100 * p for n in range(8) for p in range(1, 11) if SIDS[(n + p) % 6] == sid)
        for sid in SIDS
    }
    stored = {dict(row)["sid"]: int(dict(row)["played_ms"]) for row in rows(Player)}
    assert stored == reported
    # Events add up to the totals: nothing counts twice.
    assert sum(int(dict(row)["played_ms"]) for row in rows(Playback)) == sum(reported.values())
    assert len(rows(Sample)) == 80


def test_report_that_the_database_rejects_fails_alone(report_ingest, engine, rows):
    calls = []
    bad = {"startup_ms": 10**12} if engine.dialect.name == "postgresql" else {"played_ms": 10**30}
    # The reports wait for another transaction, and then share one.
    with ThreadPoolExecutor(4) as pool, Session(engine) as db, db.begin():
        connection = ensure_write_transaction(db)
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("LOCK TABLE player IN EXCLUSIVE MODE")
        for sid, more in zip(SIDS, ({}, {}, bad, {}), strict=False):
            report = PlayerReport(sid=sid, room="hall", **more)
            calls.append(pool.submit(report_ingest.submit_playback, report, now=NOON))
    errors = [call.exception(60) for call in calls]

    assert [error is not None for error in errors] == [False, False, True, False]
    assert sorted(dict(row)["sid"] for row in rows(Player)) == [SIDS[0], SIDS[1], SIDS[3]]


def test_failed_commit_fails_the_report(report_ingest, rows):
    failures = [True]

    @sa.event.listens_for(report_ingest._engine, "commit")
    def fail(connection):
        if failures:
            failures.pop()
            raise sa.exc.OperationalError("COMMIT", {}, Exception("the connection is gone"))

    with pytest.raises(sa.exc.OperationalError):
        report_ingest.submit_playback(PlayerReport(sid=SIDS[0], room="hall"), now=NOON)
    assert rows(Player) == []

    assert report_ingest.submit_playback(PlayerReport(sid=SIDS[0], room="hall"), now=NOON) == 5
    assert len(rows(Player)) == 1


def test_new_endpoint_is_announced_after_its_commit(engine):
    seen = []

    def on_new_endpoint():
        with Session(engine) as db:
            seen.append(db.scalar(sa.select(sa.func.count()).select_from(Endpoint)))

    report_ingest = ReportIngest(engine, REPORTING, ViewerCountCache(), on_new_endpoint)
    for seconds in (0, 30):
        now = NOON + timedelta(seconds=seconds)
        report_ingest.submit_endpoint(
            from_legacy(room="hall", ip="192.0.2.1", metrics=METRICS, now=now)
        )

    assert seen == [1]
