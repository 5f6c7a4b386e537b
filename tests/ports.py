"""Ports for the servers of tests, several of which run at the same time."""

import fcntl
import functools
import os
import random
import socket
import tempfile
from pathlib import Path

# Below the ports that the system gives to outgoing connections: asking such a port before anybody
# listens can end in a connection with oneself, and then no server can listen there any more.
FIRST_PORT, BLOCKS, BLOCK_SIZE = 20_000, 48, 250
LOCKS = Path(tempfile.gettempdir(), "streaming-system-test-ports")
_given: set[int] = set()


def free_port() -> int:
    """Return a port that is free, and that no other test is given, whichever checkout runs it."""
    first, _ = _block()
    for port in random.sample(range(first, first + BLOCK_SIZE), BLOCK_SIZE):
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        if len(_given) > BLOCK_SIZE // 2:
            # The servers that were first have long ended.
            _given.clear()
        return port
    raise AssertionError("no free port")


@functools.cache
def _block():
    """Return the first port of a block, and the lock that keeps it for this process alone."""
    LOCKS.mkdir(exist_ok=True)
    for number in range(BLOCKS):
        lock = os.open(LOCKS / str(number), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            continue
        return FIRST_PORT + BLOCK_SIZE * number, lock
    raise AssertionError("no free block of ports: other test runs have them all")
