"""ffmpeg: where it is, and how it is called."""

import shutil

# No terminal, no words but errors, and nothing is asked.
QUIET_FLAGS = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y")


def find_ffmpeg() -> str | None:
    """Return where ffmpeg is."""
    return shutil.which("ffmpeg")
