"""Migrations of a database that others use, or migrate, at the same moment."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from .test_partitions import BEFORE


@pytest.fixture
def start(root, url, tmp_path):
    """Return a function that starts a migration to a revision, as a deployment does."""
    ini = (root / "production.ini").read_text()
    ini = re.sub(
        r"^database = .*", lambda _: f"database = {url}".replace("%", "%%"), ini, flags=re.MULTILINE
    )
    (tmp_path / "production.ini").write_text(ini)
    (tmp_path / "alembic").symlink_to(root / "alembic")
    alembic = Path(sys.executable).with_name("alembic")

    def start(revision):
        return subprocess.Popen(
            [alembic, "-c", "production.ini", "upgrade", revision],
            cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    return start


def test_concurrent_migrations_run_once(start):
    machines = [start("head") for _ in range(2)]

    outputs = [machine.communicate(timeout=120)[1] for machine in machines]

    assert [machine.returncode for machine in machines] == [0, 0], outputs
    assert sorted("Create endpoint, sample" in words for words in outputs) == [False, True]


def test_nobodys_report_waits_for_a_migration_that_waits_for_a_long_query(
    start, migrate, url, sample
):
    migrate(url, BEFORE)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as reader:
        reader.exec_driver_sql("SELECT count(*) FROM sample")
        machine = start("head")
        while "retrying" not in (line := machine.stderr.readline()):
            assert line, "it has ended"
        # It has let go of all that it had, and waits for none.
        sample(1)
    rest = machine.communicate(timeout=60)[1]

    assert machine.returncode == 0, rest
