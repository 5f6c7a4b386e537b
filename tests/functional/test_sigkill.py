"""A killed tracker loses no acknowledged report."""

import sys

import pytest
import sqlalchemy as sa
from depth import scaled

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import LogHour

from .served import Served
from .writers import WRITES, Writers, stored_writes, token_of

pytestmark = pytest.mark.both_databases

KILLS = scaled(1, 4)
WRITES_BETWEEN_KILLS = 150


class ClientLoad(Writers):
    """Clients of a server that is killed under load."""

    def __init__(self, server, token):
        super().__init__(lambda: server.port, token)
        self.server = server

    def __enter__(self):
        self.server.start()
        return super().__enter__()

    def __exit__(self, *error):
        self.end()
        self.server.stop()
        self.join()

    def kill_and_restart(self):
        self.pause()
        self.server.kill()
        self.server.start()
        self.resume()


@pytest.fixture
def token(database):
    """A token for the hall."""
    engine = make_engine({"sqlalchemy.url": database})
    yield token_of(engine)
    engine.dispose()


@pytest.fixture
def server(tmp_path, tracker_settings):
    no_limits = {f"limit.{rate}": "off" for rate in ("reports", "players", "writes", "reads")}
    logdir = {"logdir": str(tmp_path / "logs"), "logdir.size": "1048576"}
    server = Served(tmp_path, tracker_settings | no_limits | logdir)
    yield server
    server.stop()


@pytest.fixture
def stored_numbers(database, tmp_path):
    """Return a function that returns the numbers of all stored writes by kind."""
    engine = make_engine({"sqlalchemy.url": database})
    yield lambda: stored_writes(engine, tmp_path / "logs/hall")
    engine.dispose()


def test_killed_tracker_loses_no_acknowledged_writes(server, token, stored_numbers, database, rows):
    with ClientLoad(server, token) as load:
        for _ in range(KILLS):
            load.wait_for(WRITES_BETWEEN_KILLS)
            load.kill_and_restart()
        # It accepts reports again.
        load.wait_for(WRITES_BETWEEN_KILLS)

    stored = stored_numbers()
    sys.stdout.write(
        f"\n{sa.make_url(database).drivername}: {KILLS + 1} kills, {load.cut_off} calls cut off\n"
    )
    sys.stdout.writelines(
        f"  {kind}: {len(known)} acknowledged, {len(known & stored[kind])} stored\n"
        for kind, known in load.known.items()
    )
    lost = {kind: sorted(known - stored[kind]) for kind, known in load.known.items()}
    assert lost == {kind: [] for kind in WRITES}
    assert load.acknowledged.total() >= (KILLS + 1) * WRITES_BETWEEN_KILLS
    assert min(load.acknowledged[kind] for kind in WRITES) >= 2 * (KILLS + 1)
    # Each kill interrupted requests.
    assert load.cut_off > KILLS
    # The counts of log lines are as durable as the lines.
    assert sum(row["hits"] for row in rows(LogHour)) >= load.acknowledged["logs"]
