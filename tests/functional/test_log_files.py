"""The rotating log store with concurrent processes, full disks and hostile folders."""

import concurrent.futures
import contextlib
import errno
import itertools
import multiprocessing
import os
import resource
from datetime import UTC, datetime, timedelta

import pytest
from depth import scaled

from streaming_system.tracker.logs.store import RotatingLogStore

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "logs"


@pytest.fixture
def store(folder):
    return RotatingLogStore(folder=folder, max_file_bytes=1000, max_rotated_files=3)


def append(store, lines, *, room="hall", name="192.0.2.1", now=NOON):
    store.append(room=room, name=name, lines=lines, now=now)


def content(folder):
    """Return the content of all files below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class TestNames:
    def test_each_room_and_endpoint_has_a_file(self, store, folder):
        append(store, b"one\n")
        append(store, b"two\n", room="lab")
        append(store, b"three\n", name="2001:db8::1")
        append(store, b"four\n")
        append(store, b"five\n", name="::1")

        assert content(folder) == {
            "hall/192.0.2.1.log": b"one\nfour\n",
            "hall/2001_db8__1.log": b"three\n",
            "hall/__1.log": b"five\n",
            "lab/192.0.2.1.log": b"two\n",
        }

    @pytest.mark.parametrize(
        "name",
        ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\0", "a\n", "-x", ".x", "é", "x" * 65],
    )
    def test_names_cannot_leave_the_folder(self, store, folder, name):
        with pytest.raises(ValueError, match="is no safe file name"):
            append(store, b"x\n", name=name)
        with pytest.raises(ValueError, match="is no safe file name"):
            append(store, b"x\n", room=name)

        assert not folder.exists() or content(folder) == {}

    def test_symbolic_links_are_not_followed(self, store, folder, tmp_path):
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "file").write_bytes(b"theirs\n")
        (folder / "hall").mkdir(parents=True)
        (folder / "hall/192.0.2.1.log").symlink_to(outside / "file")
        (folder / "lab").symlink_to(outside)

        for room in ("hall", "lab"):
            with pytest.raises(OSError, match=r".+"):
                append(store, b"x\n", room=room)
        store.delete_before(NOON + timedelta(days=9))

        assert content(outside) == {"file": b"theirs\n"}

    def test_named_pipe_is_rejected(self, store, folder):
        (folder / "hall").mkdir(parents=True)
        os.mkfifo(folder / "hall/192.0.2.1.log")

        with pytest.raises(OSError, match="is no regular file"):
            append(store, b"x\n")


class TestRotation:
    def test_full_file_is_rotated_and_the_oldest_deleted(self, store, folder):
        for number in range(6):
            append(store, b"%d" % number * 599 + b"\n")

        first_bytes = {name: text[:1] for name, text in content(folder).items()}
        assert first_bytes == {
            "hall/192.0.2.1.log": b"5",
            "hall/192.0.2.1.log.1": b"4",
            "hall/192.0.2.1.log.2": b"3",
            "hall/192.0.2.1.log.3": b"2",
        }

    def test_file_is_filled_to_its_maximum_size(self, store, folder):
        append(store, b"a" * 499 + b"\n")
        append(store, b"b" * 499 + b"\n")
        append(store, b"c\n")

        assert {name: len(text) for name, text in content(folder).items()} == {
            "hall/192.0.2.1.log": 2,
            "hall/192.0.2.1.log.1": 1000,
        }

    def test_report_that_exceeds_the_maximum_size_is_not_split(self, store, folder):
        append(store, b"a\n")
        append(store, b"b" * 5000 + b"\n")

        assert len(content(folder)["hall/192.0.2.1.log"]) == 5001

    def test_rotation_leaves_other_files_unchanged(self, store, folder):
        append(store, b"a\n", name="192.0.2.10")
        (folder / "hall/192.0.2.1.log.old").write_bytes(b"by hand\n")
        for _ in range(9):
            append(store, b"x" * 599 + b"\n")

        files = content(folder)
        assert files["hall/192.0.2.10.log"] == b"a\n"
        assert files["hall/192.0.2.1.log.old"] == b"by hand\n"

    def test_daily_rotation_starts_a_new_file_at_midnight(self, folder):
        store = RotatingLogStore(
            folder=folder, max_file_bytes=1000, max_rotated_files=3, rotate_daily=True
        )
        append(store, b"a\n", now=NOON)
        append(store, b"b\n", now=NOON + timedelta(hours=11))
        append(store, b"c\n", now=NOON + timedelta(hours=13))

        assert content(folder) == {
            "hall/192.0.2.1.log": b"c\n",
            "hall/192.0.2.1.log.1": b"a\nb\n",
        }

    def test_files_of_days_before_the_cutoff_are_deleted(self, folder):
        store = RotatingLogStore(
            folder=folder, max_file_bytes=1000, max_rotated_files=3, rotate_daily=True
        )
        for day in range(3):
            append(store, b"%d\n" % day, now=NOON + timedelta(days=day))
        append(store, b"x\n", room="lab", now=NOON)

        # The day of the first file started an hour after the cutoff.
        assert store.delete_before(NOON - timedelta(hours=13)) == 0
        assert store.delete_before(NOON) == 2
        assert content(folder) == {"hall/192.0.2.1.log": b"2\n", "hall/192.0.2.1.log.1": b"1\n"}
        assert store.delete_before(NOON + timedelta(days=9)) == 2


def write_many(folder, writer, size):
    """Append numbered reports of three lines, which fill many rotated files."""
    store = RotatingLogStore(folder=folder, max_file_bytes=size, max_rotated_files=10_000)
    for number in range(60):
        lines = b"".join(b"%d %d %d %s\n" % (writer, number, part, b"x" * 400) for part in range(3))
        append(store, lines)


WRITERS = scaled(3, 6)


class TestManyProcesses:
    @pytest.mark.parametrize("size", [2**30, 20_000])
    def test_every_report_is_complete_and_stored_once(self, folder, size):
        with concurrent.futures.ProcessPoolExecutor(WRITERS, mp_context=SPAWN) as pool:
            list(pool.map(write_many, [folder] * WRITERS, range(WRITERS), [size] * WRITERS))

        files = content(folder)
        assert len(files) == 1 if size == 2**30 else len(files) > 2 * WRITERS
        lines = [line for text in files.values() for line in text.splitlines(keepends=True)]
        assert all(line.endswith(b"x" * 400 + b"\n") for line in lines)
        reports = [tuple(map(int, line.split()[:3])) for line in lines]
        assert sorted(reports) == [
            (w, n, p) for w in range(WRITERS) for n in range(60) for p in range(3)
        ]
        pairs = itertools.pairwise(reports)
        # The lines of a report are adjacent.
        assert all(second[2] == (first[2] + 1) % 3 for first, second in pairs)


def write_until_killed(folder, connection):
    """Append numbered reports, and acknowledge each one."""
    store = RotatingLogStore(folder=folder, max_file_bytes=50_000, max_rotated_files=10_000)
    for number in itertools.count():
        append(store, b"%d %s\n" % (number, b"x" * 300))
        connection.send(number)


def acknowledged_before_kill(folder):
    """Return the numbers of the reports that a process acknowledged before it was killed."""
    reading, writing = SPAWN.Pipe(duplex=False)
    writer = SPAWN.Process(target=write_until_killed, args=(folder, writing))
    writer.start()
    writing.close()
    acknowledged = [reading.recv() for _ in range(200)]
    writer.kill()
    writer.join()
    with contextlib.suppress(EOFError):
        while True:
            acknowledged.append(reading.recv())
    reading.close()
    writer.close()
    return acknowledged


class TestKill:
    def test_acknowledged_reports_survive_a_kill(self, folder):
        acknowledged = acknowledged_before_kill(folder)

        text = b"".join(content(folder).values())
        stored = {int(line.split()[0]) for line in text.splitlines()}
        assert len(acknowledged) >= 200
        assert set(acknowledged) <= stored

    def test_partial_line_of_a_killed_writer_is_removed(self, store, folder):
        append(store, b"whole\n")
        with (folder / "hall/192.0.2.1.log").open("ab") as file:
            file.write(b"half of a li")
        append(store, b"next\n")

        assert content(folder)["hall/192.0.2.1.log"] == b"whole\nnext\n"

    def test_file_without_complete_line_is_emptied(self, store, folder):
        (folder / "hall").mkdir(parents=True)
        (folder / "hall/192.0.2.1.log").write_bytes(b"y" * 700)

        append(store, b"next\n")

        assert content(folder)["hall/192.0.2.1.log"] == b"next\n"


def write_beyond(folder, limit):
    """Append under a limit of the file size; return the errno."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    store = RotatingLogStore(folder=folder, max_file_bytes=2**30, max_rotated_files=3)
    try:
        append(store, b"".join(b"%d %s\n" % (n, b"x" * 90) for n in range(100)))
    except OSError as error:
        return error.errno
    return 0


class TestFullDisk:
    def test_file_at_its_size_limit_stays_unchanged(self, store, folder):
        append(store, b"acknowledged\n")

        with concurrent.futures.ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
            error_number = pool.submit(write_beyond, folder, 4096).result()

        assert error_number == errno.EFBIG
        assert content(folder) == {"hall/192.0.2.1.log": b"acknowledged\n"}

    def test_full_disk_loses_no_acknowledged_report(self, small_disk):
        store = RotatingLogStore(folder=small_disk, max_file_bytes=100_000, max_rotated_files=3)
        reports = [b"%d %s\n" % (number, b"x" * 30_000) for number in range(20)]
        acknowledged = []

        def fill():
            for number, report in enumerate(reports):
                append(store, report, name=f"192.0.2.{number % 2}")
                acknowledged.append(report)

        with pytest.raises(OSError, match="No space left"):
            fill()

        lines = b"".join(content(small_disk).values()).splitlines(keepends=True)
        assert sorted(lines) == sorted(acknowledged)

        # After space is freed, the same report is accepted.
        next(small_disk.glob("hall/*.log")).unlink()
        retried = reports[len(acknowledged)]
        append(store, retried)
        assert retried in b"".join(content(small_disk).values())
