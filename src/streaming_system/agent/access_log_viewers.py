"""Viewers of streams that are fetched in pieces, counted in a web server's access log.

Who has asked for a piece of a stream within the window watches it. Addresses are never kept: only
hashes of address and user agent, in memory, with a key that ends with the process.
"""

import hashlib
import os
import re
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import FileIO
from urllib.parse import unquote

from streaming_system.agent.config import AccessLogConfig, StreamConfig
from streaming_system.agent.tracker_http import USER_AGENT

# Apache's combined format; nginx writes the same.
_LOG_LINE = re.compile(
    rb'(\S+) \S+ .{0,200}?\[[^\]]{1,40}\] "[A-Z]{3,10} (\S{1,4000})[^"]*" (\d{3}) (\d{1,12}|-)'
    rb'(?: "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)")?'
)
CHUNK_BYTES = 256 * 1024
MAX_LINE_BYTES = 16 * 1024
MAX_VIEWERS = 100_000
# How far the agent reads in one go; beyond it, it has been asleep, and old lines are no viewers.
MAX_BACKLOG_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ViewerCount:
    """Who watches a mount.

    :param sent: in bit/s.
    """

    clients: int = 0
    sent: int = 0


class ViewerWindow:
    """The last seconds of an access log.

    :param log: which file, and what the addresses of its mounts begin with.
    :param streams: the mounts.
    """

    def __init__(self, log: AccessLogConfig, streams: Iterable[StreamConfig]) -> None:
        self._log = log
        self._rooms = {stream.mount: stream.room for stream in streams}
        # The longest first: /hls/hall-low is not /hls/hall.
        self._prefixes = sorted(
            (
                (log.path.replace("{mount}", mount.rpartition("/")[2]), mount)
                for mount in self._rooms
            ),
            key=lambda pair: -len(pair[0]),
        )
        self._key = os.urandom(16)
        self._viewers: dict[bytes, tuple[float, str]] = {}
        self._sent: deque[tuple[float, str, int]] = deque()
        self._file: FileIO | None = None
        self._rest = b""
        self._began = time.monotonic()

    def count(self) -> Mapping[str, ViewerCount]:
        """Read what is new in the log; return who watches each mount.

        :raises OSError: if the log cannot be read.
        """
        now = time.monotonic()
        self._read(now)
        since = now - self._log.window
        self._viewers = {who: seen for who, seen in self._viewers.items() if seen[0] > since}
        while self._sent and self._sent[0][0] <= since:
            self._sent.popleft()
        span = min(self._log.window, max(1.0, now - self._began))
        clients = dict.fromkeys(self._rooms, 0)
        for _, mount in self._viewers.values():
            clients[mount] += 1
        bits = dict.fromkeys(self._rooms, 0)
        for _, mount, octets in self._sent:
            bits[mount] += octets * 8
        return {
            mount: ViewerCount(clients=clients[mount], sent=round(bits[mount] / span))
            for mount in self._rooms
        }

    def close(self) -> None:
        """Close the log."""
        if self._file:
            self._file.close()
            self._file = None

    def _read(self, now: float) -> None:
        octets: dict[str, int] = {}
        if self._file is None:
            self._file = FileIO(self._log.file)
            # What was written before we came has no time that we have seen.
            self._file.seek(0, os.SEEK_END)
        self._read_on(self._file, now, octets)
        if self._moved(self._file):
            self._file.close()
            self._file, self._rest = FileIO(self._log.file), b""
            self._read_on(self._file, now, octets)
        self._sent.extend((now, mount, count) for mount, count in octets.items())

    def _read_on(self, file: FileIO, now: float, octets: dict[str, int]) -> None:
        size, place = os.fstat(file.fileno()).st_size, file.tell()
        if size < place:
            # It was emptied in place.
            place, self._rest = file.seek(0), b""
        if size - place > MAX_BACKLOG_BYTES:
            file.seek(size - MAX_BACKLOG_BYTES)
            self._rest = b""
        while piece := file.read(CHUNK_BYTES):
            *lines, self._rest = (self._rest + piece).split(b"\n")
            if len(self._rest) > MAX_LINE_BYTES:
                self._rest = b""
            for line in lines:
                self._take(line, now, octets)

    def _moved(self, file: FileIO) -> bool:
        """Tell whether another file has taken the log's name."""
        try:
            there, here = os.stat(self._log.file), os.fstat(file.fileno())  # noqa: PTH116
        except FileNotFoundError:
            # It is being rotated: the new one comes in a moment.
            return False
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)

    def _take(self, line: bytes, now: float, octets: dict[str, int]) -> None:
        found = _LOG_LINE.match(line)
        if not found or found[3][:1] not in (b"2", b"3"):
            return
        mount = self._mount(found[2])
        if mount is None:
            return
        if found[4] != b"-":
            octets[mount] = octets.get(mount, 0) + int(found[4])
        if (found[5] or b"").startswith(USER_AGENT.encode()):
            # An agent that takes a look is no viewer.
            return
        told = b"\0".join((self._rooms[mount].encode(), found[1], found[5] or b""))
        who = hashlib.blake2b(told, key=self._key, digest_size=8).digest()
        if who in self._viewers or len(self._viewers) < MAX_VIEWERS:
            # One viewer who changes the quality is still one.
            self._viewers[who] = (now, mount)

    def _mount(self, target: bytes) -> str | None:
        path = unquote(target.decode("latin-1").partition("?")[0])
        for prefix, mount in self._prefixes:
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in (
                "",
                ".",
                "/",
                "-",
            ):
                return mount
        return None
