"""Configuration of the supervisor in agent.ini, and its error messages."""

import re
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
    """Return a function that loads an agent.ini."""

    def agent(text):
        file = tmp_path / "agent.ini"
        file.write_text(AGENT + text)
        return load_agent_config(file)

    return agent


@pytest.fixture
def components_of(agent):
    """Return a function that parses the components of an agent.ini."""
    return lambda text: parse_components(
        agent(text), CheckTools(runner=ProcessRunner(), ffmpeg="ffmpeg")
    )


def test_component_is_parsed(components_of, tmp_path):
    [component] = components_of(GOOD)

    assert (component.name, component.room) == ("icecast", "hall")
    assert (component.kind, component.bad_after) == ("encoder", 3)
    assert (component.interval, component.timeout) == (5, 5)
    assert component.off == tmp_path / "icecast.off"
    assert component.restart.command == ("/usr/bin/systemctl", "restart", "icecast 2")
    assert (component.restart.max_per_hour, component.restart.min_mood) == (3, "sad")


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("use = process", "use = magic", "use: is 'magic'; allowed: process, unit, disk, http"),
        ("use = process", "", "use: is missing; allowed: process, unit"),
        ("kind = encoder", "kind = toaster", "kind: is 'toaster'; allowed: mixer, encoder"),
        ("room = hall", "room = a/b", "room: is 'a/b'; allowed: a room's id"),
        ("^icecast2 -c", "(", "command: is '('; allowed: a regular expression; missing )"),
        ("command = ^icecast2 -c", "", "command: is missing; allowed: a regular expression, or"),
        ('"icecast 2"', '"icecast', "allowed: a command in shell syntax; No closing"),
        ("bad.after = 3", "bad.after = 0", "bad.after: is '0'; allowed: a whole number, 1 to 100"),
        ("bad.after", "bad.affter", "bad.affter: is no key; allowed: "),
        ("use = process", "use = hls\nurl = ftp://x/", "url: is 'ftp://x/'; allowed: an address"),
        ("use = process", "use = unit\nunit = --now", "unit: is '--now'; allowed: a unit of"),
        ("use = process", "use = http\nurl = http://h/\nstatus = ok", "status: is 'ok'; allowed"),
        ("restart.most = 3", "restart.when = lost", "restart.when: is 'lost'; allowed: sad or"),
    ],
)
def test_error_is_one_line(components_of, before, after, line):
    with pytest.raises(AgentConfigError) as error:
        components_of(GOOD.replace(before, after))

    assert str(error.value).startswith("agent.ini: [watch:icecast] ")
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_number_of_components_is_limited(components_of):
    with pytest.raises(AgentConfigError, match=r"agent.ini: has no section \[watch:NAME\]"):
        components_of("")
    many = "".join(f"[watch:p{n}]\nuse = process\ncommand = x\n" for n in range(65))
    with pytest.raises(AgentConfigError, match=r"has 65 sections \[watch:NAME\]; allowed: 1 to 64"):
        components_of(many)


class TestCheckRunner:
    @pytest.fixture
    def component(self, components_of):
        return replace(components_of(GOOD)[0], timeout=0.1)

    def test_hanging_check_is_reported_and_not_started_again(self, component):
        released, timeouts = threading.Event(), []

        def check(timeout):
            timeouts.append(timeout)
            released.wait(30)
            return happy()

        component = replace(component, check=check)
        runner = CheckRunner(component, threading.Semaphore(1), threading.Event())

        assert runner.run().detail == "the check takes more than 0.1 s"
        assert runner.run().detail.startswith("the check hangs for ")
        assert timeouts == [0.1]
        released.set()
        while runner.run().mood != "happy":
            assert len(timeouts) < 3

    def test_failing_check_is_reported_and_does_not_cause_a_restart(self, component):
        def check(timeout):
            raise ZeroDivisionError("oh")

        component = replace(component, check=check)
        result = CheckRunner(component, threading.Semaphore(1), threading.Event()).run()

        line = "cannot be checked: internal error at line \\d+ of test_supervisor_config.py"
        assert result.mood == "sad"
        assert re.fullmatch(line, result.detail)
        assert not result.restart_may_help

    def test_number_of_parallel_heavy_checks_is_limited(self, component):
        slots, stop = threading.Semaphore(2), threading.Event()
        lock, running, max_running = threading.Lock(), 0, 0

        def check(timeout):
            nonlocal running, max_running
            with lock:
                running += 1
                max_running = max(max_running, running)
            time.sleep(0.02)
            with lock:
                running -= 1
            return happy()

        component = replace(component, check=check, heavy=True, timeout=5)
        threads = [
            threading.Thread(target=CheckRunner(component, slots, stop).run) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert max_running == 2


def test_general_settings_are_parsed(agent):
    assert parse_supervisor_config(agent("")).status == ("127.0.0.1", 9181)
    config = parse_supervisor_config(
        agent("[watch]\nstatus = off\nat.once = 1\nffmpeg = /opt/ffmpeg\n")
    )
    assert (config.status, config.max_parallel, config.ffmpeg) == (None, 1, "/opt/ffmpeg")
    with pytest.raises(AgentConfigError, match=r"\[watch\] atonce: is no key; allowed: at.once, "):
        parse_supervisor_config(agent("[watch]\natonce = 1\n"))
