"""Log shipping as a process, with a real tracker and real log files."""

import gzip
import os
import shutil
import time
from collections import Counter

from .conftest import wait_until
from .fake_server import endless_response
from .log_files import append_lines, line, lines_read, metric_total, stored_paths


class TestRotation:
    """A process writes continuously; at the end, the tracker has every line once."""

    def test_renamed_and_compressed_log_arrives_once(self, served, logs, writer, log):
        server = writer()
        agent = logs(served)
        before = 0
        for _ in range(4):
            # The agent must open the file before it is renamed and deleted.
            wait_until(
                lambda n=before: lines_read(agent) > n + 50, 30, "lines of this file are read"
            )
            rotated = log.with_name("access.log.1")
            log.rename(rotated)
            # The server writes to the old file until it reopens its log.
            time.sleep(0.1)
            before = server.reopen()
            with rotated.open("rb") as source, gzip.open(f"{rotated}.gz", "wb") as target:
                shutil.copyfileobj(source, target)
            rotated.unlink()

        written = server.stop()

        wait_until(
            lambda: stored_paths(served).total() >= written.total(), 30, "all lines have arrived"
        )
        assert stored_paths(served) == written

    def test_log_with_copytruncate_arrives_once(self, served, logs, writer, log):
        server = writer()
        agent = logs(served)
        for number in range(4):
            before = wait_until(lambda: lines_read(agent), 30, "lines are read")
            wait_until(lambda before=before: lines_read(agent) > before + 50, 20, "lines are read")
            # copytruncate itself loses lines that are written between the two steps.
            with server.paused():
                shutil.copy(log, log.with_name(f"access.log-2026112{number}"))
                os.truncate(log, 0)

        written = server.stop()

        wait_until(
            lambda: stored_paths(served).total() >= written.total(), 30, "all lines have arrived"
        )
        assert stored_paths(served) == written

    def test_log_that_was_rotated_twice_during_a_restart_arrives_once(self, served, logs, log):
        written = append_lines(log, range(100))
        agent = logs(served)
        wait_until(lambda: stored_paths(served) == written, 30, "the first lines have arrived")
        wait_until(
            lambda: lines_read(agent) == 100 and not metric_total(agent, "spool_bytes"),
            10,
            "the acknowledgement is saved",
        )
        agent.kill()
        written += append_lines(log, range(100, 200))
        log.rename(log.with_name("access.log.2"))
        written += append_lines(log, range(200, 300))
        log.rename(log.with_name("access.log.1"))
        written += append_lines(log, range(300, 400))

        logs(served)

        wait_until(lambda: stored_paths(served).total() >= 400, 30, "all lines have arrived")
        assert stored_paths(served) == written

    def test_older_rotated_files_are_not_sent(self, served, logs, log):
        append_lines(log.with_name("access.log.1"), range(100, 200))
        written = append_lines(log, range(10))

        agent = logs(served, options=["--once"])

        assert agent.wait_for_exit() == (0, "")
        assert stored_paths(served) == written

    def test_missing_log_is_reported_and_sent_later(self, served, logs, log):
        agent = logs(served)
        wait_until(
            lambda: agent.healthz() == (503, f"{log}: does not exist\n"), 30, "it is reported"
        )

        written = append_lines(log, range(3))

        wait_until(lambda: stored_paths(served) == written, 20, "the lines have arrived")
        wait_until(lambda: agent.healthz() == (200, "ok\n"), 10, "the agent is healthy")
        assert agent.output.count("does not exist") == 1

    def test_incomplete_line_is_sent_after_its_end(self, served, logs, log):
        written = append_lines(log, range(3))
        with log.open("a") as file:
            file.write(line(3)[:20])
            file.flush()
            logs(served)
            wait_until(lambda: stored_paths(served) == written, 30, "whole lines have arrived")
            file.write(line(3)[20:] + "\n")

        wait_until(
            lambda: stored_paths(served) == written + Counter(["/main/3"]),
            20,
            "the line has arrived",
        )


class TestShutdown:
    def test_wrong_secret_is_one_line_and_status_2(self, served, logs, log):
        append_lines(log, range(3))

        status, output = logs(served, secret="wrong").wait_for_exit()

        assert (status, output.count("\n")) == (2, 1)
        assert output.startswith("Error: ")
        assert output.endswith("hall is refused: 200 ERROR SECRET\n")
        assert "wrong" not in output

    def test_hanging_tracker_delays_the_exit_by_less_than_two_seconds(self, fake_server, logs, log):
        fake_server.responses["*"] = endless_response(fake_server.stopped, b" ", 0.1)
        append_lines(log, range(3))
        agent = logs(fake_server)
        fake_server.wait_for(1, 30)

        assert agent.terminate() < 2

        assert agent.process.returncode == 0


class TestLineContent:
    def test_bytes_of_a_line_are_sent_unchanged(self, log_tracker, logs, log):
        lines = (
            b"caf\xc3\xa9 & 100% +1=2;3",
            b"\xff\xfe not UTF-8",
            b"\x00\x1b[2J\r",
            b"",
            b"x" * 40_000,
        )
        log.write_bytes(b"".join(one + b"\n" for one in lines))

        assert logs(log_tracker, options=["--once"]).wait_for_exit() == (0, "")

        sent = [one.encode("utf-8", "surrogateescape") for one in log_tracker.lines.elements()]
        assert sorted(sent) == sorted(lines)

    def test_tracker_accepts_invalid_bytes(self, served, logs, log):
        log.write_bytes(line(1, agent="VLC \xff").encode("latin-1") + b"\n\x00\xff\n")

        assert logs(served, options=["--once"]).wait_for_exit() == (0, "")

        assert stored_paths(served) == Counter(["/main/1"])

    def test_oversized_line_is_dropped_and_counted(self, log_tracker, logs, log):
        log.write_bytes(b"first\n" + b"x" * 1_000_000 + b"\n" + b"y" * 200_000 + b"\nlast\n")
        agent = logs(log_tracker, batch="64k")

        wait_until(lambda: log_tracker.lines.total() >= 3, 30, "the other lines have arrived")

        assert log_tracker.lines == Counter(["first", "y" * 200_000, "last"])
        assert metric_total(agent, "log_lines_too_long_total") == 1
