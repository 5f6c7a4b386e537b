"""Ports for the servers of tests, several of which run at the same time."""

import os
import random
import re
import socket

# Below the ports that the system gives to outgoing connections: asking such a port before anybody
# listens can end in a connection with oneself, and then nobody can listen any more.
FIRST, SHARES, SHARE = 20_000, 8, 1_500
_given: set[int] = set()


def free_port() -> int:
    """Return a port that nobody has, and that no other test is given.

    It is free until somebody listens, so that each process of the tests has a share of its own.
    """
    worker = re.fullmatch(r"gw(\d+)", os.environ.get("PYTEST_XDIST_WORKER", ""))
    first = FIRST + SHARE * ((int(worker[1]) + 1) % SHARES if worker else 0)
    for port in random.sample(range(first, first + SHARE), SHARE):
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        if len(_given) > SHARE // 2:
            # Those who were first have long been served.
            _given.clear()
        return port
    raise AssertionError("no free port")
