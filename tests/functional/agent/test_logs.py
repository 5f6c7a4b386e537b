"""`encoder logs` as a process, with a tracker that is served, and files that are really written."""

import gzip
import os
import shutil
import time
from collections import Counter

from .conftest import wait_until
from .logs import kept_by, line, read_so_far, total, write
from .standin import endless_response


class TestRotation:
    """A process writes on all the time; at the end, every line is at the tracker once."""

    def test_by_rename_and_packed_at_once(self, served, logs, writer, log):
        server = writer()
        agent = logs(served)
        before = 0
        for _ in range(4):
            # A file that it has never seen would be lost with its name.
            wait_until(
                lambda n=before: read_so_far(agent) > n + 50, 30, "lines of this file are read"
            )
            rotated = log.with_name("access.log.1")
            log.rename(rotated)
            # The server writes to the old file until it is told.
            time.sleep(0.1)
            before = server.reopen()
            with rotated.open("rb") as plain, gzip.open(f"{rotated}.gz", "wb") as packed:
                shutil.copyfileobj(plain, packed)
            rotated.unlink()

        written = server.stop()

        wait_until(lambda: kept_by(served).total() >= written.total(), 30, "all lines have arrived")
        assert kept_by(served) == written

    def test_by_copytruncate(self, served, logs, writer, log):
        server = writer()
        agent = logs(served)
        for number in range(4):
            before = wait_until(lambda: read_so_far(agent), 30, "lines are read")
            wait_until(lambda before=before: read_so_far(agent) > before + 50, 20, "lines are read")
            # What is written between copying and emptying is lost by copytruncate itself.
            with server.held():
                shutil.copy(log, log.with_name(f"access.log-2026112{number}"))
                os.truncate(log, 0)

        written = server.stop()

        wait_until(lambda: kept_by(served).total() >= written.total(), 30, "all lines have arrived")
        assert kept_by(served) == written

    def test_twice_while_nobody_looked(self, served, logs, log):
        written = write(log, range(100))
        agent = logs(served)
        wait_until(lambda: kept_by(served) == written, 30, "the first lines have arrived")
        # Lines whose answer has not been noted would be handed in again.
        wait_until(
            lambda: read_so_far(agent) == 100 and not total(agent, "spool_bytes"), 10, "noted"
        )
        agent.kill()
        written += write(log, range(100, 200))
        log.rename(log.with_name("access.log.2"))
        written += write(log, range(200, 300))
        log.rename(log.with_name("access.log.1"))
        written += write(log, range(300, 400))

        logs(served)

        wait_until(lambda: kept_by(served).total() >= 400, 30, "all lines have arrived")
        assert kept_by(served) == written

    def test_files_that_were_rotated_before_it_came_are_left(self, served, logs, log):
        write(log.with_name("access.log.1"), range(100, 200))
        written = write(log, range(10))

        agent = logs(served, options=["--once"])

        assert agent.ended() == (0, "")
        assert kept_by(served) == written

    def test_a_log_that_is_not_there_yet(self, served, logs, log):
        agent = logs(served)
        wait_until(lambda: agent.healthz() == (503, f"{log}: is not there\n"), 30, "it says so")

        written = write(log, range(3))

        wait_until(lambda: kept_by(served) == written, 20, "the lines have arrived")
        wait_until(lambda: agent.healthz() == (200, "ok\n"), 10, "all is well")
        assert agent.said.count("is not there") == 1

    def test_half_a_line_waits(self, served, logs, log):
        written = write(log, range(3))
        with log.open("a") as file:
            file.write(line(3)[:20])
            file.flush()
            logs(served)
            wait_until(lambda: kept_by(served) == written, 30, "whole lines have arrived")
            file.write(line(3)[20:] + "\n")

        wait_until(
            lambda: kept_by(served) == written + Counter(["/main/3"]), 20, "the line has arrived"
        )


class TestEnding:
    def test_a_wrong_secret_is_one_line_and_status_2(self, served, logs, log):
        write(log, range(3))

        status, said = logs(served, secret="wrong").ended()

        assert (status, said.count("\n")) == (2, 1)
        assert said.startswith("Error: ")
        assert said.endswith("hall is refused: 403 ERROR SECRET\n")
        assert "wrong" not in said

    def test_a_tracker_that_hangs_keeps_it_for_less_than_two_seconds(self, stand_in, logs, log):
        stand_in.says["*"] = endless_response(stand_in.over, b" ", 0.1)
        write(log, range(3))
        agent = logs(stand_in)
        stand_in.wait_for(1, 30)

        assert agent.terminate() < 2

        assert agent.process.returncode == 0


class TestWhatIsInALine:
    def test_odd_bytes_are_sent_as_they_are(self, keeper, logs, log):
        odd = (
            b"caf\xc3\xa9 & 100% +1=2;3",
            b"\xff\xfe not UTF-8",
            b"\x00\x1b[2J\r",
            b"",
            b"x" * 40_000,
        )
        log.write_bytes(b"".join(one + b"\n" for one in odd))

        assert logs(keeper, options=["--once"]).ended() == (0, "")

        sent = [one.encode("utf-8", "surrogateescape") for one in keeper.lines.elements()]
        assert sorted(sent) == sorted(odd)

    def test_the_tracker_takes_odd_bytes(self, served, logs, log):
        log.write_bytes(line(1, agent="VLC \xff").encode("latin-1") + b"\n\x00\xff\n")

        assert logs(served, options=["--once"]).ended() == (0, "")

        assert kept_by(served) == Counter(["/main/1"])

    def test_a_line_without_end_is_dropped_and_counted(self, keeper, logs, log):
        log.write_bytes(b"first\n" + b"x" * 1_000_000 + b"\n" + b"y" * 200_000 + b"\nlast\n")
        agent = logs(keeper, batch="64k")

        wait_until(lambda: keeper.lines.total() >= 3, 30, "the others have arrived")

        assert keeper.lines == Counter(["first", "y" * 200_000, "last"])
        assert total(agent, "log_lines_too_long_total") == 1
