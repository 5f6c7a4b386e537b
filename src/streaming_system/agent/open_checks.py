"""The open connections of checks, of all services on this machine.

A server that has no more than the number of its clients counts them. So a check has a name in
Linux's abstract namespace of Unix sockets while it is connected: every user can list the names, and
the system removes them with the process. Elsewhere, an agent knows its own checks only.

Two servers on one machine may have streams of the same path. Agents with different values of
``STREAMING_CHECKS`` in the environment do not see each other's checks.
"""

import contextlib
import hashlib
import itertools
import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

SOCKET_LIST = Path("/proc/self/net/unix")
PREFIX = f"streaming-system-check{os.environ.get('STREAMING_CHECKS', '')}"
CLOSED = "/closed"
# A program has connected, and the server counts it, within this time.
CONNECT_MS = 1000
# Icecast notices the end of a connection when it has more to send.
DISCONNECT_SECONDS = 2.0

_numbers = itertools.count()
_own: set[str] = set()


@contextlib.contextmanager
def open_check(url: str) -> Iterator[None]:
    """Record that a check is connected to the stream at a URL, for the duration of the block."""
    name = f"{_prefix(url)}{_milliseconds()}/{os.getpid()}-{next(_numbers)}"
    marker = _bind(name)
    try:
        yield
    finally:
        closed_name = f"{name}{CLOSED}"
        closed_marker = _bind(closed_name)
        _release(name, marker)
        timer = threading.Timer(DISCONNECT_SECONDS, _release, (closed_name, closed_marker))
        timer.daemon = True
        timer.start()


def _bind(name: str) -> socket.socket:
    _own.add(name)
    marker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    # Other systems have no such names.
    with contextlib.suppress(OSError):
        marker.bind(f"\0{name}")
    return marker


def _release(name: str, marker: socket.socket) -> None:
    marker.close()
    _own.discard(name)


def find_open_checks(urls: Iterable[str]) -> frozenset[str]:
    """Return the names of the checks that are connected to a stream, or were a moment ago.

    :param urls: of the stream, or its path. A check may use another address of the server, so only
        the paths are compared.
    """
    prefixes = tuple({_prefix(url) for url in urls})
    names = set(_own.copy())
    with contextlib.suppress(OSError):
        lines = SOCKET_LIST.read_text(encoding="utf-8", errors="replace").splitlines()
        # The list shows the leading zero byte as "@".
        names |= {line.rpartition(" @")[2] for line in lines if f" @{PREFIX}/" in line}
    return frozenset(name for name in names if name.startswith(prefixes))


def is_connected(name: str) -> bool:
    """Return whether a check is connected, and not only was a moment ago."""
    return not name.endswith(CLOSED)


def is_certain(name: str) -> bool:
    """Return whether the server counts a check: it may notice the begin and the end later."""
    return is_connected(name) and _milliseconds() - int(name.split("/")[2]) >= CONNECT_MS


def _milliseconds() -> int:
    return round(1000 * time.monotonic())


def _prefix(url: str) -> str:
    try:
        path = unquote(urlsplit(url).path)
    except ValueError:
        # The name of a mount may be any text.
        path = url
    # A path may contain a secret.
    digest = hashlib.blake2b(path.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"{PREFIX}/{digest}/"
