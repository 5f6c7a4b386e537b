"""Builds a reproducible source distribution of the last commit: part of `make release`.

setuptools writes the current time and the user into the archive, so its files are packed again.
"""

import argparse
import gzip
import io
import subprocess
import sys
import tarfile
import tempfile
from hashlib import sha256
from pathlib import Path

from timestamps import ROOT, commit_time

from streaming_system.util.program_version import find_commit

_BUILD = "from setuptools import build_meta; print(build_meta.build_sdist('output'))"


def extract_commit(target):
    """Write the files of the last commit into a folder, with the file that names the commit."""
    archive = subprocess.run(
        ["git", "-C", ROOT, "archive", "HEAD"], check=True, capture_output=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(target, filter="data")
    commit_file = target / "src/streaming_system/commit.txt"
    commit_file.write_text(f"{find_commit(ROOT, commit_file)}\n", encoding="ascii")


def pack_again(source, target, seconds):
    """Copy an archive with sorted entries of one owner and time."""
    with (
        tarfile.open(source) as archive,
        target.open("wb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=seconds) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as packed,
    ):
        for entry in sorted(archive.getmembers(), key=lambda entry: entry.name):
            entry.mtime, entry.mode = seconds, 0o755 if entry.isdir() else 0o644
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.pax_headers = {}
            packed.addfile(entry, archive.extractfile(entry) if entry.isfile() else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, help="output folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        extract_commit(Path(folder))
        done = subprocess.run(
            [sys.executable, "-c", _BUILD], cwd=folder, check=True, capture_output=True, text=True
        )
        name = done.stdout.splitlines()[-1]
        options.target.mkdir(parents=True, exist_ok=True)
        target = options.target / name
        pack_again(Path(folder, "output", name), target, int(commit_time().timestamp()))
    print(f"{sha256(target.read_bytes()).hexdigest()}  {target}")


if __name__ == "__main__":
    main()
