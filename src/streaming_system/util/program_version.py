"""The version of the program, and the commit that it was built from."""

import importlib.metadata
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DISTRIBUTION = "streaming-system"
UNKNOWN_COMMIT = "unknown"
# A build writes it: tools/build_wheel.py and conf/setup.sh. A checkout has none.
COMMIT_FILE = Path(__file__).parents[1] / "commit.txt"
CHECKOUT = Path(__file__).parents[3]
GIT_TIMEOUT = 5  # seconds


@dataclass(frozen=True)
class ProgramVersion:
    """A version as in `pip list`, and a commit: 12 hexadecimal digits or "unknown".

    The commit of a checkout with changes ends in "-dirty".
    """

    version: str
    commit: str

    def __str__(self) -> str:
        return f"{DISTRIBUTION} {self.version} (commit {self.commit})"


@cache
def program_version() -> ProgramVersion:
    """Return the version of this installation.

    The first call in a checkout runs git, so apps call it at their start.
    """
    return ProgramVersion(
        version=importlib.metadata.version(DISTRIBUTION),
        commit=find_commit(CHECKOUT, COMMIT_FILE),
    )


def find_commit(checkout: Path, file: Path) -> str:
    """Return the commit of a checkout, else the one in the file of the build, else "unknown"."""
    if (checkout / ".git").exists():
        return _describe_checkout(checkout) or UNKNOWN_COMMIT
    try:
        return file.read_text(encoding="ascii").strip() or UNKNOWN_COMMIT
    except (OSError, ValueError):
        return UNKNOWN_COMMIT


def _describe_checkout(checkout: Path) -> str:
    # git is missing, or refuses the folder of another user.
    command = ["git", "--no-optional-locks", "-C", str(checkout), "describe", "--always",
               "--dirty", "--abbrev=12", "--exclude=*"]  # fmt: skip
    try:
        result = subprocess.run(  # noqa: S603 - The command is fixed.
            command, capture_output=True, text=True, check=False, timeout=GIT_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip()
