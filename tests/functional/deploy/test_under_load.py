"""Deployments under load drop no request."""

import sys
import time

import pytest
import sqlalchemy as sa

from streaming_system.tracker.db.readiness import REVISION
from streaming_system.tracker.models import Sample

from .load import Load

LATER = "ffffffffffff"
MIGRATION = f'''"""A table that later versions have."""

import sqlalchemy as sa
from alembic import op

revision = "{LATER}"
down_revision = "{REVISION}"


def upgrade():
    op.create_table("later", sa.Column("id", sa.Integer, primary_key=True))


def downgrade():
    op.drop_table("later")
'''
READINESS = "src/streaming_system/tracker/db/readiness.py"
FRONTEND = "src/streaming_system/frontend/__init__.py"

pytestmark = pytest.mark.parametrize("new_database", ["postgresql"], indirect=True)


class Transcript:
    """Runs setup.sh, and checks the responses of the load meanwhile."""

    def __init__(self, machine, load):
        self._machine, self._load = machine, load

    def run(self, title, *arguments, code=0):
        before, failed = self._load.succeeded.total(), len(self._load.failed)
        start = time.monotonic()
        result = self._machine.setup(*arguments)
        seconds = time.monotonic() - start
        # Include the requests in flight.
        self._load.wait_for()
        responses = self._load.succeeded.total() - before
        failures = self._load.failed[failed:]
        sys.stdout.write(
            f"\n== {title}: exit {result.returncode} after {seconds:.1f} s, {responses} requests "
            f"answered, {len(failures)} failed\n{result.stdout}{result.stderr}"
        )
        assert (result.returncode, failures) == (code, []), result.stdout + result.stderr
        return result


def served_by(machine):
    """Return the commit of the version that all workers run."""
    (version,) = set(machine.services.versions.values())
    assert version == machine.current
    return version.rsplit("-", 2)[0]


# The test starts eighteen workers sequentially.
@pytest.mark.timeout(900)
def test_deployments_drop_no_request(machine, new_database):
    first = machine.commit("The first")
    result = machine.setup()
    assert result.returncode == 0, result.stderr + result.stdout
    assert served_by(machine) == first
    machine.start_nginx()

    with Load(machine.ports.site) as load:
        transcript = Transcript(machine, load)
        second = machine.commit("Another")
        transcript.run("A version")
        assert served_by(machine) == second

        (machine.source / "alembic/versions/later.py").write_text(MIGRATION)
        machine.change(READINESS, REVISION, LATER)
        third = machine.commit("A version with a migration")
        transcript.run("A version with a migration")
        assert served_by(machine) == third

        machine.change(FRONTEND, "    settings: dict", "    raise RuntimeError\n    settings: dict")
        machine.commit("A version that cannot start")
        result = transcript.run("A version that cannot start", code=1)
        assert "it has ended" in result.stdout
        assert served_by(machine) == third

        transcript.run("Back to the one before", "rollback")
        assert served_by(machine) == second

    assert min(load.succeeded.values()) >= 100
    # Each worker has finished its requests, and exited by itself.
    assert set(machine.services.ended.values()) == {0}, machine.services.ended
    engine = sa.create_engine(new_database)
    with engine.connect() as connection:
        stored = list(connection.scalars(sa.select(Sample.clients)))
    engine.dispose()
    assert sorted(stored) == sorted(load.registered)
