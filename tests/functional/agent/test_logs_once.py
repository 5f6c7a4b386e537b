"""Random sequences of events for a log, the agent and the tracker: every line arrives once."""

import itertools
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from depth import scaled
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from streaming_system.agent import config
from streaming_system.agent.logs.service import LogShippingService

from .fake_log_tracker import FakeLogTracker

ERRORS = [
    (503, {"Retry-After": "1"}, b"ERROR LOGS the logs cannot be written now\n"),
    (200, {"Retry-After": "1"}, b"ERROR LOGS the logs cannot be written now\n"),
    (200, {"Retry-After": "1"}, b"ERROR DATABASE the database cannot be used now\n"),
    (200, {}, b"ERROR GROUP\n"),
    (200, {}, b"ERROR OperationalError\nTraceback (most recent call last):\n"),
    (500, {}, b"<html>Internal Server Error</html>"),
    (404, {}, b"ERROR GROUP\n"),
    (200, {}, b"<html>Welcome to nginx</html>"),
    (429, {"Retry-After": "1"}, b"ERROR\n"),
]


class EveryLineOnce(RuleBasedStateMachine):
    """Events in any order; at the end, the tracker has the written lines."""

    @initialize(
        has_rotated=st.booleans(), exists=st.booleans(), close_grace=st.sampled_from([0, 60])
    )
    def set_up(self, has_rotated, exists, close_grace):
        self.close_grace = close_grace
        self.folder = Path(tempfile.mkdtemp(prefix="logs-"))
        self.log = self.folder / "access.log"
        self.tracker = FakeLogTracker()
        self.tracker.__enter__()
        self.written = Counter()
        self.number = itertools.count()
        self.partial_line = ""
        self.has_unread = False
        if has_rotated:
            (self.folder / "access.log.1").write_text("older line\n" * 3)
        if exists:
            self.log.touch()
        (self.folder / "agent.ini").write_text(
            f"[agent]\ntrackers = {self.tracker.url}\nname = edge1\nsecret = s\nstate = state\n"
            "[logs]\nfiles = access.log = hall\nbatch = 64k\n"
        )
        self.shipping = None
        self.start()
        self.shipping.poll_logs()

    def start(self):
        self.shipping = LogShippingService(
            config.load_agent_config(self.folder / "agent.ini"), self.close_grace
        )

    def append(self, text):
        with self.log.open("a") as file:
            file.write(text)
        self.has_unread = True

    @rule(count=st.integers(1, 5), size=st.sampled_from([10, 300, 1500, 40_000]))
    def write(self, count, size):
        for _ in range(count):
            line = f"{next(self.number):06d}".ljust(size, "x")
            text = self.partial_line + line[len(self.partial_line) :]
            self.append(line[len(self.partial_line) :] + "\n")
            self.written[text] += 1
            self.partial_line = ""

    @rule()
    def write_partial_line(self):
        if not self.partial_line:
            self.partial_line = f"partial line {next(self.number)} "
            self.append(self.partial_line)

    @rule()
    def rename(self):
        self.rename_rotated()
        if self.log.exists():
            self.log.rename(self.folder / "access.log.1")
            self.finish_line(self.folder / "access.log.1")

    @rule()
    def rename_and_create(self):
        self.rename()
        self.log.touch()

    @rule(count=st.integers(0, 3), polls=st.booleans())
    def copy_and_truncate(self, count, polls):
        if not self.log.exists():
            return
        self.finish_line(self.log)
        self.rename_rotated()
        shutil.copy(self.log, self.folder / "access.log.1")
        if polls:
            self.poll()
        os.truncate(self.log, 0)
        if count:
            self.write(count, 100)

    @rule()
    def rewrite(self):
        """Do what `sed -i` does: replace the log by a copy."""
        if self.log.exists():
            shutil.copy(self.log, self.folder / "sed.tmp")
            (self.folder / "sed.tmp").rename(self.log)

    def finish_line(self, file):
        """Write the rest of a partial line to the file that the server has open."""
        if self.partial_line:
            with file.open("a") as opened:
                opened.write("end\n")
            self.written[self.partial_line + "end"] += 1
            self.partial_line = ""
            self.has_unread = True

    def rename_rotated(self):
        for number in range(50, 0, -1):
            file = self.folder / f"access.log.{number}"
            if file.exists():
                file.rename(self.folder / f"access.log.{number + 1}")

    @precondition(lambda self: not self.has_unread)
    @rule()
    def compress(self):
        """Do what gzip does: files that were read get another name, content and inode."""
        for file in self.folder.glob("access.log.*[0-9]"):
            compressed = file.with_name(f"{file.name}.gz")
            compressed.write_bytes(b"\x1f\x8b" + file.read_bytes())
            file.unlink()

    @rule()
    def poll(self):
        self.shipping.poll_logs()
        self.has_unread = False

    @rule()
    def send(self):
        for sender in self.shipping.senders:
            sender.send_once()

    @rule(response=st.none() | st.sampled_from(ERRORS))
    def set_tracker_response(self, response):
        self.tracker.error_response = response

    @rule()
    def lose_next_response(self):
        self.tracker.lose_response = True

    @rule()
    def kill(self):
        """Restart the agent: it only has what is in the database."""
        self.shipping.close()
        self.start()

    def teardown(self):
        if not hasattr(self, "tracker"):
            return
        try:
            self.finish_line(self.log)
            self.tracker.error_response = None
            self.tracker.lose_response = False
            self.kill()
            self.poll()
            self.send()
            self.poll()
            self.send()
            assert self.tracker.lines == self.written
            assert not self.shipping.problems() or not self.log.exists()
            assert self.shipping.spool.size == 0
        finally:
            self.shipping.close()
            self.tracker.__exit__()
            shutil.rmtree(self.folder)


TestEveryLineOnce = EveryLineOnce.TestCase
TestEveryLineOnce.settings = settings(
    max_examples=scaled(8, 60),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_rewritten_and_rotated_log_arrives_once():
    log = EveryLineOnce()
    log.set_up(has_rotated=False, exists=True, close_grace=60)
    log.write(1, 100)
    log.rewrite()
    log.write(1, 100)
    log.poll()
    log.rename()
    log.poll()

    # This compares the written lines with those of the tracker.
    log.teardown()
