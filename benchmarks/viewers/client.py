"""An HTTP client for many thousand requests a second: epoll, and persistent connections."""

import select
import socket
import time
import zlib
from array import array
from collections import Counter, deque
from collections.abc import Callable

REQUEST_HEADERS = (
    "Host: {host}\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: */*\r\n"
    "Accept-Language: en\r\n"
    # Browsers accept Brotli with https only.
    "Accept-Encoding: gzip, deflate\r\n"
    "X-Forwarded-For: "
)
SUCCESS_STATUSES = frozenset({200, 201, 204, 304})
REQUEST_TIMEOUT = 30.0
CHUNK_BYTES = 2**18
# Further requests are queued; otherwise nginx would run out of connections.
MAX_CONNECTIONS = 1000


class _Connection:
    __slots__ = ("at", "body", "done", "kind", "left", "out", "reads", "sent_at", "socket",
                 "status", "text", "used")  # fmt: skip

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=REQUEST_TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.used = 0
        self.kind = ""


class Client:
    """Sends the requests of many viewers to one site over shared connections.

    Latencies are measured from the call of :meth:`send` to the complete response.
    """

    def __init__(self, port: int, host: str) -> None:
        self._port = port
        self._common = REQUEST_HEADERS.format(host=host)
        self._epoll = select.epoll()
        self._all: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []
        self._waiting: deque[tuple] = deque()
        self.busy = 0
        self.seconds: dict[str, array] = {}
        self.errors: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.bytes = 0

    def send(
        self,
        kind: str,
        path: str,
        address: str,
        done: Callable[[int, bytes], object] | None = None,
        *,
        method: str = "GET",
        body: str = "",
        headers: str = "",
        reads: bool = False,
    ) -> None:
        """Send a request; ``done`` gets the status (0: no response) and, if ``reads``, the body."""
        if body:
            headers += f"Content-Length: {len(body)}\r\n"
        text = f"{method} {path} HTTP/1.1\r\n{self._common}{address}\r\n{headers}\r\n{body}"
        request = (kind, text.encode(), done, reads, time.perf_counter())
        if self._idle or len(self._all) < MAX_CONNECTIONS:
            self._send(*request)
        else:
            self._waiting.append(request)
            self.busy += 1

    def _send(
        self,
        kind: str,
        out: bytes,
        done: Callable[[int, bytes], object] | None,
        reads: bool,
        sent_at: float,
        fresh: bool = False,
    ) -> None:
        try:
            if self._idle and not fresh:
                connection = self._idle.pop()
            else:
                connection = _Connection(self._port)
                self._all[connection.socket.fileno()] = connection
                self._epoll.register(connection.socket.fileno(), select.EPOLLIN)
        except OSError as error:
            self._fail(kind, type(error).__name__, done)
            return
        connection.kind, connection.out, connection.done, connection.reads = kind, out, done, reads
        connection.text, connection.body, connection.left, connection.at, connection.status = (
            b"",
            [],
            -1,
            0,
            0,
        )
        self.busy += 1
        connection.sent_at = sent_at
        try:
            connection.socket.send(out)
        except OSError as error:
            self._handle_loss(connection, type(error).__name__)

    def poll(self, seconds: float) -> None:
        """Receive data for some seconds."""
        for number, _ in self._epoll.poll(seconds):
            if (connection := self._all.get(number)) is None:
                continue
            try:
                part = connection.socket.recv(CHUNK_BYTES)
            except BlockingIOError:
                continue
            except OSError as error:
                self._handle_loss(connection, type(error).__name__)
                continue
            if not part:
                self._handle_loss(connection, "closed")
            elif not connection.kind:
                self._handle_loss(connection, "unasked")
            else:
                self.bytes += len(part)
                self._receive(connection, part)

    def _receive(self, connection: _Connection, part: bytes) -> None:
        text = connection.text + part if connection.text else part
        if not connection.status:
            end = text.find(b"\r\n\r\n")
            if end < 0:
                connection.text = text
                return
            head = text[:end].lower()
            connection.status = int(head[9:12])
            connection.used = -1 if b"\r\nconnection: close" in head else connection.used
            text = text[end + 4 :]
            if connection.status in (204, 304):
                connection.left = 0
            elif (position := head.find(b"\r\ncontent-length:")) >= 0:
                connection.left = int(head[position + 17 :].split(b"\r\n", 1)[0])
            else:
                connection.left = -2
            # 1: keep the body; 2: it is compressed.
            connection.reads = connection.reads and (
                2 if b"\r\ncontent-encoding: gzip" in head else 1
            )
        if connection.left == -2:
            text = self._receive_chunks(connection, text)
            if connection.left == -2:
                connection.text = text
                return
        else:
            connection.left -= len(text)
            connection.text = b""
            if connection.reads:
                connection.body.append(text)
            if connection.left > 0:
                return
        self._finish(connection)

    def _receive_chunks(self, connection: _Connection, text: bytes) -> bytes:
        """Decode complete chunks; return the rest."""
        at = 0
        while (end := text.find(b"\r\n", at)) >= 0:
            size = int(text[at:end], 16)
            if len(text) < end + 4 + size:
                break
            if size == 0:
                connection.left = 0
                break
            if connection.reads:
                connection.body.append(text[end + 2 : end + 2 + size])
            at = end + 4 + size
        return text[at:]

    def _finish(self, connection: _Connection) -> None:
        kind, done, status = connection.kind, connection.done, connection.status
        seconds = time.perf_counter() - connection.sent_at
        if kind not in self.seconds:
            self.seconds[kind] = array("f")
        self.seconds[kind].append(seconds)
        self.statuses[status] += 1
        if status not in SUCCESS_STATUSES:
            self.errors[f"{kind}: {status}"] += 1
        body = b"".join(connection.body) if connection.reads else b""
        if connection.reads == 2:
            body = zlib.decompress(body, 47)
        connection.kind, connection.done, connection.body = "", None, []
        self.busy -= 1
        if connection.used < 0:
            self._close(connection)
        else:
            connection.used += 1
            self._idle.append(connection)
        self._send_waiting()
        if done is not None:
            done(status, body)

    def _handle_loss(self, connection: _Connection, error: str) -> None:
        """Handle a closed connection. nginx may close an idle connection at any moment."""
        self._close(connection)
        if not connection.kind:
            if connection in self._idle:
                self._idle.remove(connection)
            return
        self.busy -= 1
        if (
            connection.used > 0
            and not connection.status
            and not connection.text
            and error != "TimeoutError"
        ):
            # Retry on a new connection, like browsers.
            self._send(
                connection.kind,
                connection.out,
                connection.done,
                connection.reads,
                connection.sent_at,
                fresh=True,
            )
        else:
            self._send_waiting()
            self._fail(connection.kind, error, connection.done)

    def _send_waiting(self) -> None:
        """Send the oldest waiting request, if a connection is free."""
        if self._waiting and (self._idle or len(self._all) < MAX_CONNECTIONS):
            self.busy -= 1
            self._send(*self._waiting.popleft())

    def _close(self, connection: _Connection) -> None:
        self._all.pop(connection.socket.fileno(), None)
        connection.socket.close()

    def _fail(self, kind: str, error: str, done: Callable[[int, bytes], object] | None) -> None:
        self.errors[f"{kind}: {error}"] += 1
        if done is not None:
            done(0, b"")

    def expire_requests(self) -> None:
        """Fail requests that have timed out."""
        limit = time.perf_counter() - REQUEST_TIMEOUT
        for connection in [
            connection
            for connection in self._all.values()
            if connection.kind and connection.sent_at < limit
        ]:
            self._handle_loss(connection, "TimeoutError")

    @property
    def connections(self) -> int:
        return len(self._all)

    def reset(self) -> None:
        """Reset all counters."""
        self.seconds.clear()
        self.errors.clear()
        self.statuses.clear()
        self.bytes = 0

    def close(self) -> None:
        for connection in list(self._all.values()):
            self._close(connection)
        self._epoll.close()
