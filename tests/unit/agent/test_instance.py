"""The id of an agent, by which a tracker tells it from others with the same name."""

import subprocess
import sys

import pytest

from streaming_system.agent import instance
from streaming_system.agent.instance import AgentInstance

HOLD = """
import sys, time
from pathlib import Path
from streaming_system.agent.instance import AgentInstance
print(AgentInstance(Path(sys.argv[1]), "edge1").id, flush=True)
time.sleep(600)
"""


@pytest.fixture
def start(tmp_path):
    """Return a function that starts an agent; at the end, all of them release their files."""
    started = []

    def start(folder=tmp_path, name="edge1"):
        started.append(AgentInstance(folder, name))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_restarted_agent_has_the_same_id(start):
    first = start()
    first.close()

    assert start().id == first.id
    assert len(first.id) == 32


def test_killed_agent_releases_its_id(start, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    held = process.stdout.readline().strip()
    assert start().id != held

    process.kill()
    process.wait()
    process.stdout.close()

    assert start().id == held


def test_second_agent_with_the_name_has_another_id_and_a_warning(start, caplog):
    first, second = start(), start()

    assert first.id != second.id
    assert "another agent with the name edge1 runs on this machine" in caplog.text


def test_agents_with_other_names_share_the_folder(start, caplog):
    assert start(name="edge1").id != start(name="edge2").id
    assert caplog.text == ""


def test_copy_of_the_disk_on_another_machine_has_another_id(start, monkeypatch):
    first = start()
    first.close()
    monkeypatch.setattr(instance.platform, "node", lambda: "edge2")

    second = start()
    second.close()

    assert second.id != first.id
    assert start().id == second.id


@pytest.mark.parametrize("content", ["", "nonsense\n", "x" * 1000])
def test_damaged_file_is_replaced(start, tmp_path, content):
    (tmp_path / "instance-edge1").write_text(content)

    first = start()
    first.close()

    assert start().id == first.id


def test_missing_folder_is_created_for_the_owner_and_its_group(start, tmp_path):
    start(folder=tmp_path / "state")

    assert (tmp_path / "state").stat().st_mode & 0o007 == 0
    assert (tmp_path / "state" / "instance-edge1").stat().st_mode & 0o007 == 0


def test_agent_without_a_folder_has_an_id(start, tmp_path, caplog):
    caplog.set_level("INFO")
    (tmp_path / "file").write_text("")

    one, other = start(folder=tmp_path / "file"), start(folder=tmp_path / "file")

    assert one.id != other.id
    assert "trackers accept this agent only after a minute" in caplog.text
