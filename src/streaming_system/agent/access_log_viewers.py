"""Counts the viewers of segmented streams in a web server's access log.

A client that requested a playlist or segment within the window is a viewer. At the start, the times
of the lines show which ones are within it; later, a line counts when it is read. Addresses are not
stored: only keyed hashes of address and user agent, in memory; the key ends with the process.
"""

import hashlib
import math
import os
import re
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

from streaming_system.agent.config import AccessLogConfig, StreamConfig
from streaming_system.agent.logs.checkpoint import Checkpoint
from streaming_system.agent.logs.config import LogFile
from streaming_system.agent.logs.tail import LineSink, LogTailer
from streaming_system.util.combined_log_format import (
    COMBINED_LOG_LINE,
    MAX_RESPONSE_BYTES,
    parse_log_time,
)
from streaming_system.util.user_agents import is_check

_REQUEST_TARGET = re.compile(r"[A-Z]{3,10} (\S{1,4000})")
MAX_LINE_CHARS = 16 * 1024
MAX_VIEWERS = 100_000
# Older lines say nothing about the viewers of this moment: at the start, and after a suspend.
MAX_BACKLOG_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ViewerCount:
    """Viewers of a mount.

    :param sent: in bit/s.
    """

    clients: int = 0
    sent: int = 0


class ViewerWindow(LineSink):
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
        self._started_at = time.monotonic()
        self._is_first_read = True
        self._tailer = LogTailer(
            LogFile(path=log.file, room=""), self, max_backlog=MAX_BACKLOG_BYTES
        )

    def count(self) -> Mapping[str, ViewerCount]:
        """Read new lines of the log; return the viewers of each mount.

        :raises OSError: if the log cannot be read.
        """
        self._tailer.poll(lambda: True)
        if not self._tailer.is_open:
            # For the error. During a rotation, the log may be missing for a moment.
            self._log.file.open("rb").close()
        self._is_first_read = False
        now = time.monotonic()
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
        self._tailer.close()

    def append(self, path: Path, room: str, checkpoint: Checkpoint, lines: bytes) -> Checkpoint:
        """Count the requests in new lines."""
        now, wall_time = time.monotonic(), datetime.now(UTC)
        sent_bytes: Counter[tuple[float, str]] = Counter()
        for line in lines.decode("latin-1").split("\n"):
            self._count_line(line, now, wall_time, sent_bytes)
        self._sent.extend((at, mount, size) for (at, mount), size in sorted(sent_bytes.items()))
        return checkpoint

    def _count_line(
        self,
        line: str,
        now: float,
        wall_time: datetime,
        sent_bytes: Counter[tuple[float, str]],
    ) -> None:
        match = COMBINED_LOG_LINE.match(line) if len(line) <= MAX_LINE_CHARS else None
        if not match:
            return
        address, time_text, request, status, size, _, user_agent = match.groups("")
        age = _line_age(time_text, wall_time) if self._is_first_read else 0.0
        if age > self._log.window:
            return
        at = now - age
        self._started_at = min(self._started_at, at)
        target = _REQUEST_TARGET.match(request)
        mount = self._find_mount(target[1]) if target and status[0] in "23" else None
        if mount is None:
            return
        if size != "-" and int(size) <= MAX_RESPONSE_BYTES:
            sent_bytes[at, mount] += int(size)
        if is_check(user_agent):
            return
        # A viewer who changes the quality is the same viewer, so the room is hashed, not the mount.
        identity = "\0".join((self._rooms[mount], address, user_agent)).encode()
        viewer = hashlib.blake2b(identity, key=self._key, digest_size=8).digest()
        if viewer in self._viewers or len(self._viewers) < MAX_VIEWERS:
            self._viewers[viewer] = (at, mount)

    def _find_mount(self, target: str) -> str | None:
        path = unquote(target.partition("?")[0])
        for prefix, mount in self._prefixes:
            if path.startswith(prefix) and path[len(prefix) :][:1] in ("", ".", "/", "-"):
                return mount
        return None


def _line_age(time_text: str, wall_time: datetime) -> float:
    """Return the age of a line in seconds; infinity if its time is invalid."""
    logged_at = parse_log_time(time_text)
    if logged_at is None:
        return math.inf
    # Lines have whole seconds, and a clock that was set back makes them future.
    return max(0.0, (wall_time - logged_at).total_seconds())
