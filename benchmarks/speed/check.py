"""Whether anything got slower: the ratios of a run beside those that were committed."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# How much worse a ratio may be until it is named.
ALLOWED = 0.15


def worse(
    now: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, Mapping[str, Any]],
    allowed: float = ALLOWED,
) -> list[str]:
    """Return a line for each row that got worse by more than is allowed, or is on one side only.

    The rows of before say which way is better: their goals are known, those of a new row are not.
    """
    found = []
    for name in [*before, *(name for name in now if name not in before)]:
        if name not in now:
            found.append(f"{name}: was not measured; it was {before[name]['ratio']:.3f}")
        elif name not in before:
            found.append(f"{name}: is new, at {now[name]['ratio']:.3f}; no ratio was committed")
        else:
            was, has = before[name]["ratio"], now[name]["ratio"]
            less = before[name]["better"] == "less"
            change = (has / was if less else was / has) - 1
            if change > allowed:
                found.append(
                    f"{name}: {was:.3f} before, {has:.3f} now: {change:.0%} worse"
                    f" ({'less' if less else 'more'} is better)"
                )
    return found


def committed(file: Path) -> dict[str, Any]:
    """Return the results that were committed last, whatever has been measured since.

    :raises OSError: if there are none.
    """
    done = subprocess.run(
        ["git", "show", f"HEAD:./{file.name}"],
        cwd=file.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    # An unpacked archive has no history, and the file as it was released.
    text = file.read_text(encoding="utf-8") if done.returncode else done.stdout
    found: dict[str, Any] = json.loads(text)
    return found
