"""Where ffmpeg is, and common arguments."""

import shutil

# Non-interactive; only errors are printed.
QUIET_FLAGS = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y")


def find_ffmpeg() -> str | None:
    """Return the path of ffmpeg, if it is installed."""
    return shutil.which("ffmpeg")
