"""Counts the viewers of segmented streams in a web server's access log.

A client that requested a playlist or segment within the window is a viewer. Addresses are not
stored: only keyed hashes of address and user agent, in memory; the key ends with the process.
"""

import hashlib
import os
import re
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from streaming_system.agent.config import AccessLogConfig, StreamConfig
from streaming_system.agent.logs.checkpoint import Checkpoint
from streaming_system.agent.logs.config import LogFile
from streaming_system.agent.logs.tail import LineSink, LogTailer
from streaming_system.agent.tracker_http import USER_AGENT
from streaming_system.util.combined_log_format import COMBINED_LOG_LINE, MAX_RESPONSE_BYTES

_REQUEST_TARGET = re.compile(r"[A-Z]{3,10} (\S{1,4000})")
MAX_LINE_CHARS = 16 * 1024
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
        self._tailer = LogTailer(
            LogFile(path=log.file, room=""),
            self,
            # It is unknown when older requests were made.
            start_at_end=True,
            max_backlog=MAX_BACKLOG_BYTES,
        )

    def count(self) -> Mapping[str, ViewerCount]:
        """Read new lines of the log; return the viewers of each mount.

        :raises OSError: if the log cannot be read.
        """
        self._tailer.poll(lambda: True)
        if not self._tailer.is_open:
            # For the error. During a rotation, the log may be missing for a moment.
            self._log.file.open("rb").close()
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
        now = time.monotonic()
        sent_bytes: Counter[str] = Counter()
        for line in lines.decode("latin-1").split("\n"):
            self._count_line(line, now, sent_bytes)
        self._sent.extend((now, mount, size) for mount, size in sent_bytes.items())
        return checkpoint

    def _count_line(self, line: str, now: float, sent_bytes: Counter[str]) -> None:
        match = COMBINED_LOG_LINE.match(line) if len(line) <= MAX_LINE_CHARS else None
        if not match:
            return
        address, _, request, status, size, _, user_agent = match.groups("")
        target = _REQUEST_TARGET.match(request)
        mount = self._find_mount(target[1]) if target and status[0] in "23" else None
        if mount is None:
            return
        if size != "-" and int(size) <= MAX_RESPONSE_BYTES:
            sent_bytes[mount] += int(size)
        if user_agent.startswith(USER_AGENT):
            # Requests of agents are not viewers.
            return
        # A viewer who changes the quality is the same viewer, so the room is hashed, not the mount.
        identity = "\0".join((self._rooms[mount], address, user_agent)).encode()
        viewer = hashlib.blake2b(identity, key=self._key, digest_size=8).digest()
        if viewer in self._viewers or len(self._viewers) < MAX_VIEWERS:
            self._viewers[viewer] = (now, mount)

    def _find_mount(self, target: str) -> str | None:
        path = unquote(target.partition("?")[0])
        for prefix, mount in self._prefixes:
            if path.startswith(prefix) and path[len(prefix) :][:1] in ("", ".", "/", "-"):
                return mount
        return None
