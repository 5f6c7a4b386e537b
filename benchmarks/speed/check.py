"""Finds regressions: compares the ratios of a run with the committed ones."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# The largest change for the worse that is not reported.
MAX_REGRESSION = 0.15


def find_regressions(
    now: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, Mapping[str, Any]],
    limit: float = MAX_REGRESSION,
) -> list[str]:
    """Return a line for each row that got worse by more than the limit, or is on one side only.

    ``before`` decides whether less or more is better.
    """
    regressions = []
    for name in [*before, *(name for name in now if name not in before)]:
        if name not in now:
            regressions.append(f"{name}: not measured; it was {before[name]['ratio']:.3f}")
        elif name not in before:
            regressions.append(f"{name}: new, at {now[name]['ratio']:.3f}; no committed ratio")
        else:
            old, new = before[name]["ratio"], now[name]["ratio"]
            is_less_better = before[name]["better"] == "less"
            change = (new / old if is_less_better else old / new) - 1
            if change > limit:
                regressions.append(
                    f"{name}: {old:.3f} before, {new:.3f} now: {change:.0%} worse"
                    f" ({'less' if is_less_better else 'more'} is better)"
                )
    return regressions


def load_committed(file: Path) -> dict[str, Any]:
    """Return the results of the last commit.

    :raises OSError: there are none.
    """
    process = subprocess.run(
        ["git", "show", f"HEAD:./{file.name}"],
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    # An unpacked archive has no history; its file is the released one.
    text = file.read_text(encoding="utf-8") if process.returncode else process.stdout
    results: dict[str, Any] = json.loads(text)
    return results
