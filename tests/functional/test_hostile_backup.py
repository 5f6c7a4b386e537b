"""`streaming-system tracker restore` of a file that an attacker made: one line, and no change."""

import gzip
import json
import os
import threading
import tracemalloc

import pytest

from streaming_system.tracker.backup import format as backup_format
from streaming_system.tracker.backup.format import Checksum

from .test_backup import contents, full, lines, run  # noqa: F401 - Two are fixtures.

MIB = 1024 * 1024


@pytest.fixture
def refused(run, full, tmp_path):  # noqa: F811
    """Return a function that restores a file, and returns why it is refused."""

    def refused(content):
        file = tmp_path / "hostile.gz"
        file.write_bytes(content)
        before = contents(full)

        error = run(full, "restore", file, "--replace", status=1)

        assert error.startswith(f"Error: {file}: ")
        assert error.endswith("; nothing has changed\n")
        assert len(error) < 500
        assert error.rstrip("\n").isprintable()
        assert contents(full) == before
        return error

    return refused


@pytest.fixture
def backup_lines(run, full, tmp_path):  # noqa: F811
    """The lines of a valid backup of a full database."""
    run(full, "backup", tmp_path / "valid.gz")
    return lines(tmp_path / "valid.gz")


def with_header(backup_lines, **changes):
    header = json.loads(backup_lines[0]) | changes
    return gzip.compress(json.dumps(header).encode() + b"\n" + b"".join(backup_lines[1:]))


def tables(backup_lines):
    return json.loads(backup_lines[0])["tables"]


def with_table(backup_lines, name, columns):
    """Return a backup with one more table, which is empty."""
    content = json.loads(backup_lines[0])
    content["tables"][name] = columns
    end = {"table": name, "rows": 0, "sha256": Checksum().sha256}
    rest = [*backup_lines[1:], json.dumps(end).encode() + b"\n"]
    return gzip.compress(json.dumps(content).encode() + b"\n" + b"".join(rest))


def with_value(backup_lines, table, column, value):
    """Return a backup with another value in the last row of a table, and a right checksum."""
    index = tables(backup_lines)[table].index(column)
    result, rows = [backup_lines[0]], []
    for line in backup_lines[1:]:
        if line.startswith(b"["):
            rows.append(line)
            continue
        name = json.loads(line)["table"]
        if name == table:
            row = json.loads(rows[-1])
            row[index] = value
            rows[-1] = json.dumps(row, separators=(",", ":")).encode() + b"\n"
        checksum = Checksum()
        for row_line in rows:
            checksum.add(row_line)
        end = {"table": name, "rows": checksum.rows, "sha256": checksum.sha256}
        result += [*rows, json.dumps(end).encode() + b"\n"]
        rows = []
    return gzip.compress(b"".join(result))


@pytest.mark.parametrize(
    "name", ["alembic_version", "salt", "pg_authid", "sqlite_master", "../../etc/passwd", 'a"; --']
)
def test_foreign_table_is_refused(refused, backup_lines, name):
    columns = {"alembic_version": ["version_num"], "salt": ["day", "value"]}.get(name, ["id"])

    error = refused(with_table(backup_lines, name, columns))

    assert f"has a table {name!r} that backups do not have" in error


def test_missing_table_is_refused(refused, backup_lines):
    rest = {name: columns for name, columns in tables(backup_lines).items() if name != "token"}

    assert "lacks the table 'token'" in refused(with_header(backup_lines, tables=rest))


@pytest.mark.parametrize(
    "columns",
    [
        ["id"],
        ["id"] * 13,
        [1, 2],
        [None],
        [["id"]],
        [{}],
        "hash",
    ],
)
def test_other_columns_are_refused(refused, backup_lines, columns):
    changed = tables(backup_lines) | {"token": columns}

    assert "has a table 'token' with other columns" in refused(
        with_header(backup_lines, tables=changed)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"tables": None},
        {"tables": []},
        {"tables": {"token": 5}},
        {"revision": "x; rm -rf /"},
        {"revision": "x\ny"},
        {"revision": {"a": 1}},
        {"revision": "\x1b]0;title\x07"},
        {"revision": "a" * MIB},
        {"taken": "2026-11-25T12:00:00"},
        {"taken": 5},
        {"version": ["\x1b[2J" * 1000]},
        {"format": "x" * 1000},
    ],
)
def test_hostile_header_is_refused(refused, backup_lines, changes):
    refused(with_header(backup_lines, **changes))


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("token", "id", "1"),
        ("token", "id", 1.5),
        ("token", "id", True),
        ("token", "id", 2**80),
        ("token", "id", None),
        ("token", "label", 5),
        ("token", "label", None),
        ("token", "label", ["a"]),
        ("token", "label", "x" * 101),
        ("token", "label", "a\0b"),
        ("token", "label", "\ud800"),
        ("token", "created_at", "2026-11-25T12:00:00"),
        ("token", "created_at", 1_790_000_000),
        ("token", "created_at", "yesterday\x1b[2J"),
        ("endpoint", "draining", 1),
        ("endpoint", "draining", "yes"),
        ("endpoint", "bitrate", "much"),
        ("component_mood", "seconds", "long"),
        ("server_key", "value", "no hex"),
        ("server_key", "value", 7),
        ("log_visitor", "hour", {}),
    ],
)
def test_wrong_type_is_refused(refused, backup_lines, table, column, value):
    refused(with_value(backup_lines, table, column, value))


@pytest.mark.parametrize(
    "row", [b"[" * 100_000, b"[NaN]", b"[" + b"9" * 10_000 + b"]", b"\xff\xfe", b"[1,]", b"null"]
)
def test_line_that_is_no_row_is_refused(refused, backup_lines, row):
    first = backup_lines.index(next(line for line in backup_lines if line.startswith(b"[")))
    changed = [*backup_lines[:first], row + b"\n", *backup_lines[first:]]

    refused(gzip.compress(b"".join(changed)))


@pytest.mark.parametrize("begin", [b"", b'{"format": "', b"["])
def test_line_that_inflates_without_end_is_refused(refused, backup_lines, begin):
    bomb = gzip.compress(b"".join(backup_lines[:1]) * bool(begin) + begin + b" " * 64 * MIB)
    tracemalloc.start()
    try:
        error = refused(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert "a line has more than 1,048,576 bytes" in error
    assert peak < 32 * MIB


def test_rows_that_inflate_without_end_are_refused(refused, backup_lines, monkeypatch):
    monkeypatch.setattr(backup_format, "MIN_INFLATED_LIMIT_BYTES", MIB)
    first = backup_lines.index(next(line for line in backup_lines if line.startswith(b"[")))
    rows = backup_lines[first] * (8 * MIB // len(backup_lines[first]))

    error = refused(gzip.compress(b"".join(backup_lines[:first]) + rows))

    assert "it inflates to more than 200 times its size" in error


def test_rows_are_loaded_in_batches_of_bounded_size(backup_lines, tmp_path):
    columns = tables(backup_lines)["account"]
    header = json.loads(backup_lines[0]) | {"tables": {"account": columns}}
    row = json.dumps(["x" * 500_000] * len(columns[:1]) + [None] * (len(columns) - 1)).encode()
    file = tmp_path / "large.gz"
    file.write_bytes(gzip.compress(json.dumps(header).encode() + b"\n" + (row + b"\n") * 40))

    with file.open("rb") as opened:
        batch = next(backup_format.BackupReader(opened).batches())[1]

    assert len(batch) <= 9


def test_pipe_is_refused(run, full, tmp_path):  # noqa: F811
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.open("wb").close())
    writer.start()

    error = run(full, "restore", pipe, status=1)
    writer.join()

    assert error.startswith(f"Error: {pipe}: cannot be read: ")


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/proc/self/mem"])
def test_device_is_refused(run, full, path):  # noqa: F811
    assert run(full, "restore", path, "--replace", status=1).startswith(f"Error: {path}: ")
