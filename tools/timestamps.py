"""The time that stands in what is made of the sources: that of the sources, not of the making."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent


def commit_time():
    """Return SOURCE_DATE_EPOCH, or else when the last commit was made.

    :raises SystemExit: where there is neither.
    """
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not told:
        done = subprocess.run(
            ["git", "-C", ROOT, "log", "-1", "--format=%ct"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        told = done.stdout.strip()
    if not told.isdigit():
        raise SystemExit("no git checkout: set SOURCE_DATE_EPOCH to the time of the sources")
    return datetime.fromtimestamp(int(told), UTC)
