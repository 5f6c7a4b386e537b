"""Builds a reproducible wheel: `make wheel`.

The sources are copied with fixed file modes and built in the copy, which has no old build/. All
timestamps are that of the last commit, which the wheel names in a file.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from timestamps import ROOT, commit_time

from streaming_system.util.program_version import find_commit

# The files that setup.py and MANIFEST.in include.
SOURCES = (
    "src",
    "parsers",
    "alembic",
    "conf",
    "setup.py",
    "pyproject.toml",
    "MANIFEST.in",
    "README.md",
    "LICENSE",
)


def copy_sources(target):
    """Copy the sources; all files become world-readable and not executable."""
    ignored = shutil.ignore_patterns("__pycache__", "*.py[co]", "*.egg-info")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, target / name)
    commit = find_commit(ROOT, ROOT / "src/streaming_system/commit.txt")
    (target / "src/streaming_system/commit.txt").write_text(f"{commit}\n", encoding="ascii")
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="output folder")
    options = parser.parse_args()
    # The build creates files itself; their modes depend on the umask.
    os.umask(0o022)
    epoch = str(int(commit_time().timestamp()))
    with tempfile.TemporaryDirectory() as folder:
        sources, output = Path(folder, "sources"), Path(folder, "output")
        sources.mkdir()
        copy_sources(sources)
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
             "--no-build-isolation", "--no-cache-dir", "--wheel-dir", output, sources],
            check=True, env=os.environ | {"SOURCE_DATE_EPOCH": epoch},
        )  # fmt: skip
        [wheel] = output.glob("*.whl")
        options.target.mkdir(parents=True, exist_ok=True)
        target = options.target / wheel.name
        shutil.copy(wheel, target)
    print(f"{sha256(target.read_bytes()).hexdigest()}  {target}")


if __name__ == "__main__":
    main()
