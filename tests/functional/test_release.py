"""`make release`: checks, version, changelog, files and tag."""

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from hashlib import sha256

import pytest

CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n{entries}\n\n## [0.1.0] - 2026-11-01\n\n- Start.\n"
IDENTITY = {
    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
}  # fmt: skip


@pytest.fixture(autouse=True)
def identity(monkeypatch):
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)


def git(folder, *arguments):
    command = ["git", "-C", folder, "-c", "commit.gpgsign=false", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def release(folder, version):
    command = [sys.executable, folder / "tools/release.py", version]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def small(root, tmp_path):
    """A checkout on main with what the checks read."""
    folder = tmp_path / "small"
    (folder / "tools").mkdir(parents=True)
    for name in ("release.py", "timestamps.py"):
        shutil.copy(root / "tools" / name, folder / "tools")
    (folder / ".gitignore").write_text("__pycache__/\n")
    (folder / "setup.py").write_text('setup(\n    version="0.2.0",\n)\n')
    (folder / "CHANGELOG.md").write_text(CHANGELOG.format(entries="### Added\n\n- A page."))
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "tests: add a checkout")
    return folder


@pytest.mark.parametrize(
    ("version", "spoil", "reason"),
    [
        ("1.2", None, "'1.2' is no version; allowed: MAJOR.MINOR.PATCH, such as 1.2.0"),
        ("0.2.0", None, "0.2.0 is not newer than 0.2.0, the version in setup.py"),
        ("0.10.0", "change", "the checkout has changes; commit them, or remove them"),
        ("0.10.0", "branch", "the branch is other; releases are made on main"),
        ("0.10.0", "tag", "there is a tag v0.10.0; choose another version"),
        (
            "0.10.0",
            "entries",
            "CHANGELOG.md has no entry under [Unreleased]; describe what changes",
        ),
    ],
)
def test_checkout_that_cannot_be_released(small, version, spoil, reason):
    if spoil == "change":
        (small / "new.txt").touch()
    elif spoil == "branch":
        git(small, "checkout", "--quiet", "-b", "other")
    elif spoil == "tag":
        git(small, "tag", "v0.10.0")
    elif spoil == "entries":
        (small / "CHANGELOG.md").write_text(CHANGELOG.format(entries="### Added"))
        git(small, "commit", "--quiet", "--all", "--message", "docs: remove an entry")
    before = git(small, "rev-parse", "HEAD")

    result = release(small, version)

    assert (result.returncode, result.stdout, result.stderr) == (1, "", f"{reason}\n")
    assert git(small, "rev-parse", "HEAD") == before


def test_failed_build_leaves_the_checkout_as_before(small):
    before = git(small, "rev-parse", "HEAD")

    result = release(small, "0.3.0")

    assert result.returncode == 1
    assert result.stderr.startswith("build_wheel.py failed: ")
    assert git(small, "rev-parse", "HEAD") == before
    assert git(small, "status", "--porcelain") == ""
    assert git(small, "tag") == ""


@pytest.mark.exhaustive
def test_release_of_a_clone(root, tmp_path):
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", root, clone], check=True, capture_output=True)
    git(clone, "checkout", "--quiet", "-B", "main")
    # A release has entries; just after one there is none.
    changelog = clone / "CHANGELOG.md"
    entry = "## [Unreleased]\n\n- Ops: a release.\n"
    changelog.write_text(changelog.read_text().replace("## [Unreleased]\n", entry, 1))
    git(clone, "commit", "--quiet", "--all", "--message", "docs: add an entry")

    result = release(clone, "99.0.0")

    assert (result.returncode, result.stderr) == (0, "")
    files = clone / "dist/99.0.0"
    wheel, sdist = (
        files / f"streaming_system-99.0.0{end}" for end in ("-py3-none-any.whl", ".tar.gz")
    )
    sums = dict(line.split()[::-1] for line in (files / "SHA256SUMS").read_text().splitlines())
    assert sums == {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in (files / "sbom.json", wheel, sdist)
    }
    assert '"version": "99.0.0"' in (files / "sbom.json").read_text()
    commit = git(clone, "rev-parse", "HEAD")[:12]
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("streaming_system/commit.txt").decode().strip() == commit
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    source = tmp_path / "streaming_system-99.0.0"
    assert (source / "src/streaming_system/commit.txt").read_text().strip() == commit
    assert (source / "alembic/env.py").is_file()

    text = changelog.read_text()
    assert re.search(
        r"^## \[Unreleased\]\n\n## \[99\.0\.0\] - \d{4}-\d\d-\d\d\n\n- Ops: a release\.$",
        text,
        re.MULTILINE,
    )
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "cat-file", "-t", "v99.0.0") == "tag"
    assert "- Ops: a release." in git(clone, "tag", "--list", "--format=%(contents)", "v99.0.0")
