"""Makes a release: `make release VERSION=1.2.0`.

It moves the entries of CHANGELOG.md to the version, sets the version in setup.py, commits, builds
wheel, source distribution and SBOM into dist/VERSION, twice, and tags the commit. It pushes none.
If a step fails, the checkout is as before.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from timestamps import ROOT

BRANCH = "main"
CHANGELOG, SETUP = ROOT / "CHANGELOG.md", ROOT / "setup.py"
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_SETUP_VERSION = re.compile(r'^    version="([^"]+)",$', re.MULTILINE)
_UNRELEASED = re.compile(r"^## \[Unreleased\]\n(.*?)(?=^## \[|\Z)", re.MULTILINE | re.DOTALL)


def git(*arguments):
    """Run git in the checkout, and return its output."""
    done = subprocess.run(
        ["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def parse_version(text):
    """Return the three numbers of a version.

    :raises SystemExit: the text is no version.
    """
    if not _SEMVER.fullmatch(text):
        raise SystemExit(f"{text!r} is no version; allowed: MAJOR.MINOR.PATCH, such as 1.2.0")
    return tuple(map(int, text.split(".")))


def require_releasable(version):
    """Check the checkout, and return the entries of the version.

    :raises SystemExit: the checkout cannot be released; the message is one line.
    """
    current = _SETUP_VERSION.search(SETUP.read_text(encoding="utf-8"))[1]
    if parse_version(version) <= parse_version(current):
        raise SystemExit(f"{version} is not newer than {current}, the version in setup.py")
    if git("status", "--porcelain"):
        raise SystemExit("the checkout has changes; commit them, or remove them")
    if (branch := git("branch", "--show-current")) != BRANCH:
        raise SystemExit(f"the branch is {branch or 'none'}; releases are made on {BRANCH}")
    if git("tag", "--list", f"v{version}"):
        raise SystemExit(f"there is a tag v{version}; choose another version")
    unreleased = _UNRELEASED.search(CHANGELOG.read_text(encoding="utf-8"))
    entries = unreleased[1].strip() if unreleased else ""
    if not re.search(r"^- ", entries, re.MULTILINE):
        raise SystemExit("CHANGELOG.md has no entry under [Unreleased]; describe what changes")
    return entries


def set_version(version, entries):
    """Write the version into setup.py and CHANGELOG.md, with today's date (UTC)."""
    text = SETUP.read_text(encoding="utf-8")
    SETUP.write_text(_SETUP_VERSION.sub(f'    version="{version}",', text), encoding="utf-8")
    section = f"## [Unreleased]\n\n## [{version}] - {datetime.now(UTC).date()}\n\n{entries}\n\n"
    text = _UNRELEASED.sub(lambda _: section, CHANGELOG.read_text(encoding="utf-8"), count=1)
    CHANGELOG.write_text(f"{text.rstrip()}\n", encoding="utf-8")


def build(target, version):
    """Build all files of the release into a folder; return their SHA-256 sums by name."""
    for tool, arguments in (
        ("build_wheel.py", [target]),
        ("build_sdist.py", [target]),
        ("sbom.py", [target / "sbom.json", "--program-version", version]),
    ):
        command = [sys.executable, ROOT / "tools" / tool, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{tool} failed: {done.stderr.strip()}")
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in sorted(target.iterdir())}


def build_twice(version):
    """Build the release into dist/VERSION; return the folder.

    :raises SystemExit: a second build has other bytes.
    """
    target = ROOT / "dist" / version
    if target.exists():
        raise SystemExit(f"there is a folder {target}; remove it")
    sums = build(target, version)
    with tempfile.TemporaryDirectory() as folder:
        other = build(Path(folder), version)
    if different := sorted(name for name in sums if sums[name] != other.get(name)):
        raise SystemExit(f"a second build differs: {', '.join(different)}")
    lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
    (target / "SHA256SUMS").write_text(lines, encoding="ascii")
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "version", help="MAJOR.MINOR.PATCH; docs/how-to/upgrading.md says which to choose"
    )
    version = parser.parse_args().version
    entries = require_releasable(version)
    before = git("rev-parse", "HEAD")
    set_version(version, entries)
    try:
        git("commit", "--quiet", "--all", "--message", f"docs: release version {version}")
        target = build_twice(version)
        git("tag", "--annotate", f"v{version}", "--message", f"{version}\n\n{entries}",
            "--cleanup=verbatim")  # fmt: skip
    except BaseException:
        git("reset", "--quiet", "--hard", before)
        raise
    print(f"Built {target.relative_to(ROOT)} twice, with the same bytes:")
    print((target / "SHA256SUMS").read_text(encoding="ascii"), end="")
    print("This ran no test: make sure that CI passes, then publish it:")
    print(f"  git push --atomic origin {BRANCH} v{version}")


if __name__ == "__main__":
    main()
