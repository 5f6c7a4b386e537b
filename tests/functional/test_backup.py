"""`streaming-system tracker backup` and `restore`: a complete snapshot, or nothing."""

import gzip
import json
import stat
import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from click.testing import CliRunner
from sqlalchemy.orm import sessionmaker

from streaming_system.cli import main
from streaming_system.tracker.backup.format import Checksum
from streaming_system.tracker.db.session import make_engine, write_transaction
from streaming_system.tracker.models import (
    Account,
    AuditEntry,
    Base,
    Endpoint,
    RollupCursor,
    Sample,
    Token,
)

from .conftest import SECRET

pytestmark = pytest.mark.both_databases

NOW = datetime(2026, 11, 25, 12, 3, 20, 250_000, tzinfo=UTC)
THREADS = 4


@contextmanager
def connect(url):
    engine = make_engine({"sqlalchemy.url": url})
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@pytest.fixture
def run(tmp_path):
    """Return a function that runs `streaming-system tracker` on a database."""

    def run(url, *arguments, status=0):
        ini = tmp_path / "tracker.ini"
        ini.write_text(f"[app:tracker]\nsqlalchemy.url = {url.replace('%', '%%')}\n")
        result = CliRunner().invoke(main, ["-c", str(ini), "tracker", *map(str, arguments)])
        assert result.exit_code == status, result.output
        if status:
            assert (result.stdout, result.stderr.count("\n")) == ("", 1)
            return result.stderr
        # No progress without a terminal.
        assert result.stderr == ""
        return result.stdout

    return run


@pytest.fixture
def target(new_migrated_database):
    """The URL of another empty, migrated database."""
    return new_migrated_database


def sample_value(column, number):
    """Return a value of a column's type that a conversion may lose."""
    if column.nullable and number == 0:
        return None
    kind = column.type
    if isinstance(kind, sa.String):
        return f'{number}{column.name[:5]}é"☂\n'[: kind.length]
    if isinstance(kind, sa.LargeBinary):
        return bytes([number, 0, 255, 10]) * 4
    if isinstance(kind, sa.JSON):
        return {"b": [number, None, 1.5, "ü"], "a": {}}
    if isinstance(kind, sa.Boolean):
        return number == 1
    if isinstance(kind, sa.BigInteger):
        return 2**62 + number
    if isinstance(kind, sa.Integer):
        return 2**30 + number
    if isinstance(kind, sa.Float):
        return 0.1 + number
    if isinstance(kind, sa.Date):
        return date(2026, 11, 25) - timedelta(days=number)
    return NOW - number * timedelta(days=1, microseconds=1)


@pytest.fixture
def full(database):
    """The URL of a database with rows in each of its tables."""
    with connect(database) as connection:
        for table in Base.metadata.sorted_tables:
            rows = [
                {column.name: sample_value(column, number) for column in table.columns}
                for number in range(3)
            ]
            connection.execute(sa.insert(table), rows)
    return database


def contents(url):
    """Return the rows of each table, sorted."""
    with connect(url) as connection:
        return {
            table.name: sorted(repr(row) for row in connection.execute(sa.select(table)))
            for table in Base.metadata.sorted_tables
        }


def test_restore_restores_all_tables(run, full, target, tmp_path):
    file = tmp_path / "backup.gz"
    before = contents(full)
    tables = len(before) - 1

    backup_output = run(full, "backup", file)
    restore_output = run(target, "restore", file)

    after = contents(target)
    # Salts are not backed up: they must not outlive their day.
    assert (len(before.pop("salt")), after.pop("salt")) == (3, [])
    assert after == before
    assert backup_output.startswith(
        f"Wrote {file}: {3 * tables} rows of {tables} tables at revision "
    )
    assert restore_output.startswith(f"Restored {3 * tables} rows of {tables} tables as of 20")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    second_file = tmp_path / "second.gz"
    run(target, "backup", second_file)
    assert checksums(second_file) == checksums(file)


def test_ids_of_new_rows_follow_the_restored_ids(run, full, target, tmp_path):
    run(full, "backup", tmp_path / "backup.gz")
    run(target, "restore", tmp_path / "backup.gz")

    with connect(target) as connection:
        for model in (Account, AuditEntry, Sample, Token):
            table = model.__table__
            max_id = connection.scalar(sa.select(sa.func.max(table.c.id)))
            row = {c.name: sample_value(c, 7) for c in table.columns if c.name != "id"}
            result = connection.execute(sa.insert(table), row)
            assert result.inserted_primary_key[0] == max_id + 1


def test_existing_rows_are_deleted_only_with_replace(run, full, tmp_path):
    file = tmp_path / "backup.gz"
    before = contents(full)
    run(full, "backup", file)
    with connect(full) as connection:
        connection.execute(sa.delete(Account))
        connection.execute(sa.insert(RollupCursor), {"name": "later", "until": NOW})
    changed = contents(full)

    error = run(full, "restore", file, status=1)

    assert "is not empty (table " in error
    assert "--replace" in error
    assert contents(full) == changed

    run(full, "restore", file, "--replace")
    assert contents(full) == before


def lines(file):
    return gzip.decompress(file.read_bytes()).splitlines(keepends=True)


def checksums(file):
    return [line for line in lines(file) if line.startswith(b'{"table"')]


def without_a_row(file):
    rows = lines(file)
    rows.remove(next(line for line in rows if line.startswith(b"[")))
    return gzip.compress(b"".join(rows))


def with_another_value(file):
    return gzip.compress(b"".join(lines(file)).replace(b"0name", b"9name", 1))


def with_one_bit_changed(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    return content


DAMAGES = {
    "empty": lambda file: b"",
    "half": lambda file: file.read_bytes()[: file.stat().st_size // 2],
    "truncated in the last bytes": lambda file: file.read_bytes()[:-3],
    "without its last line": lambda file: gzip.compress(b"".join(lines(file)[:-1])),
    "with two ends": lambda file: gzip.compress(b"".join(lines(file)) + lines(file)[-1]),
    "with one bit changed": with_one_bit_changed,
    "without a row": without_a_row,
    "with another value": with_another_value,
    "text": lambda file: b"-- PostgreSQL database dump",
    "other JSON": lambda file: gzip.compress(b'{"version": 1}\n'),
    "only a header": lambda file: gzip.compress(
        b'{"format": "streaming-system tracker backup", "version": 1}\n'
    ),
    "a later version": lambda file: gzip.compress(
        b'{"format": "streaming-system tracker backup", "version": 2}\n'
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_file_changes_nothing(run, full, tmp_path, damage):
    file = tmp_path / "backup.gz"
    run(full, "backup", file)
    file.write_bytes(DAMAGES[damage](file))
    before = contents(full)

    error = run(full, "restore", file, "--replace", status=1)

    assert error.startswith(f"Error: {file}: is ")
    assert error.endswith("; nothing has changed\n")
    assert contents(full) == before


def rewrite(file, change):
    """Change the rows of a file by table, and correct its checksums."""
    result, rows = [], []
    for line in lines(file):
        if line.startswith(b"["):
            rows.append(line)
        elif line.startswith(b'{"table"'):
            name = json.loads(line)["table"]
            checksum = Checksum()
            for row in (rows := change(name, rows)):
                checksum.add(row)
            end = {"table": name, "rows": checksum.rows, "sha256": checksum.sha256}
            result += [*rows, json.dumps(end).encode() + b"\n"]
            rows = []
        else:
            result.append(line)
    file.write_bytes(gzip.compress(b"".join(result)))


CHANGES = {
    "a duplicate id": lambda name, rows: rows + rows[-1:] if name == "token" else rows,
    "an invalid time": lambda name, rows: [row.replace(b"2026-", b"year ") for row in rows],
    "a row that is read back differently": lambda name, rows: [
        row.replace(b"[", b"[ ", 1) if name == "token" else row for row in rows
    ],
    "a text for a number": lambda name, rows: [row.replace(b"4611", b'"x",4') for row in rows],
}


@pytest.mark.parametrize("change", CHANGES)
def test_failed_restore_changes_nothing(run, full, tmp_path, change):
    file = tmp_path / "backup.gz"
    run(full, "backup", file)
    run(full, "restore", file, "--replace")
    add_token(full, 4)
    rewrite(file, CHANGES[change])
    before = contents(full)

    error = run(full, "restore", file, "--replace", status=1)

    assert error.endswith("; nothing has changed\n")
    assert contents(full) == before
    # The sequences are unchanged, too.
    add_token(full, 5)


def add_token(url, number):
    table = Token.__table__
    row = {c.name: sample_value(c, number) for c in table.columns if c.name != "id"}
    with connect(url) as connection:
        connection.execute(sa.insert(table), row)


def test_running_tracker_uses_the_restored_rows(run, tracker, database, tmp_path):
    file = tmp_path / "backup.gz"
    form = {"secret": SECRET, "group": "hall", "data": '{"overall_clients": 3}'}
    tracker.post("/endpoint/register", form)
    run(database, "backup", file)
    with connect(database) as connection:
        connection.execute(sa.delete(Endpoint))
    # Not the list below: it would be cached for a second.
    assert tracker.get("/streams.json").json["rooms"]["hall"]["live"] is False

    run(database, "restore", file, "--replace")

    assert tracker.get("/hall/streams.json").json["live"] is True
    assert tracker.post("/endpoint/register", form).text == "OK\n"


def test_other_revision_is_rejected_with_instructions(run, full, target, migrate, tmp_path):
    file = tmp_path / "backup.gz"
    run(full, "backup", file)
    migrate(target, "-1")

    error = run(target, "restore", file, status=1)

    assert "alembic -c INI upgrade " in error
    assert "make migrate" in error


def test_backup_of_an_older_revision_is_restored_and_migrated(run, target, migrate, tmp_path):
    migrate(target, "-1")
    with connect(target) as connection:
        table = sa.Table("account", sa.MetaData(), autoload_with=connection)
        connection.execute(
            sa.insert(table), {column.name: sample_value(column, 1) for column in table.columns}
        )

    run(target, "backup", tmp_path / "old.gz")
    run(target, "restore", tmp_path / "old.gz", "--replace")
    migrate(target)

    assert len(contents(target)["account"]) == 1


def test_models_cover_every_table_of_every_migration(root, migrate, tmp_path):
    config = Config()
    config.set_main_option("script_location", str(root / "alembic"))
    config.set_main_option("path_separator", "os")
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    url = f"sqlite:///{tmp_path}/steps.sqlite"

    for script in reversed(scripts):
        migrate(url, script.revision)
        with connect(url) as connection:
            tables = set(sa.inspect(connection).get_table_names())
        assert tables - {"alembic_version"} <= set(Base.metadata.tables)


class Writers:
    """Threads that continuously write a number into three tables in one transaction."""

    def __init__(self, url):
        self._engine = make_engine({"sqlalchemy.url": url, "sqlalchemy.pool_size": THREADS})
        self._sessions = sessionmaker(self._engine)
        self._stop = threading.Event()
        self._written = [threading.Event() for _ in range(THREADS)]
        self._threads = [
            threading.Thread(target=self._write, args=(number,)) for number in range(THREADS)
        ]
        self.errors = []

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.wait()
        return self

    def __exit__(self, *error):
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._engine.dispose()

    def wait(self):
        """Wait until each thread has written again."""
        for event in self._written:
            event.clear()
        for event in self._written:
            assert event.wait(60), self.errors

    def _write(self, thread):
        number = thread
        while not self._stop.is_set():
            text = f"{number:08d}"
            try:
                with write_transaction(self._sessions) as db:
                    db.execute(
                        sa.insert(AuditEntry),
                        {"at": NOW, "account": "", "action": "", "subject": text},
                    )
                    db.execute(
                        sa.insert(Sample),
                        {"room": "hall", "name": text, "at": NOW, "clients": 1, "bitrate": 1,
                         "cbitrate": 1, "stream_metrics": {}},
                    )  # fmt: skip
                    db.execute(sa.insert(RollupCursor), {"name": text, "until": NOW})
            except sa.exc.DBAPIError as error:
                self.errors.append(str(error))
                return
            self._written[thread].set()
            number += THREADS
            # Thousands of transactions would prove no more than some do.
            self._stop.wait(0.01)


def numbers(url):
    """Return the numbers in each of the three tables."""
    with connect(url) as connection:
        return [
            sorted(connection.scalars(sa.select(column)))
            for column in (AuditEntry.subject, Sample.name, RollupCursor.name)
        ]


def test_backup_contains_only_complete_transactions(run, database, target, tmp_path):
    counts = []
    with Writers(database) as writers:
        for number in range(3):
            writers.wait()
            run(database, "backup", tmp_path / str(number))
        writers.wait()
    assert writers.errors == []

    for number in range(3):
        run(target, "restore", tmp_path / str(number), "--replace")
        audit, sample, rollup = numbers(target)
        assert audit == sample == rollup
        counts.append(len(audit))
    assert 0 < counts[0] < counts[1] < counts[2] < len(numbers(database)[0])


def test_writers_wait_for_a_restore_and_continue(run, database, tmp_path):
    with Writers(database) as writers:
        run(database, "backup", tmp_path / "backup.gz")
        writers.wait()
        run(database, "restore", tmp_path / "backup.gz", "--replace")
        writers.wait()

    assert writers.errors == []
    audit, sample, rollup = numbers(database)
    assert audit == sample == rollup


def test_failed_backup_leaves_the_previous_file(run, full, small_disk):
    file = small_disk / "backup.gz"
    run(full, "backup", file)
    content = file.read_bytes()
    with pytest.raises(OSError, match="No space"):
        (small_disk / "rest").write_bytes(bytes(2**20))

    error = run(full, "backup", file, status=1)

    assert error == f"Error: {file}: cannot be written: No space left on device\n"
    assert file.read_bytes() == content
    assert sorted(path.name for path in small_disk.iterdir()) == ["backup.gz", "rest"]


def test_missing_folder_is_reported_in_one_line(run, full, tmp_path):
    error = run(full, "backup", tmp_path / "no" / "backup.gz", status=1)

    assert error == (
        f"Error: {tmp_path}/no/backup.gz: cannot be written: No such file or directory\n"
    )


def test_missing_file_is_reported_in_one_line(run, full, tmp_path):
    error = run(full, "restore", tmp_path / "none.gz", status=1)

    assert error == f"Error: {tmp_path}/none.gz: cannot be read: No such file or directory\n"


def test_unavailable_database_is_reported_and_no_file_is_written(run, full, away, tmp_path):
    run(full, "backup", tmp_path / "good.gz")
    with away():
        for arguments in (["backup", tmp_path / "bad.gz"], ["restore", tmp_path / "good.gz"]):
            error = run(full, *arguments, status=1)
            assert "the database of sqlalchemy.url in the ini file" in error
    assert not (tmp_path / "bad.gz").exists()


def test_database_without_tables_is_reported_in_one_line(run, new_database, tmp_path):
    if new_database.startswith("sqlite"):
        path = Path(sa.make_url(new_database).database)
        path.parent.mkdir(parents=True)
        path.touch()

    error = run(new_database, "backup", tmp_path / "backup.gz", status=1)

    assert "has never been migrated: run make initdb" in error
    assert not (tmp_path / "backup.gz").exists()


def test_backup_can_be_piped(full, target, run, tmp_path):
    ini = tmp_path / "tracker.ini"
    ini.write_text(f"[app:tracker]\nsqlalchemy.url = {full.replace('%', '%%')}\n")
    piped = CliRunner().invoke(main, ["-c", str(ini), "tracker", "backup", "-"])
    (tmp_path / "piped.gz").write_bytes(piped.stdout_bytes)

    assert piped.stderr.startswith("Wrote -: ")
    run(target, "restore", tmp_path / "piped.gz")
    assert contents(target) == contents(full) | {"salt": []}
