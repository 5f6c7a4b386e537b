"""The suite on a bare machine: whatever is missing is skipped by name, and the rest passes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# Programs beyond git, make, Python and Debian's base, with a few tests that run each of them.
OPTIONAL = {
    "ffmpeg": [
        "tests/functional/agent/test_demo_patterns.py",
        "tests/functional/agent/test_supervisor_checks.py",
        "tests/functional/agent/test_supervisor.py",
    ],
    "icecast2": ["tests/functional/agent/test_icecast.py"],
    "nginx": ["tests/functional/proxy/test_conf.py", "tests/attacks/test_poison.py"],
    "ip": ["tests/functional/hosts"],
    "curl": ["tests/functional/deploy/test_refused.py"],
    "openssl": ["tests/functional/proxy/test_conf.py"],
    "faketime": ["tests/faults/test_starved.py::test_site_recovers_after_clock_jumps"],
    "logrotate": ["tests/functional/test_units.py"],
    "systemd-analyze": ["tests/functional/test_units.py"],
    "chromium": ["tests/e2e/test_crew.py"],
}
ALIASES = {
    "chromium": ["chromium-browser", "chromium-headless-shell"],
    "systemd-analyze": ["systemd-tmpfiles"],
}


@pytest.fixture
def path_without(tmp_path):
    """Return a function that makes a folder of all programs but some."""

    def path_without(*programs):
        hidden = {name for each in programs for name in (each, *ALIASES.get(each, ()))}
        folder = tmp_path / "bin"
        folder.mkdir()
        for source in [*os.environ["PATH"].split(":"), "/usr/sbin"]:
            for program in Path(source).glob("*"):
                link = folder / program.name
                if program.name not in hidden and not link.is_symlink():
                    link.symlink_to(program)
        return str(folder)

    return path_without


@pytest.fixture
def run_suite(root, path_without):
    """Return a function that runs tests on a machine without some programs."""

    def run_suite(hidden, tests):
        environment = {
            name: value
            for name, value in os.environ.items()
            if name != "CI" and not name.startswith("PYTEST")
        }
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-n", "0", *tests],
            cwd=root,
            env=environment | {"PATH": path_without(*hidden), "TESTS_SERVER_PATH": ""},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=170,
        )

    return run_suite


def test_a_bare_machine_passes_and_names_all_that_it_lacks(run_suite):
    tests = sorted({test for tests in OPTIONAL.values() for test in tests})

    result = run_suite(OPTIONAL, tests)

    assert result.returncode == 0, result.stdout
    [line] = re.findall(r"^skipped: .*", result.stdout, re.MULTILINE)
    lacking = set(re.findall(r", no (\S+): apt-get install \S+", line))
    # A test that lacks several names the first one.
    assert lacking == {"chromium", "faketime", "ffmpeg", "icecast2", "nginx", "systemd-analyze"}
    assert re.search(r"^\d+ passed, \d+ skipped", result.stdout, re.MULTILINE), result.stdout


@pytest.mark.parametrize("program", ["curl", "faketime", "ip", "logrotate", "openssl"])
def test_tests_of_one_program_are_skipped_alone(run_suite, program):
    result = run_suite([program], OPTIONAL[program])

    assert result.returncode == 0, result.stdout
    assert f"no {program}: apt-get install" in result.stdout
