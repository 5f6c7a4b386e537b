"""ffmpeg: where it is, and how it is called."""

import shutil

# No terminal, no words but errors, and nothing is asked.
QUIET = ("-nostdin", "-hide_banner", "-loglevel", "error", "-y")


def find() -> str | None:
    """Return where ffmpeg is."""
    return shutil.which("ffmpeg")
