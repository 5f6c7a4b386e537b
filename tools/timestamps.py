"""The timestamp of reproducible build products."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent


def commit_time():
    """Return SOURCE_DATE_EPOCH, or else the time of the last commit, in UTC.

    :raises SystemExit: there is neither.
    """
    seconds = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not seconds:
        done = subprocess.run(
            ["git", "-C", ROOT, "log", "-1", "--format=%ct"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        seconds = done.stdout.strip()
    if not seconds.isdigit():
        raise SystemExit("no git checkout: set SOURCE_DATE_EPOCH to the time of the sources")
    return datetime.fromtimestamp(int(seconds), UTC)
