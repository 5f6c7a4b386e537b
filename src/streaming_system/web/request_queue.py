"""Requests that wait for a worker thread: their deadline, and clients that hang up meanwhile.

A proxy closes the connection after its read timeout, and a browser when its viewer leaves.
Rendering such a page would only delay every request behind it.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping

from waitress.parser import HTTPRequestParser
from waitress.utilities import Error

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 5
LOG_INTERVAL = 60.0  # seconds
# Why a request was dropped before the app saw it.
EXPIRED, ABANDONED = "expired", "abandoned"


class TimedRequestParser(HTTPRequestParser):
    """A request.

    :ivar received_at: when its last byte arrived; monotonic time, in seconds.
    """

    received_at = 0.0

    def received(self, data: bytes) -> int:
        """Parse some bytes; return how many of them belong to this request."""
        consumed: int = super().received(data)
        if self.completed:
            self.received_at = time.monotonic()
        return consumed


class PlainError(Error):
    """A response of the server itself: one line of text."""

    def __init__(self, code: int, reason: str, line: str, **headers: str) -> None:
        super().__init__(line)
        self.code, self.reason = code, reason
        self._headers = [(name.replace("_", "-"), value) for name, value in headers.items()]

    def to_response(self, ident: str | None = None) -> tuple[str, list[tuple[str, str]], bytes]:
        """Return the status, the headers and the body."""
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
        return f"{self.code} {self.reason}", headers + self._headers, f"{self.body}\n".encode()


def overload_error() -> PlainError:
    """Return the response to a request that has waited too long."""
    return PlainError(
        503,
        "Service Unavailable",
        f"ERROR BUSY at the moment; send it again in {RETRY_AFTER_SECONDS} s",
        Retry_After=str(RETRY_AFTER_SECONDS),
    )


def is_abandoned(connection: socket.socket) -> bool:
    """Return whether a client has closed its connection; no data is consumed."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


class DroppedRequests:
    """Counts the requests that this process dropped. It is thread-safe.

    :ivar on_drop: called with the reason, for metrics.
    """

    def __init__(self) -> None:
        self.on_drop: Callable[[str], None] = lambda reason: None
        self._lock = threading.Lock()
        self._counts = {EXPIRED: 0, ABANDONED: 0}
        self._logged_at = float("-inf")

    def record(self, reason: str) -> None:
        """Count a request; log the totals at most once a minute."""
        self.on_drop(reason)
        with self._lock:
            self._counts[reason] += 1
            if time.monotonic() - self._logged_at < LOG_INTERVAL:
                return
            self._logged_at = time.monotonic()
        log.warning(
            "overload: since the start, %(expired)d requests waited too long, and %(abandoned)d "
            "clients hung up before their turn",
            self.counts(),
        )

    def counts(self) -> Mapping[str, int]:
        """Return the number of requests by reason."""
        with self._lock:
            return dict(self._counts)


# A process has one server.
dropped_requests = DroppedRequests()
