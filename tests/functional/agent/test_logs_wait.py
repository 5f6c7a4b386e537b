"""`encoder logs` when trackers or the disk take nothing: all is kept, and comes once."""

import contextlib
import resource
import sqlite3
from collections import Counter

import pytest
import urllib3

from .conftest import wait_until
from .logs import kept_by, read_so_far, requested, total, write

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class TestTheTrackerIsAway:
    def test_an_hour_is_made_up_for(self, served, logs, log):
        agent = logs(served)
        written = write(log, range(10))
        wait_until(lambda: kept_by(served) == written, 30, "the first lines have arrived")
        # The tracker has written them before it says so.
        wait_until(lambda: total(agent, "log_lines_waiting") == 0, 10, "the agent knows")
        served.stop()
        for begin in range(10, 60_010, 20_000):
            written += write(log, range(begin, begin + 20_000))
            log.rename(log.with_name("access.log.1"))
            log.touch()
            wait_until(
                lambda end=begin: read_so_far(agent) == end + 20_000, 30, "lines are spooled"
            )
            log.with_name("access.log.1").unlink()
        _, words = wait_until(
            lambda: agent.healthz()[0] == 503 and agent.healthz(), 10, "it says so"
        )
        assert "cannot be reached" in words

        served.start(served.port)

        wait_until(lambda: kept_by(served).total() >= written.total(), 90, "all lines have arrived")
        assert kept_by(served) == written
        assert total(agent, "log_lines_waiting") == total(agent, "spool_bytes") == 0
        assert agent.resident() < 60
        # What is empty does not lie around on the disk.
        wait_until(
            lambda: (agent.ini.parent / "state/logs.sqlite").stat().st_size < 2**21, 10, "small"
        )

    def test_killed_again_and_again_meanwhile(self, keeper, logs, writer):
        keeper.refusing = (503, {}, b"ERROR LOGS the logs cannot be written now\n")
        server = writer()
        for _ in range(4):
            agent = logs(keeper, batch="64k")
            before = wait_until(lambda agent=agent: read_so_far(agent), 30, "lines are read")
            wait_until(
                lambda agent=agent, n=before: read_so_far(agent) > n + 50, 20, "lines are read"
            )
            agent.kill()
        keeper.refusing = None
        logs(keeper, batch="64k")
        written = server.stop()

        wait_until(lambda: keeper.lines.total() >= written.total(), 30, "all lines have arrived")
        assert requested(keeper.lines.elements()) == written

    @pytest.mark.parametrize("killed", [False, True])
    def test_lines_whose_answer_was_lost_come_once(self, served, stand_in, logs, log, killed):
        """A proxy gives the tracker up before it answers, and more lines come meanwhile."""
        answers = []

        def proxy(asked):
            with urllib3.PoolManager() as pool:
                answers.append(
                    pool.request("POST", served.url + asked.path, body=asked.body, headers=FORM)
                )
            if len(answers) == 1:
                write(log, range(100, 200))
            lost = len(answers) == 1 or (killed and len(answers) == 2)
            return (503, {}, b"<html>") if lost else (answers[-1].status, {}, answers[-1].data)

        stand_in.says["*"] = proxy
        write(log, range(100))
        agent = logs(stand_in)
        wait_until(lambda: answers, 30, "lines were taken, and nobody heard that")
        if killed:
            wait_until(lambda: read_so_far(agent) == 200, 30, "more lines are there")
            agent.kill()
            agent = logs(stand_in)
        written = Counter(f"/main/{number}" for number in range(200))

        wait_until(lambda: kept_by(served).total() >= 200, 30, "all lines have arrived")
        wait_until(lambda: total(agent, "log_lines_waiting") == 0, 30, "and the agent knows that")

        assert kept_by(served) == written

    def test_with_a_tracker_that_knows_no_batches_they_come_twice(self, keeper, logs, log):
        keeper.lose_answer, keeper.knows_batches = True, False
        written = write(log, range(100))
        agent = logs(keeper)
        wait_until(lambda: keeper.lost, 30, "lines were taken, and nobody heard that")
        written += write(log, range(100, 200))

        wait_until(
            lambda: total(agent, "log_lines_sent_total") >= 200, 30, "all lines have arrived"
        )

        assert requested(keeper.lines.elements()) == written + requested(keeper.lost)

    def test_beyond_the_bound_the_oldest_go_and_are_counted(self, keeper, logs, log):
        keeper.refusing = (503, {}, b"")
        agent = logs(keeper, spool="1M")
        written = write(log, range(30_000))
        wait_until(lambda: read_so_far(agent) == 30_000, 30, "all lines are read")
        spool = agent.ini.parent / "state/logs.sqlite"
        assert total(agent, "spool_bytes") <= 2**20
        assert spool.stat().st_size < 1.5 * 2**20
        dropped = dropped_by(agent)
        keeper.refusing = None

        wait_until(lambda: keeper.lines.total() >= 30_000 - dropped, 40, "the rest has arrived")

        assert 10_000 < dropped < 30_000
        arrived = requested(keeper.lines.elements())
        assert arrived == Counter(f"/main/{number}" for number in range(dropped, 30_000))
        assert arrived <= written
        line_of_it = f"{dropped} lines were dropped while it took none"
        wait_until(lambda: line_of_it in agent.said, 10, "it says how many")
        assert agent.said.count("the oldest lines are dropped") == 1

    def test_what_was_dropped_is_counted_and_told_once_through_restarts(self, keeper, logs, log):
        keeper.refusing = (503, {}, b"")
        agent = logs(keeper, spool="1M")
        write(log, range(20_000))
        wait_until(lambda: read_so_far(agent) == 20_000, 30, "all lines are read")
        dropped = dropped_by(agent)
        agent.kill()
        keeper.refusing = None

        told = logs(keeper, spool="1M")
        line_of_it = f"{dropped} lines were dropped while it took none"
        wait_until(lambda: line_of_it in told.said, 30, "it says how many")
        wait_until(lambda: total(told, "log_lines_waiting") == 0, 30, "the rest has arrived")
        assert dropped_by(told) == dropped > 0
        told.kill()
        write(log, range(20_000, 20_010))
        again = logs(keeper, spool="1M")
        wait_until(lambda: total(again, "log_lines_sent_total") == 10, 30, "more has arrived")

        assert dropped_by(again) == dropped
        # All three write to the same log.
        assert again.said.count("lines were dropped") == 1
        assert again.said.count("the oldest lines are dropped") == 1

    def test_one_of_two_is_away(self, served, keeper, logs, log):
        keeper.refusing = (500, {}, b"")
        agent = logs(served, keeper)
        written = write(log, range(500))
        wait_until(lambda: kept_by(served) == written, 30, "one tracker has all lines")
        wait_until(lambda: agent.healthz()[0] == 503, 10, "it says that the other one refuses them")
        keeper.refusing = None

        wait_until(lambda: keeper.lines.total() >= 500, 30, "the other one has them, too")

        assert requested(keeper.lines.elements()) == written
        assert kept_by(served) == written

    def test_a_room_that_it_does_not_know_holds_up_no_other(self, served, logs, log):
        other = log.with_name("other.log")
        write(other, range(5))
        written = write(log, range(5))
        agent = logs(served, files=[f"{other} = cellar\n    {log}"])

        wait_until(lambda: kept_by(served) == written, 30, "the hall's lines have arrived")

        wait_until(
            lambda: "cellar is refused: 404 ERROR GROUP" in agent.healthz()[1], 10, "it says so"
        )
        assert total(agent, "log_lines_waiting") == 5

    def test_a_proxy_that_takes_less_gets_less(self, keeper, logs, log):
        keeper.most = 100_000
        agent = logs(keeper, batch="3M")
        written = write(log, range(10_000))

        wait_until(lambda: keeper.lines.total() >= 10_000, 30, "all lines have arrived")

        assert requested(keeper.lines.elements()) == written
        assert keeper.largest <= 100_000
        assert "half as much is handed in at once" in agent.said


class TestTheDisk:
    def test_a_full_one_loses_nothing(self, keeper, logs, log):
        keeper.refusing = (503, {}, b"")
        agent = logs(keeper)
        written = write(log, range(100))
        wait_until(lambda: read_so_far(agent) == 100, 30, "the first lines are read")
        no_more = (agent.ini.parent / "state/logs.sqlite").stat().st_size + 100_000
        resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (no_more, -1))
        written += write(log, range(100, 20_000))
        wait_until(
            lambda: "logs.sqlite" in agent.healthz()[1], 20, "it says that it cannot be written"
        )
        resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
        keeper.refusing = None

        wait_until(lambda: keeper.lines.total() >= 20_000, 40, "all lines have arrived")

        assert requested(keeper.lines.elements()) == written
        assert "lines wait in their logs" in agent.said
        wait_until(lambda: agent.healthz() == (200, "ok\n"), 10, "all is well")

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
        wait_until(lambda: first.healthz()[0] == 200, 30, "it runs")

        status, said = logs(keeper).ended()

        assert (status, said.count("\n")) == (1, 1)
        assert said.endswith("is this service running twice?\n")

    def test_one_of_an_earlier_version_is_used_on(self, keeper, logs, log, tmp_path):
        keeper.refusing = (503, {}, b"")
        agent = logs(keeper)
        written = write(log, range(10))
        wait_until(lambda: read_so_far(agent) == 10, 30, "all lines are read")
        agent.kill()
        with contextlib.closing(sqlite3.connect(tmp_path / "agent/state/logs.sqlite")) as spool:
            spool.execute("DROP TABLE dropped")
        keeper.refusing = None

        logs(keeper)

        wait_until(lambda: keeper.lines, 30, "the lines have arrived")
        assert requested(keeper.lines.elements()) == written


def dropped_by(agent):
    """How many lines a tracker will never have, since the spool was full."""
    [dropped] = [
        int(value)
        for labels, value in agent.metric("log_lines_dropped_total").items()
        if "spool full" in labels
    ]
    return dropped
