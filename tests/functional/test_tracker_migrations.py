"""The migrations as ops run them: `alembic -c INI upgrade head`."""

import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy as sa

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.history.partitions import partition_names
from streaming_system.tracker.models import Base

pytestmark = pytest.mark.both_databases

TABLES = sorted([*Base.metadata.tables, "alembic_version"])


@pytest.fixture
def alembic(root, tmp_path):
    """Return a function that runs alembic with the development ini on a database."""
    ini = tmp_path / "tracker.ini"

    def alembic(url, *arguments):
        lines = (root / "development.ini").read_text().replace("%(here)s", str(root)).splitlines()
        escaped = url.replace("%", "%%")
        ini.write_text(
            "\n".join(
                f"database = {escaped}" if line.startswith("database =") else line for line in lines
            )
        )
        return subprocess.run(
            [sys.executable, "-m", "alembic", "-c", str(ini), *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )

    return alembic


def tables(url):
    engine = make_engine({"sqlalchemy.url": url})
    names = set(sa.inspect(engine).get_table_names())
    with engine.connect() as connection:
        names -= partition_names(connection)
    engine.dispose()
    return sorted(names)


def test_a_database_goes_up_and_down_and_up_again(alembic, new_database):
    up = alembic(new_database, "upgrade", "head")

    lines = up.stderr.splitlines()
    assert (up.returncode, lines[0]) == (0, "Database: up to Create endpoint, sample and account")
    assert all(line.startswith("Database: up to ") for line in lines)
    assert tables(new_database) == TABLES

    down = alembic(new_database, "downgrade", "base")

    assert down.returncode == 0
    assert down.stderr.splitlines() == [
        line.replace("up to", "down from") for line in reversed(lines)
    ]
    assert tables(new_database) == ["alembic_version"]
    assert alembic(new_database, "upgrade", "head").returncode == 0
    assert tables(new_database) == TABLES


def test_a_second_upgrade_changes_nothing(alembic, new_migrated_database):
    again = alembic(new_migrated_database, "upgrade", "head")

    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def test_the_models_ask_for_no_further_migration(alembic, new_migrated_database):
    check = alembic(new_migrated_database, "check")

    assert (check.returncode, check.stdout) == (0, "No new upgrade operations detected.\n")


def test_a_database_that_does_not_answer_is_one_line(alembic):
    refused = alembic("postgresql+psycopg://x:hunter2@127.0.0.1:9/x", "upgrade", "head")

    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "the database of sqlalchemy.url in the ini file cannot be opened: "
    )
    assert len(refused.stderr.splitlines()) == 1
    assert "hunter2" not in refused.stderr


def test_a_folder_that_cannot_be_made_is_one_line(alembic, tmp_path):
    (tmp_path / "file").touch()

    refused = alembic(f"sqlite:///{tmp_path}/file/tracker.sqlite", "upgrade", "head")

    assert (refused.returncode, refused.stderr) == (
        1,
        f"the folder of sqlalchemy.url in the ini file ({tmp_path}/file) cannot be made: "
        "File exists; allowed: a path that the program may write to\n",
    )


def test_the_database_of_sqlite_is_in_wal_mode(alembic, tmp_path):
    alembic(f"sqlite:///{tmp_path}/tracker.sqlite", "upgrade", "head")

    connection = sqlite3.connect(tmp_path / "tracker.sqlite")
    mode = connection.execute("PRAGMA journal_mode").fetchone()
    connection.close()
    assert mode == ("wal",)
