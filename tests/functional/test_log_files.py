"""Log files under real processes, real limits, and folders that somebody has prepared."""

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
def files(folder):
    return RotatingLogStore(folder=folder, size=1000, files=3)


def append(files, lines, *, room="hall", name="192.0.2.1", now=NOON):
    files.append(room=room, name=name, lines=lines, now=now)


def content(folder):
    """Return all files below a folder with what is in them."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class TestNames:
    def test_one_file_for_each_room_and_endpoint(self, files, folder):
        append(files, b"one\n")
        append(files, b"two\n", room="lab")
        append(files, b"three\n", name="2001:db8::1")
        append(files, b"four\n")
        append(files, b"five\n", name="::1")

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
    def test_no_name_leads_out_of_the_folder(self, files, folder, name):
        with pytest.raises(ValueError, match="can be no name of a file"):
            append(files, b"x\n", name=name)
        with pytest.raises(ValueError, match="can be no name of a file"):
            append(files, b"x\n", room=name)

        assert not folder.exists() or content(folder) == {}

    def test_links_are_not_followed(self, files, folder, tmp_path):
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "file").write_bytes(b"theirs\n")
        (folder / "hall").mkdir(parents=True)
        (folder / "hall/192.0.2.1.log").symlink_to(elsewhere / "file")
        (folder / "lab").symlink_to(elsewhere)

        for room in ("hall", "lab"):
            with pytest.raises(OSError, match=r".+"):
                append(files, b"x\n", room=room)
        files.prune(before=NOON + timedelta(days=9))

        assert content(elsewhere) == {"file": b"theirs\n"}

    def test_a_pipe_in_place_of_a_file_is_no_trap(self, files, folder):
        (folder / "hall").mkdir(parents=True)
        os.mkfifo(folder / "hall/192.0.2.1.log")

        with pytest.raises(OSError, match="is no file"):
            append(files, b"x\n")


class TestRotation:
    def test_a_full_file_is_closed_and_the_oldest_dropped(self, files, folder):
        for number in range(6):
            append(files, b"%d" % number * 599 + b"\n")

        found = {name: text[:1] for name, text in content(folder).items()}
        assert found == {
            "hall/192.0.2.1.log": b"5",
            "hall/192.0.2.1.log.1": b"4",
            "hall/192.0.2.1.log.2": b"3",
            "hall/192.0.2.1.log.3": b"2",
        }

    def test_a_file_is_filled_to_its_size(self, files, folder):
        append(files, b"a" * 499 + b"\n")
        append(files, b"b" * 499 + b"\n")
        append(files, b"c\n")

        assert {name: len(text) for name, text in content(folder).items()} == {
            "hall/192.0.2.1.log": 2,
            "hall/192.0.2.1.log.1": 1000,
        }

    def test_a_report_that_is_larger_than_a_file_stays_whole(self, files, folder):
        append(files, b"a\n")
        append(files, b"b" * 5000 + b"\n")

        assert len(content(folder)["hall/192.0.2.1.log"]) == 5001

    def test_files_of_others_are_left_alone(self, files, folder):
        append(files, b"a\n", name="192.0.2.10")
        (folder / "hall/192.0.2.1.log.old").write_bytes(b"by hand\n")
        for _ in range(9):
            append(files, b"x" * 599 + b"\n")

        found = content(folder)
        assert found["hall/192.0.2.10.log"] == b"a\n"
        assert found["hall/192.0.2.1.log.old"] == b"by hand\n"

    def test_where_addresses_are_kept_a_file_is_of_one_day(self, folder):
        files = RotatingLogStore(folder=folder, size=1000, files=3, daily=True)
        append(files, b"a\n", now=NOON)
        append(files, b"b\n", now=NOON + timedelta(hours=11))
        append(files, b"c\n", now=NOON + timedelta(hours=13))

        assert content(folder) == {
            "hall/192.0.2.1.log": b"c\n",
            "hall/192.0.2.1.log.1": b"a\nb\n",
        }

    def test_files_with_anything_older_are_pruned(self, folder):
        files = RotatingLogStore(folder=folder, size=1000, files=3, daily=True)
        for day in range(3):
            append(files, b"%d\n" % day, now=NOON + timedelta(days=day))
        append(files, b"x\n", room="lab", now=NOON)

        # Two days before, at the hour when the first file got its line, its day had begun.
        assert files.prune(before=NOON - timedelta(hours=13)) == 0
        assert files.prune(before=NOON) == 2
        assert content(folder) == {"hall/192.0.2.1.log": b"2\n", "hall/192.0.2.1.log.1": b"1\n"}
        assert files.prune(before=NOON + timedelta(days=9)) == 2


def write_many(folder, writer, size):
    """Append numbered reports of three lines, which are long enough for many closed files."""
    files = RotatingLogStore(folder=folder, size=size, files=10_000)
    for number in range(60):
        lines = b"".join(b"%d %d %d %s\n" % (writer, number, part, b"x" * 400) for part in range(3))
        append(files, lines)


WRITERS = scaled(3, 6)


class TestManyProcesses:
    @pytest.mark.parametrize("size", [2**30, 20_000])
    def test_every_report_is_whole_and_there_once(self, folder, size):
        with concurrent.futures.ProcessPoolExecutor(WRITERS, mp_context=SPAWN) as pool:
            list(pool.map(write_many, [folder] * WRITERS, range(WRITERS), [size] * WRITERS))

        found = content(folder)
        assert len(found) == 1 if size == 2**30 else len(found) > 2 * WRITERS
        lines = [line for text in found.values() for line in text.splitlines(keepends=True)]
        assert all(line.endswith(b"x" * 400 + b"\n") for line in lines)
        reports = [tuple(map(int, line.split()[:3])) for line in lines]
        assert sorted(reports) == [
            (w, n, p) for w in range(WRITERS) for n in range(60) for p in range(3)
        ]
        pairs = itertools.pairwise(reports)
        # The lines of a report are neighbours.
        assert all(second[2] == (first[2] + 1) % 3 for first, second in pairs)


def write_until_killed(folder, answers):
    """Append numbered reports, and say of each that it is acknowledged."""
    files = RotatingLogStore(folder=folder, size=50_000, files=10_000)
    for number in itertools.count():
        append(files, b"%d %s\n" % (number, b"x" * 300))
        answers.send(number)


def acknowledged_before_kill(folder):
    """Return the numbers of the reports that were acknowledged by a process until its end."""
    reading, writing = SPAWN.Pipe(duplex=False)
    writer = SPAWN.Process(target=write_until_killed, args=(folder, writing))
    writer.start()
    writing.close()
    told = [reading.recv() for _ in range(200)]
    writer.kill()
    writer.join()
    with contextlib.suppress(EOFError):
        while True:
            told.append(reading.recv())
    reading.close()
    writer.close()
    return told


class TestKill:
    def test_nothing_acknowledged_is_lost(self, folder):
        acknowledged = acknowledged_before_kill(folder)

        text = b"".join(content(folder).values())
        kept = {int(line.split()[0]) for line in text.splitlines()}
        assert len(acknowledged) >= 200
        assert set(acknowledged) <= kept

    def test_what_a_killed_writer_did_not_finish_is_cut_off(self, files, folder):
        append(files, b"whole\n")
        with (folder / "hall/192.0.2.1.log").open("ab") as file:
            file.write(b"half of a li")
        append(files, b"next\n")

        assert content(folder)["hall/192.0.2.1.log"] == b"whole\nnext\n"

    def test_a_file_without_any_whole_line_begins_anew(self, files, folder):
        (folder / "hall").mkdir(parents=True)
        (folder / "hall/192.0.2.1.log").write_bytes(b"y" * 700)

        append(files, b"next\n")

        assert content(folder)["hall/192.0.2.1.log"] == b"next\n"


def write_beyond(folder, limit):
    """Append within a limit of the size of files; return the error's number."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    files = RotatingLogStore(folder=folder, size=2**30, files=3)
    try:
        append(files, b"".join(b"%d %s\n" % (n, b"x" * 90) for n in range(100)))
    except OSError as error:
        return error.errno
    return 0


class TestFullDisk:
    def test_a_file_that_may_not_grow_stays_as_it_was(self, files, folder):
        append(files, b"acknowledged\n")

        with concurrent.futures.ProcessPoolExecutor(1, mp_context=SPAWN) as pool:
            failure = pool.submit(write_beyond, folder, 4096).result()

        assert failure == errno.EFBIG
        assert content(folder) == {"hall/192.0.2.1.log": b"acknowledged\n"}

    def test_a_full_disk_loses_nothing_that_was_acknowledged(self, small_disk):
        files = RotatingLogStore(folder=small_disk, size=100_000, files=3)
        reports = [b"%d %s\n" % (number, b"x" * 30_000) for number in range(20)]
        acknowledged = []

        def fill():
            for number, report in enumerate(reports):
                append(files, report, name=f"192.0.2.{number % 2}")
                acknowledged.append(report)

        with pytest.raises(OSError, match="No space left"):
            fill()

        lines = b"".join(content(small_disk).values()).splitlines(keepends=True)
        assert sorted(lines) == sorted(acknowledged)

        # Once there is room again, the same report is taken.
        next(small_disk.glob("hall/*.log")).unlink()
        again = reports[len(acknowledged)]
        append(files, again)
        assert again in b"".join(content(small_disk).values())
