"""The commit that a program was built from."""

import subprocess

import pytest

from streaming_system.util.program_version import find_commit

IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


@pytest.fixture
def checkout(tmp_path):
    def git(*arguments):
        command = ["git", "-C", tmp_path, *IDENTITY, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--quiet", "-m", "tests: add a file")
    git("tag", "v1.0.0")
    return tmp_path, git("rev-parse", "HEAD")[:12]


def test_commit_of_a_checkout_says_whether_files_have_changed(checkout):
    folder, commit = checkout
    baked = folder / "commit.txt"
    # A build in the checkout left it behind.
    baked.write_text("0123456789ab\n")

    assert find_commit(folder, baked) == commit
    (folder / "file").write_text("two")
    assert find_commit(folder, baked) == f"{commit}-dirty"


def test_commit_without_a_checkout_is_that_of_the_build(tmp_path):
    baked = tmp_path / "commit.txt"

    assert find_commit(tmp_path, baked) == "unknown"
    baked.write_text("0123456789ab\n")
    assert find_commit(tmp_path, baked) == "0123456789ab"


def test_commit_is_unknown_if_git_is_missing_or_fails(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()

    assert find_commit(tmp_path, tmp_path / "commit.txt") == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_commit(tmp_path, tmp_path / "commit.txt") == "unknown"
