"""Versions come and go, and no viewer notices."""

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
    """What has been done, and what viewers have noticed meanwhile."""

    def __init__(self, machine, load):
        self._machine, self._load = machine, load

    def run(self, title, *words, code=0):
        before, failed = self._load.answered.total(), len(self._load.failed)
        begun = time.monotonic()
        done = self._machine.setup(*words)
        seconds = time.monotonic() - begun
        # Those that were under way when it ended count, too.
        self._load.wait_for()
        answered = self._load.answered.total() - before
        failures = self._load.failed[failed:]
        sys.stdout.write(
            f"\n== {title}: exit {done.returncode} after {seconds:.1f} s, {answered} requests "
            f"answered, {len(failures)} failed\n{done.stdout}{done.stderr}"
        )
        assert (done.returncode, failures) == (code, []), done.stdout + done.stderr
        return done


def served_by(machine):
    """Return the one version that runs, by the name of its commit."""
    (version,) = set(machine.services.versions.values())
    assert version == machine.current
    return version.rsplit("-", 2)[0]


# It starts eighteen workers, one after the other.
@pytest.mark.timeout(900)
def test_no_request_is_dropped_by_deployments_good_and_bad(machine, new_database):
    first = machine.commit("The first")
    done = machine.setup()
    assert done.returncode == 0, done.stderr + done.stdout
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
        done = transcript.run("A version that cannot start", code=1)
        assert "it has ended" in done.stdout
        assert served_by(machine) == third

        transcript.run("Back to the one before", "rollback")
        assert served_by(machine) == second

    assert min(load.answered.values()) >= 100
    # Each worker ended by itself, once it had done all that it had taken on.
    assert set(machine.services.ended.values()) == {0}, machine.services.ended
    engine = sa.create_engine(new_database)
    with engine.connect() as connection:
        kept = list(connection.scalars(sa.select(Sample.clients)))
    engine.dispose()
    assert sorted(kept) == sorted(load.registered)
