"""A total deadline for HTTP requests, from connecting to the last byte of the response.

urllib3's timeouts start again with each byte. A server that drips one byte a second, of a header or
of a TLS handshake, would hold a thread for hours.
"""

import contextlib
import os
import socket
import threading
from contextvars import ContextVar
from types import TracebackType
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

# To each server. With urllib3's default of one, threads that share a pool lose connections, and
# each loss is a line in the log.
MAX_IDLE_CONNECTIONS = 10

_active: ContextVar["RequestDeadline | None"] = ContextVar("request_deadline", default=None)


class ResponseTimeoutError(Exception):
    """The response was not complete at the deadline."""


class RequestDeadline:
    """Ends the requests of a ``with`` block, redirects and retries included, at a deadline.

    It applies to the pools of :func:`deadline_pool_manager`. The caller reads the body within the
    block.

    :param seconds: from the start of the block.
    :raises ResponseTimeoutError: if the deadline has passed, also instead of an error of
        urllib3.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._abort)
        self._timer.daemon = True

    def __enter__(self) -> "RequestDeadline":
        self._timer.start()
        self._token = _active.set(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _active.reset(self._token)
        self._timer.cancel()
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()
        # A body without a length seems to be complete when its connection ends.
        if self._is_over and (error is None or isinstance(error, HTTPError | OSError)):
            raise ResponseTimeoutError(
                f"the response takes too long: more than {self._seconds:g} s"
            ) from None

    def watch(self, connection: socket.socket) -> None:
        """End a connection at the deadline, or at once if it has passed."""
        with self._lock:
            # A handle of its own: urllib3 wraps, closes and detaches the original.
            self._sockets.append(socket.socket(fileno=os.dup(connection.fileno())))
        if self._is_over:
            self._abort()

    def _abort(self) -> None:
        with self._lock:
            self._is_over = True
            for connection in self._sockets:
                # The peer may have closed it.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class DeadlineConnection(HTTPConnection):
    """A connection that ends at the deadline of the current :class:`RequestDeadline`."""

    def request(self, *args: Any, **options: Any) -> None:
        """Send a request; watch a connection that earlier requests have opened."""
        if self.sock is not None:
            _watch(self.sock)
        super().request(*args, **options)

    def _new_conn(self) -> socket.socket:
        connection = self.open_socket()
        _watch(connection)
        return connection

    def open_socket(self) -> socket.socket:
        """Return a connected socket."""
        return super()._new_conn()


def _watch(connection: socket.socket) -> None:
    if deadline := _active.get():
        deadline.watch(connection)


class _DeadlineHttpsConnection(DeadlineConnection, HTTPSConnection):
    pass


class _DeadlineHttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = DeadlineConnection


class _DeadlineHttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _DeadlineHttpsConnection


def deadline_pool_manager(**options: Any) -> urllib3.PoolManager:
    """Return a pool for requests within :class:`RequestDeadline`.

    :param options: those of :class:`urllib3.PoolManager`.
    """
    pool = urllib3.PoolManager(**{"maxsize": MAX_IDLE_CONNECTIONS} | options)
    pool.pool_classes_by_scheme = {"http": _DeadlineHttpPool, "https": _DeadlineHttpsPool}
    return pool
