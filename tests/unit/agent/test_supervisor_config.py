"""The sections of agent.ini about what is watched, and what is said to whoever gets them wrong."""

import threading
import time
from dataclasses import replace

import pytest

from streaming_system.agent.config import AgentConfigError, load_agent_config
from streaming_system.agent.subprocesses import ProcessRunner
from streaming_system.agent.supervisor.check_result import happy
from streaming_system.agent.supervisor.check_runner import CheckRunner
from streaming_system.agent.supervisor.check_tools import CheckTools
from streaming_system.agent.supervisor.config import parse_components, parse_supervisor_config

AGENT = """
[agent]
trackers = https://live.example.org/tracker
token = sst_abc
name = edge1
"""
GOOD = """
[watch:icecast]
use = process
command = ^icecast2 -c
room = hall
kind = encoder
bad.after = 3
off.file = icecast.off
restart = /usr/bin/systemctl restart "icecast 2"
restart.most = 3
"""


@pytest.fixture
def agent(tmp_path):
    """Return a function that reads an agent.ini."""

    def agent(text):
        file = tmp_path / "agent.ini"
        file.write_text(AGENT + text)
        return load_agent_config(file)

    return agent


@pytest.fixture
def parts_of(agent):
    """Return a function that reads the parts of an agent.ini."""
    return lambda text: parse_components(
        agent(text), CheckTools(programs=ProcessRunner(), ffmpeg="ffmpeg")
    )


def test_a_part_is_read(parts_of, tmp_path):
    [part] = parts_of(GOOD)

    assert (part.name, part.room, part.kind, part.bad_after) == ("icecast", "hall", "encoder", 3)
    assert (part.interval, part.limit, part.off) == (5, 5, tmp_path / "icecast.off")
    assert part.restart.command == ("/usr/bin/systemctl", "restart", "icecast 2")
    assert (part.restart.most, part.restart.when) == (3, "sad")


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("use = process", "use = magic", "use: is 'magic'; allowed: process, unit, http, hls"),
        ("use = process", "", "use: is missing; allowed: process, unit"),
        ("kind = encoder", "kind = toaster", "kind: is 'toaster'; allowed: mixer, encoder"),
        ("room = hall", "room = a/b", "room: is 'a/b'; allowed: a room's id"),
        ("^icecast2 -c", "(", "command: is '('; allowed: a regular expression; missing )"),
        ("command = ^icecast2 -c", "", "command: is missing; allowed: a regular expression, or"),
        ('"icecast 2"', '"icecast', "allowed: a command as a shell reads it; No closing"),
        ("bad.after = 3", "bad.after = 0", "bad.after: is '0'; allowed: a number, 1 to 100"),
        ("bad.after", "bad.affter", "bad.affter: is no key; allowed: "),
        ("use = process", "use = hls\nurl = ftp://x/", "url: is 'ftp://x/'; allowed: an address"),
        ("use = process", "use = unit\nunit = --now", "unit: is '--now'; allowed: a unit of"),
        ("use = process", "use = http\nurl = http://h/\nstatus = ok", "status: is 'ok'; allowed"),
        ("restart.most = 3", "restart.when = lost", "restart.when: is 'lost'; allowed: sad or"),
    ],
)
def test_mistakes_are_one_line(parts_of, before, after, line):
    with pytest.raises(AgentConfigError) as error:
        parts_of(GOOD.replace(before, after))

    assert str(error.value).startswith("agent.ini: [watch:icecast] ")
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_something_must_be_watched_and_not_too_much(parts_of):
    with pytest.raises(AgentConfigError, match=r"agent.ini: has no section \[watch:NAME\]"):
        parts_of("")
    many = "".join(f"[watch:p{n}]\nuse = process\ncommand = x\n" for n in range(65))
    with pytest.raises(AgentConfigError, match=r"has 65 sections \[watch:NAME\]; allowed: 1 to 64"):
        parts_of(many)


class TestLook:
    """What happens to a check that the system does not let go."""

    @pytest.fixture
    def part(self, parts_of):
        return replace(parts_of(GOOD)[0], limit=0.1)

    def test_one_that_hangs_is_told_and_not_begun_again(self, part):
        go_on, begun = threading.Event(), []

        def check(within):
            begun.append(within)
            go_on.wait(30)
            return happy()

        look = CheckRunner(replace(part, check=check), threading.Semaphore(1), threading.Event())

        assert look().detail == "the check takes more than 0.1 s"
        assert look().detail.startswith("the check hangs for ")
        assert begun == [0.1]
        go_on.set()
        while look().mood != "happy":
            assert len(begun) < 3

    def test_one_that_breaks_is_told_and_nothing_is_started_for_it(self, part):
        def check(within):
            raise ZeroDivisionError("oh")

        found = CheckRunner(replace(part, check=check), threading.Semaphore(1), threading.Event())()

        assert (found.mood, found.detail) == ("sad", "cannot be checked: ZeroDivisionError: oh")
        assert not found.curable

    def test_no_more_than_there_are_slots_run_at_once(self, part):
        slots, over = threading.Semaphore(2), threading.Event()
        counting, now, most = threading.Lock(), 0, 0

        def check(within):
            nonlocal now, most
            with counting:
                now += 1
                most = max(most, now)
            time.sleep(0.02)
            with counting:
                now -= 1
            return happy()

        heavy = replace(part, check=check, heavy=True, limit=5)
        looks = [threading.Thread(target=CheckRunner(heavy, slots, over)) for _ in range(8)]
        for thread in looks:
            thread.start()
        for thread in looks:
            thread.join()

        assert most == 2


def test_what_is_said_for_all(agent):
    assert parse_supervisor_config(agent("")).status == ("127.0.0.1", 9181)
    found = parse_supervisor_config(
        agent("[watch]\nstatus = off\nat.once = 1\nffmpeg = /opt/ffmpeg\n")
    )
    assert (found.status, found.most, found.ffmpeg) == (None, 1, "/opt/ffmpeg")
    with pytest.raises(AgentConfigError, match=r"\[watch\] atonce: is no key; allowed: at.once, "):
        parse_supervisor_config(agent("[watch]\natonce = 1\n"))
