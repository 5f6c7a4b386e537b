"""Runs Lighthouse on a running site: ``make lighthouse URL=http://127.0.0.1:8000``.

Lighthouse is installed by npm and controls the local Chromium. Exit status 1: a page is below a
minimum score.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LIGHTHOUSE = "lighthouse@13.5.0"
CHROMIUM = "/usr/bin/chromium"
MAX_ATTEMPTS = 3
# The minimum scores of each page, in per cent.
MIN_SCORES = {"performance": 95, "accessibility": 100, "best-practices": 100, "seo": 95}
DEVICES = {"phone": [], "desktop": ["--preset=desktop"]}


def main() -> int:
    """Print a table of the scores, and the audits that lower them."""
    site, *paths = sys.argv[1:]
    rows, problems = [], []
    for path in paths or ["/", "/example", "/schedule"]:
        for device, options in DEVICES.items():
            report = run_lighthouse(site.rstrip("/") + path, options)
            scores = {name: round(100 * report["categories"][name]["score"]) for name in MIN_SCORES}
            rows.append(f"| `{path}` | {device} | {' | '.join(map(str, scores.values()))} |")
            for name, score in scores.items():
                if score < 100:
                    problems += [
                        f"{path} ({device}), {name}: {title}"
                        for title in failed_audits(report, name)
                    ]
                if score < MIN_SCORES[name]:
                    problems.append(
                        f"{path} ({device}), {name}: {score} is less than {MIN_SCORES[name]}"
                    )
    print(
        f"| page | device | {' | '.join(MIN_SCORES)} |",
        "|---" * 6 + "|",
        *rows,
        "",
        *problems,
        sep="\n",
    )
    return int(any("is less than" in line for line in problems))


def run_lighthouse(url: str, options: list[str]) -> dict:
    """Return Lighthouse's report on a page."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "report.json"
        flags = "--headless=new --no-sandbox --disable-gpu --disable-background-networking"
        command = ["npx", "--yes", LIGHTHOUSE, url, "--quiet", "--output=json",
                   f"--output-path={target}", f"--chrome-flags={flags}",
                   f"--only-categories={','.join(MIN_SCORES)}", *options]  # fmt: skip
        # Lighthouse sometimes fails to record a page load (NO_NAVSTART); a retry helps.
        for retries_left in reversed(range(MAX_ATTEMPTS)):
            done = subprocess.run(command, env=os.environ | {"CHROME_PATH": CHROMIUM})
            if done.returncode == 0:
                break
            if not retries_left:
                sys.exit(f"Lighthouse cannot load {url}")
        return json.loads(target.read_text(encoding="utf-8"))


def failed_audits(report: dict, category: str) -> list[str]:
    """Return the titles of the audits that lower a score."""
    audits = report["audits"]
    return [
        audits[ref["id"]]["title"]
        for ref in report["categories"][category]["auditRefs"]
        if ref["weight"] and audits[ref["id"]]["score"] not in (None, 1)
    ]


if __name__ == "__main__":
    sys.exit(main())
