"""Builds the wheel so that the same sources give the same bytes: `make wheel`.

What differs between machines goes into no wheel: the sources are copied with the same modes, built
in the copy, where no build/ of before lies, and bear the time of the commit.
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

# What setup.py and MANIFEST.in take.
TAKEN = ("src", "parsers", "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")


def copy(target):
    """Copy what the wheel is made of; files of ours are read by all and run by none."""
    unwanted = shutil.ignore_patterns("__pycache__", "*.py[co]", "*.egg-info")
    for name in TAKEN:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=unwanted)
        else:
            shutil.copy(ROOT / name, target / name)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="the folder that it is written to")
    options = parser.parse_args()
    # What the build makes by itself would bear the mask of whoever builds.
    os.umask(0o022)
    epoch = str(int(commit_time().timestamp()))
    with tempfile.TemporaryDirectory() as folder:
        sources, made = Path(folder, "sources"), Path(folder, "made")
        sources.mkdir()
        copy(sources)
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index",
             "--no-build-isolation", "--no-cache-dir", "--wheel-dir", made, sources],
            check=True, env=os.environ | {"SOURCE_DATE_EPOCH": epoch},
        )  # fmt: skip
        [wheel] = made.glob("*.whl")
        options.target.mkdir(parents=True, exist_ok=True)
        written = options.target / wheel.name
        shutil.copy(wheel, written)
    print(f"{sha256(written.read_bytes()).hexdigest()}  {written}")


if __name__ == "__main__":
    main()
