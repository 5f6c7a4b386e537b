"""Atomic replacement of files."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: Path, *, mode: int) -> Iterator[BinaryIO]:
    """Write a temporary file beside ``path`` that replaces it unless the block raises.

    :param mode: permissions of the file; while it is written, only its owner can read it.
    :raises OSError: if the file cannot be written; the old file stays.
    """
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".draft", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
