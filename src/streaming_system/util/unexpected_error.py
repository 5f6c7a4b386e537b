"""Describes errors that no code expects: people get a place instead of a Python exception."""

import traceback
from pathlib import Path


def describe_unexpected_error(error: Exception) -> str:
    """Return where an exception was raised, such as "internal error at line 12 of hls.py"."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return "internal error"
    return f"internal error at line {frames[-1].lineno} of {Path(frames[-1].filename).name}"
