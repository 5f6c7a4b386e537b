"""waitress, which ends without dropping a request: ``use = egg:streaming-system#server``.

By itself waitress is gone at SIGTERM, with all that is under way. A proxy asks another worker
then, but never twice for a POST: it may have been done. Here SIGTERM makes a worker do what it has
taken on:

1. Nobody can connect any more; who tries is not answered, tries again a second later, and is
   refused then, so that a proxy goes elsewhere. Whoever was connected by then is served.
2. Each answer closes its connection. Connections that a proxy keeps are closed once they have
   been silent for so long that it does not use them any more (``drain_idle``).
3. It ends when nobody is connected, and after ``drain_seconds`` at the latest.
"""

import array
import contextlib
import logging
import select
import signal
import socket
import struct
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import WSGITask

log = logging.getLogger(__name__)

# A handshake of which we have seen the beginning is over by then.
HANDSHAKE = 0.1  # seconds
SO_ATTACH_FILTER = 26
# For the kernel's packet filter: drop a packet whose flags have SYN, take any other.
NO_SYN = ((0x30, 0, 0, 13), (0x45, 0, 1, 0x02), (0x06, 0, 0, 0), (0x06, 0, 0, 0xFFFFFFFF))


def serve(app: Any, global_conf: dict[str, str], **settings: str) -> int:
    """Serve an app until SIGTERM (gracefully) or SIGINT (at once)."""
    seconds = _parse_seconds(settings, "drain_seconds", 30)
    idle = _parse_seconds(settings, "drain_idle", 3)
    server = GracefulServer(create_server(app, **settings), seconds=seconds, idle=idle)
    signal.signal(signal.SIGTERM, server.stop)
    server.run()
    return 0


def _parse_seconds(settings: dict[str, str], key: str, default: float) -> float:
    text = settings.pop(key, str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    # Nothing compares as true with NaN.
    if not 0 <= seconds <= 3600:
        raise SystemExit(f"{key} in the ini file is {text!r}; allowed: seconds, 0 to 3600")
    return seconds


class ConnectionCloseTask(WSGITask):
    """A request whose answer closes the connection if the server is about to end."""

    def build_response_header(self) -> Any:
        """Return the head of the answer."""
        if self.channel.server.draining:
            self.request.headers["CONNECTION"] = "close"
        return super().build_response_header()


class TrackedChannel(HTTPChannel):
    """A connection whose requests know whether the server is about to end."""

    task_class = ConnectionCloseTask
    _active = 0.0

    @property
    def last_activity(self) -> float:
        """When bytes came or went, by a clock that does not jump.

        By the wall's, which waitress takes, all are idle at once when it is set.
        """
        return self._active

    @last_activity.setter
    def last_activity(self, _: float) -> None:
        self._active = time.monotonic()


class GracefulServer:
    """The loop of waitress, with an end that nobody notices.

    :param server: what waitress has made.
    :param seconds: how long it may take to end.
    :param idle: after how many seconds of silence nobody uses a connection again.
    """

    def __init__(self, server: Any, *, seconds: float, idle: float) -> None:
        self._server = server
        self._seconds = seconds
        self._idle = idle
        # One of many sockets has another name for it.
        self._map = server.map if hasattr(server, "map") else server._map
        self._listeners = [each for each in self._map.values() if isinstance(each, BaseWSGIServer)]
        for listener in self._listeners:
            listener.channel_class = TrackedChannel
            listener.draining = False
            listener.maintenance = partial(_close_idle, listener.maintenance)
        self._stopping = False

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Begin to end: a handler of signals."""
        self._stopping = True
        for listener in self._listeners:
            # The loop is woken up; nothing else may be done where a signal happens to come.
            listener.pull_trigger()

    def run(self) -> None:
        """Serve until it has been told to end, and has ended."""
        self._server.print_listen("Serving on http://{}:{}")
        try:
            while not self._stopping:
                self._turn(self._server.adj.asyncore_loop_timeout)
            self._drain()
        except (SystemExit, KeyboardInterrupt):
            log.info("interrupted")
        self._listeners[0].task_dispatcher.shutdown()

    def _turn(self, timeout: float) -> None:
        use_poll = self._server.adj.asyncore_use_poll
        wasyncore.loop(timeout=timeout, use_poll=use_poll, map=self._map, count=1)

    def _drain(self) -> None:
        begun = time.monotonic()
        for listener in self._listeners:
            listener.draining = True
            _refuse_handshakes(listener.socket)
        while time.monotonic() < begun + HANDSHAKE:
            self._turn(HANDSHAKE / 4)
        for listener in self._listeners:
            while select.select([listener.socket], [], [], 0)[0]:
                listener.handle_accept()
            # Its own close() would take away what wakes the loop up.
            wasyncore.dispatcher.close(listener)
        while (channels := self._channels()) and time.monotonic() < begun + self._seconds:
            for channel in channels:
                if _is_idle(channel) and time.monotonic() - channel.last_activity > self._idle:
                    channel.handle_close()
            self._turn(0.1)
        busy = sum(not _is_idle(channel) for channel in self._channels())
        if busy:
            log.warning("%d requests cut off: not done within %g s", busy, self._seconds)

    def _channels(self) -> list[HTTPChannel]:
        return [each for each in self._map.values() if isinstance(each, HTTPChannel)]


def _close_idle(close: Callable[[float], None], _: float) -> None:
    """Let waitress close what has been idle for long by the clock that our channels use."""
    close(time.monotonic())


def _is_idle(channel: HTTPChannel) -> bool:
    """Return whether nothing is on its way, in or out, as far as we know."""
    return not channel.requests and channel.request is None and not channel.total_outbufs_len


def _refuse_handshakes(listening: socket.socket) -> None:
    """Let nobody connect any more, and keep those who are connected and have not been accepted.

    Closing the socket would send those away.
    """
    program = array.array("B", b"".join(struct.pack("HBBI", *line) for line in NO_SYN))
    address, _ = program.buffer_info()
    # A socket in the file system has no packets, other systems no such filter.
    with contextlib.suppress(OSError):
        listening.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(NO_SYN), address)
        )
