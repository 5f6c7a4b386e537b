"""The demo's viewers: headless Chromium on the pages of rooms."""

import os
import shutil
from pathlib import Path

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def find_chromium() -> str | None:
    """Return the path of Chromium."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


def chromium_command(chromium: str, url: str, profile: Path) -> list[str]:
    """Return the command that opens a room's page."""
    # The user's own browser has priority.
    nice = shutil.which("nice")
    return [
        *((nice, "-n", "10") if nice else ()),
        chromium,
        "--headless",
        # Its sandbox does not work for root.
        *(("--no-sandbox",) if os.getuid() == 0 else ()),
        f"--user-data-dir={profile}",
        "--window-size=640,480",
        "--mute-audio",
        "--autoplay-policy=no-user-gesture-required",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-breakpad",
        "--disable-extensions",
        "--disable-sync",
        url,
    ]
