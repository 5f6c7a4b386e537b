"""Ask Lighthouse how good the pages are: ``make lighthouse URL=http://127.0.0.1:8000``.

Lighthouse comes from npm, drives the local Chromium, and asks nobody else. It ends with 1 if a page
does not reach what we promise.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LIGHTHOUSE = "lighthouse@13.5.0"
CHROMIUM = "/usr/bin/chromium"
TRIES = 3
# What each page must reach, in per cent.
LEAST = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 95}
FORMS = {"phone": [], "desktop": ["--preset=desktop"]}


def main() -> int:
    """Print a table of pages, and what costs points."""
    site, *paths = sys.argv[1:]
    rows, missed = [], []
    for path in paths or ["/", "/example", "/schedule"]:
        for form, options in FORMS.items():
            report = examine(site.rstrip("/") + path, options)
            scores = {name: round(100 * report["categories"][name]["score"]) for name in LEAST}
            rows.append(f"| `{path}` | {form} | {' | '.join(map(str, scores.values()))} |")
            for name, score in scores.items():
                if score < 100:
                    missed += [f"{path} ({form}), {name}: {why}" for why in costs(report, name)]
                if score < LEAST[name]:
                    missed.append(f"{path} ({form}), {name}: {score} is less than {LEAST[name]}")
    print(f"| page | as | {' | '.join(LEAST)} |", "|---" * 6 + "|", *rows, "", *missed, sep="\n")
    return int(any("is less than" in line for line in missed))


def examine(url: str, options: list[str]) -> dict:
    """Return Lighthouse's report on a page."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report.json"
        flags = "--headless=new --no-sandbox --disable-gpu --disable-background-networking"
        command = ["npx", "--yes", LIGHTHOUSE, url, "--quiet", "--output=json",
                   f"--output-path={target}", f"--chrome-flags={flags}",
                   f"--only-categories={','.join(LEAST)}", *options]  # fmt: skip
        # Now and then it cannot record how a page loads (NO_NAVSTART), and asks to be run again.
        for left in reversed(range(TRIES)):
            done = subprocess.run(command, env=os.environ | {"CHROME_PATH": CHROMIUM})
            if done.returncode == 0:
                break
            if not left:
                sys.exit(f"Lighthouse cannot load {url}")
        return json.loads(target.read_text(encoding="utf-8"))


def costs(report: dict, category: str) -> list[str]:
    """Return the titles of what a page lost points by."""
    audits = report["audits"]
    return [
        audits[ref["id"]]["title"]
        for ref in report["categories"][category]["auditRefs"]
        if ref["weight"] and audits[ref["id"]]["score"] not in (None, 1)
    ]


if __name__ == "__main__":
    sys.exit(main())
