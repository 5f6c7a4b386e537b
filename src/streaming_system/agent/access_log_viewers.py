"""Counts the viewers of segmented streams in a web server's access log.

A client that requested a playlist or segment within the window is a viewer. Addresses are not
stored: only keyed hashes of address and user agent, in memory; the key ends with the process.
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

# Apache's combined log format, which is nginx's default, too.
_LOG_LINE = re.compile(
    rb'(\S+) \S+ .{0,200}?\[[^\]]{1,40}\] "[A-Z]{3,10} (\S{1,4000})[^"]*" (\d{3}) (\d{1,12}|-)'
    rb'(?: "(?:[^"\\]|\\.)*" "((?:[^"\\]|\\.)*)")?'
)
CHUNK_BYTES = 256 * 1024
MAX_LINE_BYTES = 16 * 1024
MAX_VIEWERS = 100_000
# After a suspend, older lines are skipped: they say nothing about the viewers of this moment.
MAX_BACKLOG_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ViewerCount:
    """Viewers of a mount.

    :param sent: in bit/s.
    """

    clients: int = 0
    sent: int = 0


class ViewerWindow:
    """The viewers in the last seconds of an access log.

    :param log: the file, and the path prefix of its mounts.
    :param streams: the mounts.
    """

    def __init__(self, log: AccessLogConfig, streams: Iterable[StreamConfig]) -> None:
        self._log = log
        self._rooms = {stream.mount: stream.room for stream in streams}
        # The longest prefix first: /hls/hall-low is not /hls/hall.
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
        self._partial_line = b""
        self._started_at = time.monotonic()

    def count(self) -> Mapping[str, ViewerCount]:
        """Read new lines of the log; return the viewers of each mount.

        :raises OSError: if the log cannot be read.
        """
        now = time.monotonic()
        self._read_new_lines(now)
        start = now - self._log.window
        self._viewers = {viewer: seen for viewer, seen in self._viewers.items() if seen[0] > start}
        while self._sent and self._sent[0][0] <= start:
            self._sent.popleft()
        seconds = min(self._log.window, max(1.0, now - self._started_at))
        clients = dict.fromkeys(self._rooms, 0)
        for _, mount in self._viewers.values():
            clients[mount] += 1
        bits = dict.fromkeys(self._rooms, 0)
        for _, mount, size in self._sent:
            bits[mount] += size * 8
        return {
            mount: ViewerCount(clients=clients[mount], sent=round(bits[mount] / seconds))
            for mount in self._rooms
        }

    def close(self) -> None:
        """Close the log."""
        if self._file:
            self._file.close()
            self._file = None

    def _read_new_lines(self, now: float) -> None:
        sent_bytes: dict[str, int] = {}
        if self._file is None:
            self._file = FileIO(self._log.file)
            # It is unknown when older requests were made.
            self._file.seek(0, os.SEEK_END)
        self._read_to_end(self._file, now, sent_bytes)
        if self._is_rotated(self._file):
            self._file.close()
            self._file, self._partial_line = FileIO(self._log.file), b""
            self._read_to_end(self._file, now, sent_bytes)
        self._sent.extend((now, mount, size) for mount, size in sent_bytes.items())

    def _read_to_end(self, file: FileIO, now: float, sent_bytes: dict[str, int]) -> None:
        size, offset = os.fstat(file.fileno()).st_size, file.tell()
        if size < offset:
            # The file was truncated in place.
            offset, self._partial_line = file.seek(0), b""
        if size - offset > MAX_BACKLOG_BYTES:
            file.seek(size - MAX_BACKLOG_BYTES)
            self._partial_line = b""
        while chunk := file.read(CHUNK_BYTES):
            *lines, self._partial_line = (self._partial_line + chunk).split(b"\n")
            if len(self._partial_line) > MAX_LINE_BYTES:
                self._partial_line = b""
            for line in lines:
                self._count_line(line, now, sent_bytes)

    def _is_rotated(self, file: FileIO) -> bool:
        try:
            current, opened = self._log.file.stat(), os.fstat(file.fileno())
        except FileNotFoundError:
            # During a rotation there is no file for a moment.
            return False
        return (current.st_dev, current.st_ino) != (opened.st_dev, opened.st_ino)

    def _count_line(self, line: bytes, now: float, sent_bytes: dict[str, int]) -> None:
        match = _LOG_LINE.match(line)
        if not match or match[3][:1] not in (b"2", b"3"):
            return
        mount = self._find_mount(match[2])
        if mount is None:
            return
        if match[4] != b"-":
            sent_bytes[mount] = sent_bytes.get(mount, 0) + int(match[4])
        if (match[5] or b"").startswith(USER_AGENT.encode()):
            # Requests of agents are not viewers.
            return
        # A viewer who changes the quality is the same viewer, so the room is hashed, not the mount.
        identity = b"\0".join((self._rooms[mount].encode(), match[1], match[5] or b""))
        viewer = hashlib.blake2b(identity, key=self._key, digest_size=8).digest()
        if viewer in self._viewers or len(self._viewers) < MAX_VIEWERS:
            self._viewers[viewer] = (now, mount)

    def _find_mount(self, target: bytes) -> str | None:
        path = unquote(target.decode("latin-1").partition("?")[0])
        for prefix, mount in self._prefixes:
            if path.startswith(prefix) and path[len(prefix) :][:1] in ("", ".", "/", "-"):
                return mount
        return None
