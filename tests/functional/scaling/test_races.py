"""Two workers that write the same rows at the same time, on PostgreSQL."""

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from streaming_system.tracker.audience.viewers import ViewerCountCache
from streaming_system.tracker.crew.tokens import Tokens
from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.endpoints.endpoints import Endpoints
from streaming_system.tracker.ingest.endpoint_report import EndpointReport, EndpointState
from streaming_system.tracker.ingest.player_report import PlayerReport
from streaming_system.tracker.ingest.report_ingest import ReportIngest
from streaming_system.tracker.logs.ingest import AccessLogs
from streaming_system.tracker.models import (
    Base,
    Endpoint,
    LogBatch,
    LogHour,
    Playback,
    Player,
    Sample,
    Token,
)
from streaming_system.tracker.pipeline.pipeline import ComponentState, Pipeline

from ..conftest import REPORTING

pytestmark = pytest.mark.postgresql

NOON = datetime.now(UTC).replace(microsecond=0)
ROUNDS = 25
THREADS = 4
SIDS = [f"4dd8bff7-2f5a-4a0b-8b34-{number:012}" for number in range(3)]
TIMEOUT = 60


@pytest.fixture
def url(postgresql, migrate):
    """The URL of an empty, migrated database."""
    migrate(postgresql)
    engine = make_engine({"sqlalchemy.url": postgresql})
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(sa.delete(table))
    engine.dispose()
    return postgresql


class Worker:
    """What one process of the tracker has: its own connections."""

    def __init__(self, url):
        self.engine = make_engine({"sqlalchemy.url": url})
        self.reports = ReportIngest(self.engine, REPORTING, ViewerCountCache())

    def session(self, call):
        with Session(self.engine) as db, db.begin():
            return call(db)


@pytest.fixture
def workers(url):
    """Two workers."""
    workers = [Worker(url) for _ in range(2)]
    yield workers
    for worker in workers:
        worker.engine.dispose()


def race(workers, work):
    """Let the threads of two workers call ``work`` at the same moment, again and again.

    :param work: gets a worker, the number of the round and that of the thread.
    :return: the results of each round.
    """
    barrier = threading.Barrier(THREADS, timeout=TIMEOUT)

    def run(thread):
        results = []
        for number in range(ROUNDS):
            barrier.wait()
            results.append(work(workers[thread % 2], number, thread))
        return results

    with ThreadPoolExecutor(THREADS) as pool:
        return list(zip(*pool.map(run, range(THREADS)), strict=True))


@pytest.fixture
def rows(url):
    """Return a function that reads a table as dictionaries."""

    def rows(model):
        engine = make_engine({"sqlalchemy.url": url})
        with engine.connect() as connection:
            found = connection.execute(sa.select(model.__table__)).mappings()
            result = [dict(row) for row in found]
        engine.dispose()
        return result

    return rows


def endpoint_report(name, clients, seconds=0):
    return EndpointReport(
        room="hall",
        name=name,
        state=EndpointState(host="192.0.2.1"),
        clients=clients,
        bitrate=0,
        cbitrate=0,
        stream_metrics={},
        now=NOON + timedelta(seconds=seconds),
    )


def test_new_endpoint_is_new_to_one_of_the_workers(workers, rows):
    def work(worker, number, thread):
        # The moments of the reports differ, as they do between workers.
        report = endpoint_report(f"edge{number}", thread, seconds=thread / 1000)
        return worker.reports.submit_endpoint(report).is_new

    results = race(workers, work)

    assert len(rows(Endpoint)) == ROUNDS
    assert len(rows(Sample)) == ROUNDS * THREADS
    assert [sum(result) for result in results] == [1] * ROUNDS


def test_endpoint_that_deregisters_while_it_reports_is_in_one_of_both_states(workers, rows):
    def work(worker, number, thread):
        now = NOON + timedelta(seconds=number)
        if thread == 0:
            return worker.session(
                lambda db: Endpoints(db).deregister(room="hall", name="edge", now=now)
            )
        return worker.reports.submit_endpoint(endpoint_report("edge", thread, seconds=number))

    race(workers, work)

    [endpoint] = rows(Endpoint)
    is_gone = endpoint["left_at"] is not None
    assert is_gone == (endpoint["clients"] == 0)


def test_first_reports_of_a_player_make_one_player_and_one_start(workers, rows):
    def work(worker, number, thread):
        report = PlayerReport(sid=f"{SIDS[0]}{number}", room="hall", played_ms=1000 * (thread + 1))
        return worker.reports.submit_playback(report, now=NOON)

    race(workers, work)

    assert len(rows(Player)) == ROUNDS
    events = rows(Playback)
    assert sum(event["starts"] for event in events) == ROUNDS
    assert {player["played_ms"] for player in rows(Player)} == {1000 * THREADS}


def test_claims_that_race_count_once(workers, rows):
    for sid in SIDS:
        workers[0].reports.submit_playback(PlayerReport(sid=sid, room="hall"), now=NOON)

    def work(worker, number, thread):
        # The same report arrives at both workers: a player repeats what got no response.
        seconds = 2 * (number + 1)
        report = PlayerReport(sid=SIDS[thread % 3], room="hall", played_ms=1000 * seconds)
        worker.reports.submit_playback(report, now=NOON + timedelta(seconds=seconds))

    race(workers, work)

    assert sum(event["played_ms"] for event in rows(Playback)) == 3 * 2000 * ROUNDS


def test_player_that_changes_rooms_in_a_race_is_in_one_room(workers, rows):
    def work(worker, number, thread):
        room = ("hall", "lab")[thread % 2]
        report = PlayerReport(sid=SIDS[0], room=room, played_ms=1000 * number)
        worker.reports.submit_playback(report, now=NOON + timedelta(seconds=number))

    race(workers, work)

    now = NOON + timedelta(seconds=ROUNDS)
    assert len([player for player in rows(Player) if player["until"] > now]) == 1


def test_revoked_token_is_valid_for_no_later_request(workers, rows):
    def issue(db):
        token, text = Tokens(db).issue(
            label="a", scope="crew", created_by="tests", now=NOON - timedelta(hours=1)
        )
        return token.id, text

    issued = [workers[0].session(issue) for _ in range(ROUNDS)]

    def work(worker, number, thread):
        token_id, text = issued[number]
        if thread == 0:
            return worker.session(lambda db: Tokens(db).revoke(token_id, now=NOON))
        worker.session(lambda db: Tokens(db).authenticate(text, now=NOON))
        return None

    results = race(workers, work)

    assert [result[0] for result in results] == [True] * ROUNDS
    for _, text in issued:
        assert (
            workers[1].session(lambda db, text=text: Tokens(db).authenticate(text, now=NOON))
            is None
        )
    assert all(row["revoked_at"] == NOON for row in rows(Token))


def test_log_batch_that_two_workers_get_is_counted_once(workers, rows, tmp_path):
    settings = {"privacy.days": 0, "logdir": tmp_path, "logdir.size": 10**6, "logdir.files": 2}
    line = f'192.0.2.7 - - [{NOON:%d/%b/%Y:%H:%M:%S} +0000] "GET / HTTP/1.1" 200 10 "-" "VLC"\n'

    def work(worker, number, thread):
        worker.session(
            lambda db: AccessLogs(db, settings).ingest(
                room="hall", name="edge", text=line, batch=("sender", f"batch{number}"), now=NOON
            )
        )

    race(workers, work)

    assert [row["batch"] for row in rows(LogBatch)] == [f"batch{ROUNDS - 1}"]
    assert [(row["hits"], row["viewers"]) for row in rows(LogHour)] == [(ROUNDS, 1)]
    assert (tmp_path / "hall" / "edge.log").read_text().count("\n") == ROUNDS


def test_machine_that_reports_twice_at_once_has_its_components_once(workers, rows):
    def work(worker, number, thread):
        states = [
            ComponentState(name=f"c{(number + index) % 5}", mood="happy", since=NOON)
            for index in range(3)
        ]
        worker.session(
            lambda db: Pipeline(db).report(
                machine="mix", kind="mixer", components=states, history=(), now=NOON
            )
        )

    race(workers, work)


def _submit_in_process(url, barrier, number):
    worker = Worker(url)
    for clients in range(ROUNDS):
        barrier.wait(TIMEOUT)
        worker.reports.submit_endpoint(endpoint_report(f"edge{clients}", number))
        worker.reports.submit_playback(
            PlayerReport(sid=f"{SIDS[0]}{clients}", room="hall"), now=NOON
        )
    worker.engine.dispose()


def test_processes_write_each_row_once(url, rows):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [
        context.Process(target=_submit_in_process, args=(url, barrier, number))
        for number in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(TIMEOUT)

    assert [process.exitcode for process in processes] == [0, 0]
    assert (len(rows(Endpoint)), len(rows(Player))) == (ROUNDS, ROUNDS)
    assert len(rows(Sample)) == 2 * ROUNDS
    assert sum(row["starts"] for row in rows(Playback)) == ROUNDS
