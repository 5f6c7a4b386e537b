"""Log shipping while trackers or the disk fail: lines wait, and arrive once."""

import contextlib
import resource
import sqlite3
from collections import Counter

import pytest
import urllib3

from .conftest import wait_until
from .log_files import append_lines, count_paths, lines_read, metric_total, stored_paths

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class TestTrackerOutage:
    def test_lines_of_a_long_outage_arrive_once(self, served, logs, log):
        agent = logs(served)
        written = append_lines(log, range(10))
        wait_until(lambda: stored_paths(served) == written, 30, "the first lines have arrived")
        # The tracker stores them before it responds.
        wait_until(
            lambda: metric_total(agent, "log_lines_waiting") == 0, 10, "the response has arrived"
        )
        served.stop()
        for begin in range(10, 60_010, 20_000):
            written += append_lines(log, range(begin, begin + 20_000))
            log.rename(log.with_name("access.log.1"))
            log.touch()
            wait_until(lambda end=begin: lines_read(agent) == end + 20_000, 30, "lines are spooled")
            log.with_name("access.log.1").unlink()
        _, message = wait_until(
            lambda: agent.healthz()[0] == 503 and agent.healthz(), 10, "it is reported"
        )
        assert "cannot be reached" in message

        served.start(served.port)

        wait_until(
            lambda: stored_paths(served).total() >= written.total(), 90, "all lines have arrived"
        )
        assert stored_paths(served) == written
        assert metric_total(agent, "log_lines_waiting") == metric_total(agent, "spool_bytes") == 0
        assert agent.resident_mib() < 60
        wait_until(
            lambda: (agent.ini.parent / "state/logs.sqlite").stat().st_size < 2**21,
            10,
            "the empty spool is small",
        )

    def test_lines_arrive_once_after_crashes_during_an_outage(self, log_tracker, logs, writer):
        log_tracker.error_response = (503, {}, b"ERROR LOGS the logs cannot be written now\n")
        server = writer()
        for _ in range(4):
            agent = logs(log_tracker, batch="64k")
            before = wait_until(lambda agent=agent: lines_read(agent), 30, "lines are read")
            wait_until(
                lambda agent=agent, n=before: lines_read(agent) > n + 50, 20, "lines are read"
            )
            agent.kill()
        log_tracker.error_response = None
        logs(log_tracker, batch="64k")
        written = server.stop()

        wait_until(
            lambda: log_tracker.lines.total() >= written.total(), 30, "all lines have arrived"
        )
        assert count_paths(log_tracker.lines.elements()) == written

    @pytest.mark.parametrize("killed", [False, True])
    def test_lines_arrive_once_after_a_lost_response(self, served, fake_server, logs, log, killed):
        """A proxy times out before the tracker responds, while more lines are written."""
        responses = []

        def proxy(request):
            with urllib3.PoolManager() as pool:
                responses.append(
                    pool.request("POST", served.url + request.path, body=request.body, headers=FORM)
                )
            if len(responses) == 1:
                append_lines(log, range(100, 200))
            lost = len(responses) == 1 or (killed and len(responses) == 2)
            return (503, {}, b"<html>") if lost else (responses[-1].status, {}, responses[-1].data)

        fake_server.responses["*"] = proxy
        append_lines(log, range(100))
        agent = logs(fake_server)
        wait_until(lambda: responses, 30, "the tracker has lines without acknowledgement")
        if killed:
            wait_until(lambda: lines_read(agent) == 200, 30, "more lines are read")
            agent.kill()
            agent = logs(fake_server)
        written = Counter(f"/main/{number}" for number in range(200))

        wait_until(lambda: stored_paths(served).total() >= 200, 30, "all lines have arrived")
        wait_until(
            lambda: metric_total(agent, "log_lines_waiting") == 0, 30, "the agent has the response"
        )

        assert stored_paths(served) == written

    def test_lines_arrive_twice_at_a_tracker_without_batch_names(self, log_tracker, logs, log):
        log_tracker.lose_response, log_tracker.recognises_batches = True, False
        written = append_lines(log, range(100))
        agent = logs(log_tracker)
        wait_until(
            lambda: log_tracker.lost_lines, 30, "the tracker has lines without acknowledgement"
        )
        written += append_lines(log, range(100, 200))

        wait_until(
            lambda: metric_total(agent, "log_lines_sent_total") >= 200, 30, "all lines have arrived"
        )

        assert count_paths(log_tracker.lines.elements()) == written + count_paths(
            log_tracker.lost_lines
        )

    def test_full_spool_drops_and_counts_the_oldest_lines(self, log_tracker, logs, log):
        log_tracker.error_response = (503, {}, b"")
        agent = logs(log_tracker, spool="1M")
        written = append_lines(log, range(30_000))
        wait_until(lambda: lines_read(agent) == 30_000, 30, "all lines are read")
        spool = agent.ini.parent / "state/logs.sqlite"
        assert metric_total(agent, "spool_bytes") <= 2**20
        assert spool.stat().st_size < 1.5 * 2**20
        dropped = dropped_by(agent)
        log_tracker.error_response = None

        wait_until(
            lambda: log_tracker.lines.total() >= 30_000 - dropped, 40, "the rest has arrived"
        )

        assert 10_000 < dropped < 30_000
        arrived = count_paths(log_tracker.lines.elements())
        assert arrived == Counter(f"/main/{number}" for number in range(dropped, 30_000))
        assert arrived <= written
        message = f"{dropped} lines were dropped because the spool was full"
        wait_until(lambda: message in agent.output, 10, "the number is logged")
        assert agent.output.count("the oldest lines are dropped") == 1

    def test_dropped_lines_are_counted_and_logged_once_across_restarts(
        self, log_tracker, logs, log
    ):
        log_tracker.error_response = (503, {}, b"")
        agent = logs(log_tracker, spool="1M")
        append_lines(log, range(20_000))
        wait_until(lambda: lines_read(agent) == 20_000, 30, "all lines are read")
        dropped = dropped_by(agent)
        agent.kill()
        log_tracker.error_response = None

        second = logs(log_tracker, spool="1M")
        message = f"{dropped} lines were dropped because the spool was full"
        wait_until(lambda: message in second.output, 30, "the number is logged")
        wait_until(
            lambda: metric_total(second, "log_lines_waiting") == 0, 30, "the rest has arrived"
        )
        assert dropped_by(second) == dropped > 0
        second.kill()
        append_lines(log, range(20_000, 20_010))
        third = logs(log_tracker, spool="1M")
        wait_until(
            lambda: metric_total(third, "log_lines_sent_total") == 10, 30, "more has arrived"
        )

        assert dropped_by(third) == dropped
        # All three agents write to the same log.
        assert third.output.count("lines were dropped") == 1
        assert third.output.count("the oldest lines are dropped") == 1

    def test_one_of_two_trackers_is_unavailable(self, served, log_tracker, logs, log):
        log_tracker.error_response = (500, {}, b"")
        agent = logs(served, log_tracker)
        written = append_lines(log, range(500))
        wait_until(lambda: stored_paths(served) == written, 30, "one tracker has all lines")
        wait_until(lambda: agent.healthz()[0] == 503, 10, "the error of the other one is reported")
        log_tracker.error_response = None

        wait_until(lambda: log_tracker.lines.total() >= 500, 30, "the other tracker has them, too")

        assert count_paths(log_tracker.lines.elements()) == written
        assert stored_paths(served) == written

    def test_unknown_room_does_not_delay_other_rooms(self, served, logs, log):
        other = log.with_name("other.log")
        append_lines(other, range(5))
        written = append_lines(log, range(5))
        agent = logs(served, files=[f"{other} = cellar\n    {log}"])

        wait_until(lambda: stored_paths(served) == written, 30, "the hall's lines have arrived")

        wait_until(
            lambda: "cellar is refused: 200 ERROR GROUP" in agent.healthz()[1], 10, "it is reported"
        )
        # The others leave the spool after the tracker has stored them.
        wait_until(lambda: metric_total(agent, "log_lines_waiting") == 5, 10, "five lines wait")

    def test_batches_shrink_to_the_limit_of_a_proxy(self, log_tracker, logs, log):
        log_tracker.max_body_bytes = 100_000
        agent = logs(log_tracker, batch="3M")
        written = append_lines(log, range(10_000))

        wait_until(lambda: log_tracker.lines.total() >= 10_000, 30, "all lines have arrived")

        assert count_paths(log_tracker.lines.elements()) == written
        assert log_tracker.largest_body <= 100_000
        assert "the batch size is halved" in agent.output


class TestSpoolFile:
    def test_full_disk_loses_no_lines(self, log_tracker, logs, log):
        log_tracker.error_response = (503, {}, b"")
        agent = logs(log_tracker)
        written = append_lines(log, range(100))
        wait_until(lambda: lines_read(agent) == 100, 30, "the first lines are read")
        max_bytes = (agent.ini.parent / "state/logs.sqlite").stat().st_size + 100_000
        resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (max_bytes, -1))
        written += append_lines(log, range(100, 20_000))
        wait_until(lambda: "logs.sqlite" in agent.healthz()[1], 20, "the write error is reported")
        resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, (-1, -1))
        log_tracker.error_response = None

        wait_until(lambda: log_tracker.lines.total() >= 20_000, 40, "all lines have arrived")

        assert count_paths(log_tracker.lines.elements()) == written
        assert "lines wait in their logs" in agent.output
        wait_until(lambda: agent.healthz() == (200, "ok\n"), 10, "the agent is healthy")

    def test_damaged_spool_is_reported_in_one_line(self, log_tracker, logs, tmp_path):
        (tmp_path / "agent/state").mkdir(parents=True)
        (tmp_path / "agent/state/logs.sqlite").write_bytes(b"x" * 10_000)

        status, output = logs(log_tracker).wait_for_exit()

        assert status == 1
        assert "logs.sqlite: is damaged: move it away" in output
        assert output.count("\n") == 1

    def test_second_agent_with_the_same_spool_fails(self, log_tracker, logs, log):
        log.touch()
        first = logs(log_tracker)
        wait_until(lambda: first.healthz()[0] == 200, 30, "the agent runs")

        status, output = logs(log_tracker).wait_for_exit()

        assert (status, output.count("\n")) == (1, 1)
        assert output.endswith("is this service running twice?\n")

    def test_spool_of_an_earlier_version_is_upgraded(self, log_tracker, logs, log, tmp_path):
        log_tracker.error_response = (503, {}, b"")
        agent = logs(log_tracker)
        written = append_lines(log, range(10))
        wait_until(lambda: lines_read(agent) == 10, 30, "all lines are read")
        agent.kill()
        with contextlib.closing(sqlite3.connect(tmp_path / "agent/state/logs.sqlite")) as spool:
            spool.execute("DROP TABLE dropped_lines")
        log_tracker.error_response = None

        logs(log_tracker)

        wait_until(lambda: log_tracker.lines, 30, "the lines have arrived")
        assert count_paths(log_tracker.lines.elements()) == written


def dropped_by(agent):
    """Return the number of lines that were dropped because the spool was full."""
    [dropped] = [
        int(value)
        for labels, value in agent.metric("log_lines_dropped_total").items()
        if "spool full" in labels
    ]
    return dropped
