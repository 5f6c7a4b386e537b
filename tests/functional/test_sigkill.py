"""What was acknowledged is there, however the process ended."""

import sys

import pytest
import sqlalchemy as sa
from depth import scaled

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.models import LogHour

from .served import Served
from .writers import WRITES, Writers, token_of, what_is_kept

pytestmark = pytest.mark.both_databases

KILLS = scaled(1, 6)
BETWEEN_KILLS = 150


class Load(Writers):
    """Clients of a process that is killed at its work."""

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
        self.go_on()


@pytest.fixture
def token(database):
    """The text of a token for the hall."""
    engine = make_engine({"sqlalchemy.url": database})
    yield token_of(engine)
    engine.dispose()


@pytest.fixture
def server(tmp_path, tracker_settings):
    free = {f"limit.{rate}": "off" for rate in ("reports", "writes", "reads")}
    logdir = {"logdir": str(tmp_path / "logs"), "logdir.size": "1048576"}
    server = Served(tmp_path, tracker_settings | free | logdir)
    yield server
    server.stop()


@pytest.fixture
def found(database, tmp_path):
    """Return a function that reads the numbers of all writes of each kind that are kept."""
    engine = make_engine({"sqlalchemy.url": database})
    yield lambda: what_is_kept(engine, tmp_path / "logs/hall")
    engine.dispose()


def test_a_killed_process_loses_nothing_that_it_has_acknowledged(
    server, token, found, database, rows
):
    with Load(server, token) as load:
        for _ in range(KILLS):
            load.wait_for(BETWEEN_KILLS)
            load.kill_and_restart()
        # It takes reports again, too.
        load.wait_for(BETWEEN_KILLS)

    kept = found()
    sys.stdout.write(
        f"\n{sa.make_url(database).drivername}: {KILLS + 1} kills, {load.cut_off} calls cut off\n"
    )
    sys.stdout.writelines(
        f"  {kind}: {len(known)} acknowledged, {len(known & kept[kind])} found\n"
        for kind, known in load.known.items()
    )
    lost = {kind: sorted(known - kept[kind]) for kind, known in load.known.items()}
    assert lost == {kind: [] for kind in WRITES}
    assert load.acknowledged.total() >= (KILLS + 1) * BETWEEN_KILLS
    assert min(load.acknowledged[kind] for kind in WRITES) >= 2 * (KILLS + 1)
    # It was always killed while it was at work.
    assert load.cut_off > KILLS
    # What logs were counted as is as safe as the lines themselves.
    assert sum(row["hits"] for row in rows(LogHour)) >= load.acknowledged["logs"]
