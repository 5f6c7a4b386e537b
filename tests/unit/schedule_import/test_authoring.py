"""The scaffold and the conformance checks of parser plugins."""

import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from streaming_system.cli import main


@pytest.fixture
def site(root, tmp_path):
    for name in ("development.ini", "config.json", "config.private.json.example"):
        shutil.copy(root / name, tmp_path)
    return tmp_path


@pytest.fixture
def run(site):
    def run(*arguments):
        return CliRunner().invoke(
            main, ["-c", str(site / "development.ini"), "schedule", *arguments]
        )

    return run


@pytest.fixture
def plugin(site, run):
    """A plugin from the scaffold."""
    assert run("new-parser", "our_event").exit_code == 0
    return site / "plugins" / "our_event.py"


def test_scaffold_passes_the_conformance_checks(run, plugin):
    result = run("check-plugin", str(plugin))

    assert result.exit_code == 0, result.output
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["ok"] * 6


def test_scaffold_passes_its_own_test(plugin):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", plugin.parent]

    assert b"1 passed" in subprocess.run(command, capture_output=True, check=True).stdout


def test_scaffold_is_a_working_parser(run, plugin):
    result = run("check", str(plugin.with_name("our_event.sample.json")))

    assert result.exit_code == 0
    assert "our-event: 2 of 2 entries" in result.stdout
    assert "our-event " in run("formats").stdout


def test_scaffold_overwrites_no_file(run, plugin):
    plugin.write_text("mine")

    result = run("new-parser", "our_event")

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "our_event.py is there already; choose another name" in result.stderr
    assert plugin.read_text() == "mine"


@pytest.mark.parametrize("name", ["Our Event", "../x", "1st", "test_it", "é", "x" * 50])
def test_scaffold_refuses_invalid_module_names(run, site, name):
    result = run("new-parser", name)

    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert not (site / "plugins").exists()


@pytest.mark.parametrize(
    ("original", "replacement", "failure"),
    [
        ("def parse(", "def parse(:", "SyntaxError"),
        ('name="our-event"', 'name="zookeepr"', "offers a parser called 'zookeepr'"),
        ("return 1.0 if", "return 0.0 if", "is recognised as nothing"),
        ("return 1.0 if", "return 1.0 if True or", "recognises b'[]'"),
        ('title=clean_str(item["title"])', "title=item.title", "item 1: bad-value"),
        ('clean_str_list(item["room"])', "()", "item 1: no-room"),
        (
            "title=clean_str(",
            "guid=str(__import__('os').getpid()), title=clean_str(",
            "differ",
        ),
        (
            "    def parse_item(",
            "    len(feed.json['our-event-talks'][1])\n    def parse_item(",
            "failed",
        ),
    ],
)
def test_check_finds_a_defective_plugin(run, plugin, original, replacement, failure):
    code = plugin.read_text()
    assert original in code
    plugin.write_text(code.replace(original, replacement))

    result = run("check-plugin", str(plugin))

    assert result.exit_code == 1
    last = result.stdout.splitlines()[-1]
    assert last.startswith("FAILED  ")
    assert failure in last


def test_check_accepts_a_feed_without_offsets(run, plugin):
    sample = plugin.with_name("our_event.sample.json")
    sample.write_text(sample.read_text().replace("+01:00", ""))

    assert run("check-plugin", str(plugin)).exit_code == 0


def test_check_requires_a_sample(run, plugin):
    plugin.with_name("our_event.sample.json").unlink()

    assert "there is no sample: put a small feed into our_event.sample.json" in (
        run("check-plugin", str(plugin)).stdout
    )
