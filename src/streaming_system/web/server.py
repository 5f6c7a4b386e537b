"""waitress with a graceful shutdown: ``use = egg:streaming-system#server``.

waitress drops the requests in progress at SIGTERM. This server drains: it closes its listening
sockets (a proxy retries a refused connection at the next worker), closes each connection with its
response or after ``drain_idle`` seconds, and exits after ``drain_seconds`` at the latest.

A request that has waited for a thread longer than ``queue_timeout`` seconds gets a 503, and one
whose client has hung up is dropped: :mod:`streaming_system.web.request_queue`.
"""

import errno
import logging
import select
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.task import WSGITask

from streaming_system.web import request_queue
from streaming_system.web.server_settings import OWN_KEYS, check_server_settings

log = logging.getLogger(__name__)

# nginx forwards up to 32 KiB of a client's headers, and adds its own.
MAX_HEADER_BYTES = 40 * 2**10
# Pyramid caches 1,000 paths of any length.
MAX_PATH_BYTES = 1024


_LISTEN_HINTS = {
    errno.EADDRINUSE: "stop the program that uses it (ss -tlnp), or change the address in the ini "
    "file",
    errno.EACCES: "choose a port above 1023, or a folder that this user may write to",
    errno.ENOENT: "create the folder of the socket",
}
_OTHER_LISTEN_HINT = "change the address in the ini file to one of this machine"


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
    parser_class = request_queue.TimedRequestParser
    # How long a request may wait for a thread, in seconds.
    queue_timeout = float("inf")
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

    def service(self) -> None:
        """Handle a request in a worker thread, unless the client does not wait for it any more."""
        request = self.requests[0]
        if request_queue.is_abandoned(self.socket):
            request_queue.dropped_requests.record(request_queue.ABANDONED)
            # waitress closes the connection instead of calling the app.
            self.connected = False
            super().service()
            self.server.pull_trigger()
            return
        if request.error is None:
            request.error = self._refusal(request)
        super().service()

    def _refusal(self, request: Any) -> request_queue.PlainError | None:
        if time.monotonic() - request.received_at > self.queue_timeout:
            request_queue.dropped_requests.record(request_queue.EXPIRED)
            return request_queue.overload_error()
        if len(request.path) > MAX_PATH_BYTES:
            return request_queue.PlainError(
                414,
                "URI Too Long",
                f"ERROR PATH the path of the address is longer than {MAX_PATH_BYTES} bytes",
            )
        return None


class ServerError(Exception):
    """The server cannot start; the message is one line."""


def serve(app: Any, global_conf: dict[str, str], **settings: str) -> int:
    """Serve an app until SIGTERM (graceful) or SIGINT (immediate).

    :raises ServerError: if a setting is invalid, or the address is in use.
    """
    file = global_conf.get("__file__")
    prefix = f"{file}: " if file else ""
    for key, problem in check_server_settings(settings).items():
        subject = f"{key} in the ini file " if key else "the server in the ini file: "
        raise _startup_error(f"{prefix}{subject}{problem}")
    drain_seconds = float(settings.pop("drain_seconds", OWN_KEYS["drain_seconds"].default))
    drain_idle = float(settings.pop("drain_idle", OWN_KEYS["drain_idle"].default))
    queue_timeout = float(settings.pop("queue_timeout", OWN_KEYS["queue_timeout"].default))
    settings.setdefault("max_request_header_size", str(MAX_HEADER_BYTES))
    channel_class = type("Channel", (GracefulChannel,), {"queue_timeout": queue_timeout})
    try:
        server = create_server(app, **settings)
    except OSError as error:
        address = settings.get("listen") or settings.get("unix_socket") or settings.get("port", "")
        raise _startup_error(
            f"{prefix}cannot listen on {address}: {error.strerror or error}; "
            f"{_LISTEN_HINTS.get(error.errno or 0, _OTHER_LISTEN_HINT)}"
        ) from None
    sockets = server.map if hasattr(server, "map") else server._map
    listeners = [each for each in sockets.values() if isinstance(each, BaseWSGIServer)]
    for listener in listeners:
        listener.channel_class = channel_class
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


def _startup_error(line: str) -> ServerError:
    """Return an error that ends the process with one line and exit status 1.

    pserve turns SystemExit into exit status 0, so that no supervisor would notice.
    """
    default_hook = sys.excepthook

    def print_line(error_type: type[BaseException], error: BaseException, trace: Any) -> None:
        if isinstance(error, ServerError):
            print(error, file=sys.stderr)  # noqa: T201 - It is the only output of the process.
        else:
            default_hook(error_type, error, trace)

    sys.excepthook = print_line
    return ServerError(line)
