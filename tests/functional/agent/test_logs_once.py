"""Whatever happens to a log, its reader and the tracker: every line arrives, and arrives once."""

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

from .keeper import Keeper

AWAY = [
    (503, {"Retry-After": "1"}, b"ERROR LOGS the logs cannot be written now\n"),
    (500, {}, b"<html>Internal Server Error</html>"),
    (404, {}, b"ERROR GROUP\n"),
    (200, {}, b"<html>Welcome to nginx</html>"),
    (429, {"Retry-After": "1"}, b"ERROR\n"),
]


class EveryLineOnce(RuleBasedStateMachine):
    """Things happen in any order; at the end, what was written is what has arrived."""

    @initialize(old=st.booleans(), there=st.booleans(), linger=st.sampled_from([0, 60]))
    def begin(self, old, there, linger):
        self.linger = linger
        self.folder = Path(tempfile.mkdtemp(prefix="logs-"))
        self.log = self.folder / "access.log"
        self.keeper = Keeper()
        self.keeper.__enter__()
        self.written = Counter()
        self.number = itertools.count()
        self.half = ""
        self.unread = False
        if old:
            (self.folder / "access.log.1").write_text("from before we came\n" * 3)
        if there:
            self.log.touch()
        (self.folder / "agent.ini").write_text(
            f"[agent]\ntrackers = {self.keeper.url}\nname = edge1\nsecret = s\nstate = state\n"
            "[logs]\nfiles = access.log = hall\nbatch = 64k\n"
        )
        self.shipping = None
        self.start()
        # It was there before anything was rotated.
        self.shipping.look()

    def start(self):
        self.shipping = LogShippingService(
            config.load_agent_config(self.folder / "agent.ini"), self.linger
        )

    def append(self, text):
        with self.log.open("a") as file:
            file.write(text)
        self.unread = True

    @rule(count=st.integers(1, 5), size=st.sampled_from([10, 300, 1500, 40_000]))
    def write(self, count, size):
        for _ in range(count):
            line = f"{next(self.number):06d}".ljust(size, "x")
            text = self.half + line[len(self.half) :]
            self.append(line[len(self.half) :] + "\n")
            self.written[text] += 1
            self.half = ""

    @rule()
    def write_half(self):
        if not self.half:
            self.half = f"half a line {next(self.number)} "
            self.append(self.half)

    @rule()
    def rename(self):
        self.shift()
        if self.log.exists():
            self.log.rename(self.folder / "access.log.1")
            self.finish_half(self.folder / "access.log.1")

    @rule()
    def rename_and_create(self):
        self.rename()
        self.log.touch()

    @rule(count=st.integers(0, 3), looks=st.booleans())
    def copy_and_truncate(self, count, looks):
        if not self.log.exists():
            return
        self.finish_half(self.log)
        self.shift()
        shutil.copy(self.log, self.folder / "access.log.1")
        if looks:
            self.look()
        os.truncate(self.log, 0)
        if count:
            self.write(count, 100)

    @rule()
    def rewrite(self):
        """Do as `sed -i`: the log becomes another file, with the same in it."""
        if self.log.exists():
            shutil.copy(self.log, self.folder / "sed.tmp")
            (self.folder / "sed.tmp").rename(self.log)

    def finish_half(self, file):
        """Let the server write the rest of its line to the file that it has open."""
        if self.half:
            with file.open("a") as opened:
                opened.write("end\n")
            self.written[self.half + "end"] += 1
            self.half = ""
            self.unread = True

    def shift(self):
        for number in range(50, 0, -1):
            file = self.folder / f"access.log.{number}"
            if file.exists():
                file.rename(self.folder / f"access.log.{number + 1}")

    @precondition(lambda self: not self.unread)
    @rule()
    def pack(self):
        """Do as gzip: what has been read has another name, content and inode."""
        for file in self.folder.glob("access.log.*[0-9]"):
            packed = file.with_name(f"{file.name}.gz")
            packed.write_bytes(b"\x1f\x8b" + file.read_bytes())
            file.unlink()

    @rule()
    def look(self):
        self.shipping.look()
        self.unread = False

    @rule()
    def send(self):
        for sender in self.shipping.senders:
            sender.send_once()

    @rule(answer=st.none() | st.sampled_from(AWAY))
    def tracker_says(self, answer):
        self.keeper.refusing = answer

    @rule()
    def lose_the_next_answer(self):
        self.keeper.lose_answer = True

    @rule()
    def kill(self):
        """Leave everything as it is: what was not in the database by now is gone."""
        self.shipping.close()
        self.start()

    def teardown(self):
        if not hasattr(self, "keeper"):
            return
        try:
            self.finish_half(self.log)
            self.keeper.refusing = None
            self.keeper.lose_answer = False
            self.kill()
            self.look()
            self.send()
            self.look()
            self.send()
            assert self.keeper.lines == self.written
            assert not self.shipping.problems() or not self.log.exists()
            assert self.shipping.spool.size == 0
        finally:
            self.shipping.close()
            self.keeper.__exit__()
            shutil.rmtree(self.folder)


TestEveryLineOnce = EveryLineOnce.TestCase
TestEveryLineOnce.settings = settings(
    max_examples=scaled(8, 60),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_a_log_that_was_rewritten_and_then_rotated_arrives_once():
    log = EveryLineOnce()
    log.begin(old=False, there=True, linger=60)
    log.write(1, 100)
    log.rewrite()
    log.write(1, 100)
    log.look()
    log.rename()
    log.look()

    # This compares what was written with what has arrived.
    log.teardown()
