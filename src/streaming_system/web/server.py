"""waitress with a graceful shutdown: ``use = egg:streaming-system#server``.

waitress drops the requests in progress at SIGTERM. This server drains: it closes its listening
sockets (a proxy retries a refused connection at the next worker), closes each connection with its
response or after ``drain_idle`` seconds, and exits after ``drain_seconds`` at the latest.
"""

import logging
import select
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import WSGITask

log = logging.getLogger(__name__)


class ConnectionCloseTask(WSGITask):
    """Sends ``Connection: close`` with a response once the server is draining."""

    def build_response_header(self) -> Any:
        """Return the head of the response."""
        if not self.channel.server.accepting:
            self.request.headers["CONNECTION"] = "close"
        return super().build_response_header()


class GracefulChannel(HTTPChannel):
    """A connection of a server that drains."""

    task_class = ConnectionCloseTask
    _last_activity = 0.0

    @property
    def last_activity(self) -> float:
        """Monotonic time of the last activity.

        waitress would store the wall clock: after a jump all connections look idle, and a request
        that is sent while they are closed is lost.
        """
        return self._last_activity

    @last_activity.setter
    def last_activity(self, _: float) -> None:
        self._last_activity = time.monotonic()

    def is_busy(self) -> bool:
        """Return whether a request or a response is in progress."""
        return bool(self.requests or self.request or self.total_outbufs_len)


def serve(app: Any, global_conf: dict[str, str], **settings: str) -> int:
    """Serve an app until SIGTERM (graceful) or SIGINT (immediate)."""
    drain_seconds = _parse_seconds(settings, "drain_seconds", 30)
    drain_idle = _parse_seconds(settings, "drain_idle", 3)
    server = create_server(app, **settings)
    sockets = server.map if hasattr(server, "map") else server._map
    listeners = [each for each in sockets.values() if isinstance(each, BaseWSGIServer)]
    for listener in listeners:
        listener.channel_class = GracefulChannel
        listener.maintenance = partial(_close_idle_connections, listener.maintenance)
    stopping = False

    def stop(*_: object) -> None:
        # No event: its lock could be held by this handler, interrupted by a second signal.
        nonlocal stopping
        stopping = True
        # Wakes the loop up; only this is safe in a signal handler.
        listeners[0].pull_trigger()

    signal.signal(signal.SIGTERM, stop)
    server.print_listen("Serving on http://{}:{}")
    try:
        while not stopping:
            wasyncore.loop(
                server.adj.asyncore_loop_timeout, server.adj.asyncore_use_poll, sockets, 1
            )
        _drain(sockets, listeners, drain_seconds, drain_idle)
    except (SystemExit, KeyboardInterrupt):
        log.info("interrupted")
    listeners[0].task_dispatcher.shutdown()
    return 0


def _close_idle_connections(maintenance: Callable[[float], None], _wall_clock: float) -> None:
    maintenance(time.monotonic())


def _drain(sockets: dict[int, Any], listeners: list[Any], seconds: float, idle: float) -> None:
    for listener in listeners:
        # The backlog holds connections that the proxy takes for accepted.
        while select.select([listener.socket], [], [], 0)[0]:
            listener.handle_accept()
        # The listener's own close() would close the trigger, too.
        wasyncore.dispatcher.close(listener)
    deadline = time.monotonic() + seconds
    while channels := [each for each in sockets.values() if isinstance(each, GracefulChannel)]:
        busy = sum(channel.is_busy() for channel in channels)
        if time.monotonic() > deadline:
            if busy:
                log.warning("%d requests cut off: not done within %g s", busy, seconds)
            break
        for channel in channels:
            if not channel.is_busy() and time.monotonic() - channel.last_activity > idle:
                channel.handle_close()
        wasyncore.loop(0.1, listeners[0].adj.asyncore_use_poll, sockets, 1)


def _parse_seconds(settings: dict[str, str], key: str, default: float) -> float:
    text = settings.pop(key, str(default))
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    # Every comparison with NaN is false.
    if not 0 <= seconds <= 3600:
        raise SystemExit(f"{key} in the ini file is {text!r}; allowed: seconds, 0 to 3600")
    return seconds
