"""`encoder logs` as a process, with a tracker that is served, and files that are really written."""

import gzip
import os
import resource
import shutil
import time
from collections import Counter

import pytest

from ..conftest import SECRET
from .conftest import soon
from .keeper import Keeper
from .logs import Writer, kept_by, line, requested, section
from .running import RunningAgent
from .servers import free_port
from .standin import endless


@pytest.fixture
def log(tmp_path):
    folder = tmp_path / "nginx"
    folder.mkdir()
    return folder / "access.log"


@pytest.fixture
def keeper():
    with Keeper() as keeper:
        yield keeper


@pytest.fixture
def writer(log):
    """Return a function that starts a process that writes."""
    started = []

    def writer(**more):
        started.append(Writer(log, **more))
        soon(log.exists, 10, "the log is written")
        return started[-1]

    yield writer
    for one in started:
        one.stop()


@pytest.fixture
def logs(tmp_path, log):
    """Return a function that starts `encoder logs`; all that it starts have one state."""
    started = []

    def logs(*trackers, secret=SECRET, options=(), files=(), **more):
        port = free_port()
        one = RunningAgent(
            tmp_path / "agent",
            command="logs",
            options=options,
            status_port=port,
            trackers=[tracker.url for tracker in trackers],
            token=f"secret = {secret}",
            sources=section(*(files or [log]), port=port, **more),
        )
        started.append(one)
        return one

    yield logs
    for one in started:
        one.stop()


def write(log, numbers):
    """Write lines to a log; return them as they arrive."""
    with log.open("a") as file:
        file.writelines(f"{line(number)}\n" for number in numbers)
    return Counter(f"/main/{number}" for number in numbers)


def total(agent, name):
    return sum(agent.metric(name).values())


def read_so_far(agent):
    return total(agent, "log_lines_read_total")


class TestRotation:
    """A process writes on all the time; at the end, every line is at the tracker once."""

    def test_by_rename_and_packed_at_once(self, served, logs, writer, log):
        server = writer()
        agent = logs(served)
        for _ in range(4):
            before = soon(lambda: read_so_far(agent), 30, "lines are read")
            soon(lambda before=before: read_so_far(agent) > before + 50, 20, "lines are read")
            rotated = log.with_name("access.log.1")
            log.rename(rotated)
            # The server writes to the old file until it is told.
            time.sleep(0.1)
            server.reopen()
            with rotated.open("rb") as plain, gzip.open(f"{rotated}.gz", "wb") as packed:
                shutil.copyfileobj(plain, packed)
            rotated.unlink()

        written = server.stop()

        soon(lambda: kept_by(served).total() >= written.total(), 30, "all lines have arrived")
        assert kept_by(served) == written

    def test_by_copytruncate(self, served, logs, writer, log):
        server = writer()
        agent = logs(served)
        for number in range(4):
            before = soon(lambda: read_so_far(agent), 30, "lines are read")
            soon(lambda before=before: read_so_far(agent) > before + 50, 20, "lines are read")
            # What is written between copying and emptying is lost by copytruncate itself.
            with server.held():
                shutil.copy(log, log.with_name(f"access.log-2026112{number}"))
                os.truncate(log, 0)

        written = server.stop()

        soon(lambda: kept_by(served).total() >= written.total(), 30, "all lines have arrived")
        assert kept_by(served) == written

    def test_twice_while_nobody_looked(self, served, logs, log):
        written = write(log, range(100))
        agent = logs(served)
        soon(lambda: kept_by(served) == written, 30, "the first lines have arrived")
        agent.kill()
        written += write(log, range(100, 200))
        log.rename(log.with_name("access.log.2"))
        written += write(log, range(200, 300))
        log.rename(log.with_name("access.log.1"))
        written += write(log, range(300, 400))

        logs(served)

        soon(lambda: kept_by(served).total() >= 400, 30, "all lines have arrived")
        assert kept_by(served) == written

    def test_files_that_were_rotated_before_it_came_are_left(self, served, logs, log):
        write(log.with_name("access.log.1"), range(100, 200))
        written = write(log, range(10))

        agent = logs(served, options=["--once"])

        assert agent.ended() == (0, "")
        assert kept_by(served) == written

    def test_a_log_that_is_not_there_yet(self, served, logs, log):
        agent = logs(served)
        soon(lambda: agent.healthz() == (503, f"{log}: is not there\n"), 30, "it says so")

        written = write(log, range(3))

        soon(lambda: kept_by(served) == written, 20, "the lines have arrived")
        soon(lambda: agent.healthz() == (200, "ok\n"), 10, "all is well")
        assert agent.said.count("is not there") == 1

    def test_half_a_line_waits(self, served, logs, log):
        written = write(log, range(3))
        with log.open("a") as file:
            file.write(line(3)[:20])
            file.flush()
            logs(served)
            soon(lambda: kept_by(served) == written, 30, "whole lines have arrived")
            file.write(line(3)[20:] + "\n")

        soon(lambda: kept_by(served) == written + Counter(["/main/3"]), 20, "the line has arrived")


class TestTheTrackerIsAway:
    def test_an_hour_is_made_up_for(self, served, logs, log):
        agent = logs(served)
        written = write(log, range(10))
        soon(lambda: kept_by(served) == written, 30, "the first lines have arrived")
        served.stop()
        for begin in range(10, 60_010, 20_000):
            written += write(log, range(begin, begin + 20_000))
            log.rename(log.with_name("access.log.1"))
            log.touch()
            soon(lambda end=begin: read_so_far(agent) == end + 20_000, 30, "lines are spooled")
            log.with_name("access.log.1").unlink()
        _, words = soon(lambda: agent.healthz()[0] == 503 and agent.healthz(), 10, "it says so")
        assert "cannot be reached" in words

        served.start(served.port)

        soon(lambda: kept_by(served).total() >= written.total(), 90, "all lines have arrived")
        assert kept_by(served) == written
        assert total(agent, "log_lines_waiting") == total(agent, "spool_bytes") == 0
        assert agent.resident() < 60
        # What is empty does not lie around on the disk.
        soon(lambda: (agent.ini.parent / "state/logs.sqlite").stat().st_size < 2**21, 10, "small")

    def test_killed_again_and_again_meanwhile(self, keeper, logs, writer):
        keeper.refusing = (503, {}, b"ERROR LOGS the logs cannot be written now\n")
        server = writer()
        for _ in range(4):
            agent = logs(keeper, batch="64k")
            before = soon(lambda agent=agent: read_so_far(agent), 30, "lines are read")
            soon(lambda agent=agent, n=before: read_so_far(agent) > n + 50, 20, "lines are read")
            agent.kill()
        keeper.refusing = None
        logs(keeper, batch="64k")
        written = server.stop()

        soon(lambda: keeper.lines.total() >= written.total(), 30, "all lines have arrived")
        assert requested(keeper.lines.elements()) == written

    def test_lines_whose_answer_was_lost_come_twice_and_no_others(self, keeper, logs, log):
        keeper.lose_answer = True
        written = write(log, range(100))
        agent = logs(keeper)
        soon(lambda: keeper.lost, 30, "lines were taken, and nobody heard that")
        written += write(log, range(100, 200))

        soon(lambda: total(agent, "log_lines_sent_total") >= 200, 30, "all lines have arrived")

        assert requested(keeper.lines.elements()) == written + requested(keeper.lost)

    def test_beyond_the_bound_the_oldest_go_and_are_counted(self, keeper, logs, log):
        keeper.refusing = (503, {}, b"")
        agent = logs(keeper, spool="1M")
        written = write(log, range(30_000))
        soon(lambda: read_so_far(agent) == 30_000, 30, "all lines are read")
        spool = agent.ini.parent / "state/logs.sqlite"
        assert total(agent, "spool_bytes") <= 2**20
        assert spool.stat().st_size < 1.5 * 2**20
        [dropped] = [
            int(value)
            for labels, value in agent.metric("log_lines_dropped_total").items()
            if "spool full" in labels
        ]
        keeper.refusing = None

        soon(lambda: keeper.lines.total() >= 30_000 - dropped, 40, "the rest has arrived")

        assert 10_000 < dropped < 30_000
        arrived = requested(keeper.lines.elements())
        assert arrived == Counter(f"/main/{number}" for number in range(dropped, 30_000))
        assert arrived <= written
        line_of_it = f"{dropped} lines were dropped while it took none"
        soon(lambda: line_of_it in agent.said, 10, "it says how many")
        assert agent.said.count("the oldest lines are dropped") == 1

    def test_one_of_two_is_away(self, served, keeper, logs, log):
        keeper.refusing = (500, {}, b"")
        agent = logs(served, keeper)
        written = write(log, range(500))
        soon(lambda: kept_by(served) == written, 30, "one tracker has all lines")
        assert agent.healthz()[0] == 503
        keeper.refusing = None

        soon(lambda: keeper.lines.total() >= 500, 30, "the other one has them, too")

        assert requested(keeper.lines.elements()) == written
        assert kept_by(served) == written

    def test_a_room_that_it_does_not_know_holds_up_no_other(self, served, logs, log):
        other = log.with_name("other.log")
        write(other, range(5))
        written = write(log, range(5))
        agent = logs(served, files=[f"{other} = cellar\n    {log}"])

        soon(lambda: kept_by(served) == written, 30, "the hall's lines have arrived")

        soon(lambda: "cellar is refused: 404 ERROR GROUP" in agent.healthz()[1], 10, "it says so")
        assert total(agent, "log_lines_waiting") == 5

    def test_a_proxy_that_takes_less_gets_less(self, keeper, logs, log):
        keeper.most = 100_000
        agent = logs(keeper, batch="3M")
        written = write(log, range(10_000))

        soon(lambda: keeper.lines.total() >= 10_000, 30, "all lines have arrived")

        assert requested(keeper.lines.elements()) == written
        assert keeper.largest <= 100_000
        assert "half as much is handed in at once" in agent.said


class TestTheDisk:
    def test_a_full_one_loses_nothing(self, keeper, logs, log):
        keeper.refusing = (503, {}, b"")
        agent = logs(keeper)
        written = write(log, range(100))
        soon(lambda: read_so_far(agent) == 100, 30, "the first lines are read")
        no_more = (agent.ini.parent / "state/logs.sqlite").stat().st_size + 100_000
        resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (no_more, -1))
        written += write(log, range(100, 20_000))
        soon(lambda: "logs.sqlite" in agent.healthz()[1], 20, "it says that it cannot be written")
        resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
        keeper.refusing = None

        soon(lambda: keeper.lines.total() >= 20_000, 40, "all lines have arrived")

        assert requested(keeper.lines.elements()) == written
        assert "lines wait in their logs" in agent.said
        soon(lambda: agent.healthz() == (200, "ok\n"), 10, "all is well")

    def test_a_spool_that_is_damaged_is_one_line(self, keeper, logs, tmp_path):
        (tmp_path / "agent/state").mkdir(parents=True)
        (tmp_path / "agent/state/logs.sqlite").write_bytes(b"x" * 10_000)

        status, said = logs(keeper).ended()

        assert status == 1
        assert "logs.sqlite: is damaged: move it away" in said
        assert said.count("\n") == 1

    def test_two_of_them_are_one_too_many(self, keeper, logs, log):
        log.touch()
        first = logs(keeper)
        soon(lambda: first.healthz()[0] == 200, 30, "it runs")

        status, said = logs(keeper).ended()

        assert (status, said.count("\n")) == (1, 1)
        assert said.endswith("is this service running twice?\n")


class TestEnding:
    def test_a_wrong_secret_is_one_line_and_status_2(self, served, logs, log):
        write(log, range(3))

        status, said = logs(served, secret="wrong").ended()

        assert (status, said.count("\n")) == (2, 1)
        assert said.startswith("Error: ")
        assert said.endswith("hall is refused: 403 ERROR SECRET\n")
        assert "wrong" not in said

    def test_a_tracker_that_hangs_keeps_it_for_less_than_two_seconds(self, stand_in, logs, log):
        stand_in.says["*"] = endless(stand_in.over, b" ", 0.1)
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

        soon(lambda: keeper.lines.total() >= 3, 30, "the others have arrived")

        assert keeper.lines == Counter(["first", "y" * 200_000, "last"])
        assert total(agent, "log_lines_too_long_total") == 1
