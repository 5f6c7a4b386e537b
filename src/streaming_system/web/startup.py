"""What holds while an app is made."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_is_garbage() -> Iterator[None]:
    """Let Python not look for garbage meanwhile: what is made for an app stays as long as it does.

    Looking through all of it again and again is a twentieth of a worker's start.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
