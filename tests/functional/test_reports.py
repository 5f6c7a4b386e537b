"""Reports that come at once are written together, and nobody can tell, on both databases."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.viewers import ViewerCountCache
from streaming_system.tracker.db.session import ensure_write_transaction, make_engine
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.ingest import endpoints, playback
from streaming_system.tracker.ingest.endpoints import EndpointReport, EndpointState, from_legacy
from streaming_system.tracker.ingest.playback import PlayerReport, ReportScheduler
from streaming_system.tracker.ingest.report_ingest import ReportIngest
from streaming_system.tracker.models import Endpoint, Playback, Player, Sample

from .conftest import REPORTING

pytestmark = pytest.mark.both_databases

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
SIDS = [f"4dd8bff7-2f5a-4a0b-8b34-{number:012}" for number in range(6)]
FIGURES = {"overall_clients": 1, "overall_bitrate": 2, "overall_cbitrate": 3}
TABLES = (Player, Playback, Endpoint, Sample)


@pytest.fixture
def reports(engine):
    return ReportIngest(engine, REPORTING, ViewerCountCache())


@pytest.fixture
def rows(engine):
    """Return a function that tells what is in a table, apart from names that are made up."""

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
def forget(engine):
    def forget():
        with engine.begin() as connection:
            for model in TABLES:
                connection.execute(sa.delete(model))

    return forget


def a_player_says(chance, second):
    return PlayerReport(
        sid=chance.choice(SIDS),
        room=chance.choice(("hall", "hall", "hall", "lab")),
        endpoint=chance.choice(("", "edge1", "nobody", "youtube")),
        startup_ms=chance.choice((None, 800)),
        played_ms=1000 * second + chance.randrange(-3000, 3000) + 3000,
        errors=second // 20,
        leaving=chance.random() < 0.1,
        hidden=chance.random() < 0.2,
    )


def an_endpoint_says(chance, now):
    room, name = chance.choice(("hall", "lab")), chance.choice(("192.0.2.1", "192.0.2.2", "e"))
    if chance.random() < 0.5:
        figures = {"overall_clients": chance.randrange(9), "webm_high_clients": 2}
        return from_legacy(
            room=room,
            ip=name,
            figures=figures | {"overall_bitrate": 5, "overall_cbitrate": 6},
            now=now,
        )
    return EndpointReport(
        room=room,
        name=name,
        state=EndpointState(host=f"{name}.example.org", tags=("cdn",), software="x"),
        clients=chance.randrange(9),
        bitrate=7,
        cbitrate=8,
        figures={},
        now=now,
    )


def in_batches(engine, write, items, size):
    results = []
    for begin in range(0, len(items), size):
        with Session(engine) as db, db.begin():
            results += write(ensure_write_transaction(db), items[begin : begin + size])
    return results


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_players_come_out_as_if_each_had_been_written_by_itself(
    engine, rows, forget, monkeypatch, seed
):
    chance = random.Random(seed)
    seconds = sorted(chance.choices(range(300), k=150))
    told = [(a_player_says(chance, second), NOON + timedelta(seconds=second)) for second in seconds]
    monkeypatch.setattr(random, "uniform", lambda least, most: most)
    found = []
    for size in (1, 7, 150):
        forget()
        with Session(engine) as db, db.begin():
            endpoints.ingest(
                ensure_write_transaction(db),
                [from_legacy(room="hall", ip="edge1", figures=FIGURES, now=NOON)],
            )
        pace = ReportScheduler(REPORTING, ViewerCountCache())
        due = in_batches(
            engine,
            lambda c, items, pace=pace: playback.ingest(c, items, pace, FallbackGroups()),
            told,
            size,
        )
        found.append((due, rows(Player), rows(Playback)))

    assert found[0] == found[1] == found[2]
    assert len(found[0][2]) > 20


@pytest.mark.parametrize("seed", [1, 2])
def test_endpoints_come_out_as_if_each_had_been_written_by_itself(engine, rows, forget, seed):
    chance = random.Random(seed)
    seconds = sorted(chance.choices(range(600), k=40))
    told = [an_endpoint_says(chance, NOON + timedelta(seconds=second)) for second in seconds]
    found = []
    for size in (1, 5, 40):
        forget()
        known = in_batches(engine, endpoints.ingest, told, size)
        found.append((known, rows(Endpoint), rows(Sample)))

    assert found[0] == found[1] == found[2]
    assert len(found[0][2]) == 40


@pytest.fixture
def looked_at(monkeypatch):
    """Return how many reports were taken with a look at what is there, since it was cleared."""
    found = []

    def noting(write):
        def noted(connection, reports, *more):
            found.extend(reports)
            return write(connection, reports, *more)

        return noted

    monkeypatch.setattr(playback, "ingest", noting(playback.ingest))
    monkeypatch.setattr(endpoints, "ingest", noting(endpoints.ingest))
    return found


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_players_that_go_on_come_out_as_if_they_had_been_looked_at(
    engine, rows, forget, monkeypatch, looked_at, seed
):
    chance = random.Random(seed)
    said, told = {}, []
    for second in sorted(chance.choices(range(300), k=150)):
        report = a_player_says(chance, second)
        if report.sid in said and chance.random() < 0.7:
            played = said[report.sid].played_ms + chance.randrange(-500, 5000)
            report = replace(said[report.sid], played_ms=played)
        said[report.sid] = report
        told.append((report, NOON + timedelta(seconds=second)))
    monkeypatch.setattr(random, "uniform", lambda least, most: most)
    found, looks = [], []
    for together in (1, 64):
        forget()
        reports = ReportIngest(
            engine, REPORTING | {"report.together": together}, ViewerCountCache()
        )
        reports.endpoint(from_legacy(room="hall", ip="edge1", figures=FIGURES, now=NOON))
        looked_at.clear()
        due = [reports.player(report, now=now) for report, now in told]
        found.append((due, rows(Player), rows(Playback)))
        looks.append(len(looked_at))

    assert found[0] == found[1]
    assert looks[0] == len(told)
    if engine.dialect.name == "postgresql":
        assert looks[1] < looks[0] - 20


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_endpoints_that_go_on_come_out_as_if_they_had_been_looked_at(
    engine, rows, forget, looked_at, seed
):
    chance = random.Random(seed)
    seconds = sorted(chance.choices(range(600), k=100))
    told = [an_endpoint_says(chance, NOON + timedelta(seconds=second)) for second in seconds]
    found, looks = [], []
    for together in (1, 64):
        forget()
        reports = ReportIngest(
            engine, REPORTING | {"report.together": together}, ViewerCountCache()
        )
        looked_at.clear()
        known = []
        for number, report in enumerate(told):
            known.append(reports.endpoint(report))
            with engine.begin() as connection:
                # As if the tracker had sent viewers to it, and the crew wanted it to have none.
                change = {"handed": Endpoint.handed + number % 50, "drained": number % 7 == 0}
                connection.execute(sa.update(Endpoint).values(change))
        found.append((known, rows(Endpoint), rows(Sample)))
        looks.append(len(looked_at))

    assert found[0] == found[1]
    assert {each.handed > 0 for each in found[0][0]} == {True, False}
    assert looks[0] == len(told)
    if engine.dialect.name == "postgresql":
        assert looks[1] < looks[0] - 10


def test_reports_of_one_player_that_come_at_once_are_written_in_their_order(engine, rows):
    reports = ReportIngest(engine, REPORTING, ViewerCountCache())
    for sid in SIDS:
        reports.player(PlayerReport(sid=sid, room="hall", played_ms=1), now=NOON)
    with ThreadPoolExecutor(8) as pool:
        said = [
            pool.submit(
                reports.player,
                PlayerReport(sid=SIDS[number % 2], room="hall", played_ms=1000 * number),
                now=NOON + timedelta(seconds=1),
            )
            for number in range(1, 41)
        ]
        assert {call.result(60) for call in said} == {5}

    played = {dict(row)["sid"]: int(dict(row)["played_ms"]) for row in rows(Player)}
    assert played == {SIDS[0]: 40_000, SIDS[1]: 39_000, **dict.fromkeys(SIDS[2:], 1)}
    assert sum(int(dict(row)["played_ms"]) for row in rows(Playback)) == sum(played.values())


def test_after_a_restart_of_the_database_no_report_fails(reports, engine, rows):
    def tell(seconds):
        now = NOON + timedelta(seconds=seconds)
        report = PlayerReport(sid=SIDS[0], room="hall", played_ms=1000 + 1000 * seconds)
        reports.player(report, now=now)
        reports.endpoint(from_legacy(room="hall", ip="e", figures=FIGURES, now=now))

    for seconds in (0, 5):
        tell(seconds)
    other = make_engine({"sqlalchemy.url": engine.url})
    if engine.dialect.name == "postgresql":
        with other.connect() as connection:
            ended = connection.exec_driver_sql(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).scalars()
            assert ended.all()
    other.dispose()
    tell(10)

    assert [dict(row)["played_ms"] for row in rows(Player)] == ["11000"]
    assert len(rows(Sample)) == 3


def test_two_workers_take_reports_of_the_same_players_and_lose_nothing(database, rows):
    engines = [make_engine({"sqlalchemy.url": database}) for _ in range(2)]
    workers = [ReportIngest(engine, REPORTING, ViewerCountCache()) for engine in engines]
    start = threading.Barrier(8)

    def work(number):
        start.wait()
        for played in range(1, 11):
            report = PlayerReport(
                sid=SIDS[(number + played) % 6], room="hall", played_ms=100 * played
            )
            workers[number % 2].player(report, now=NOON)
            workers[number % 2].endpoint(
                from_legacy(room="hall", ip=f"e{played % 3}", figures=FIGURES, now=NOON)
            )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for engine in engines:
        engine.dispose()

    told = {
        sid: max(100 * p for n in range(8) for p in range(1, 11) if SIDS[(n + p) % 6] == sid)
        for sid in SIDS
    }
    kept = {dict(row)["sid"]: int(dict(row)["played_ms"]) for row in rows(Player)}
    assert kept == told
    # What happened adds up to the same: nothing is there twice.
    assert sum(int(dict(row)["played_ms"]) for row in rows(Playback)) == sum(told.values())
    assert len(rows(Sample)) == 80


def test_a_report_that_the_database_refuses_harms_no_other(reports, engine, rows):
    calls = []
    bad = {"startup_ms": 10**12} if engine.dialect.name == "postgresql" else {"played_ms": 10**30}
    # While somebody else writes, all of them come together.
    with ThreadPoolExecutor(4) as pool, Session(engine) as db, db.begin():
        connection = ensure_write_transaction(db)
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("LOCK TABLE player IN EXCLUSIVE MODE")
        for sid, more in zip(SIDS, ({}, {}, bad, {}), strict=False):
            report = PlayerReport(sid=sid, room="hall", **more)
            calls.append(pool.submit(reports.player, report, now=NOON))
    refused = [call.exception(60) for call in calls]

    assert [error is not None for error in refused] == [False, False, True, False]
    assert sorted(dict(row)["sid"] for row in rows(Player)) == [SIDS[0], SIDS[1], SIDS[3]]


def test_nothing_is_acknowledged_whose_commit_has_failed(reports, rows):
    refuse = [True]

    @sa.event.listens_for(reports._engine, "commit")
    def fail(connection):
        if refuse:
            refuse.pop()
            raise sa.exc.OperationalError("COMMIT", {}, Exception("the connection is gone"))

    with pytest.raises(sa.exc.OperationalError):
        reports.player(PlayerReport(sid=SIDS[0], room="hall"), now=NOON)
    assert rows(Player) == []

    assert reports.player(PlayerReport(sid=SIDS[0], room="hall"), now=NOON) == 5
    assert len(rows(Player)) == 1


def test_pages_are_told_of_an_endpoint_once_it_is_committed(engine):
    seen = []

    def changed():
        with Session(engine) as db:
            seen.append(db.scalar(sa.select(sa.func.count()).select_from(Endpoint)))

    reports = ReportIngest(engine, REPORTING, ViewerCountCache(), changed)
    for seconds in (0, 30):
        now = NOON + timedelta(seconds=seconds)
        reports.endpoint(from_legacy(room="hall", ip="192.0.2.1", figures=FIGURES, now=now))

    assert seen == [1]
