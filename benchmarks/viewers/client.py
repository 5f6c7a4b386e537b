"""A client that asks many thousand times a second at little cost: epoll, and connections kept."""

import select
import socket
import time
import zlib
from array import array
from collections import Counter, deque
from collections.abc import Callable

COMMON = (
    "Host: {host}\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n"
    "Accept: */*\r\n"
    "Accept-Language: en\r\n"
    # Browsers take Brotli by https only.
    "Accept-Encoding: gzip, deflate\r\n"
    "X-Forwarded-For: "
)
GOOD = frozenset({200, 201, 204, 304})
GIVE_UP_AFTER = 30.0
CHUNK = 2**18
# Beyond that, requests wait their turn; nginx would run out of connections, and we wait to connect.
MOST = 1000


class _Connection:
    __slots__ = ("at", "body", "done", "kind", "left", "out", "reads", "sent_at", "socket",
                 "status", "text", "used")  # fmt: skip

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=GIVE_UP_AFTER)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.used = 0
        self.kind = ""


class Client:
    """Asks one site for many viewers, who share connections as behind a CDN.

    Latencies are from asking until the whole answer is there.
    """

    def __init__(self, port: int, host: str) -> None:
        self._port = port
        self._common = COMMON.format(host=host)
        self._epoll = select.epoll()
        self._all: dict[int, _Connection] = {}
        self._idle: list[_Connection] = []
        self._waiting: deque[tuple] = deque()
        self.busy = 0
        self.seconds: dict[str, array] = {}
        self.errors: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.bytes = 0

    def ask(
        self,
        kind: str,
        path: str,
        address: str,
        done: Callable[[int, bytes], object] | None = None,
        *,
        method: str = "GET",
        body: str = "",
        more: str = "",
        reads: bool = False,
    ) -> None:
        """Ask once; ``done`` gets the status (0: none came), and the body if it ``reads`` that."""
        if body:
            more += f"Content-Length: {len(body)}\r\n"
        text = f"{method} {path} HTTP/1.1\r\n{self._common}{address}\r\n{more}\r\n{body}"
        told = (kind, text.encode(), done, reads, time.perf_counter())
        if self._idle or len(self._all) < MOST:
            self._send(*told)
        else:
            self._waiting.append(told)
            self.busy += 1

    def _send(
        self,
        kind: str,
        out: bytes,
        done: Callable[[int, bytes], object] | None,
        reads: bool,
        asked_at: float,
        fresh: bool = False,
    ) -> None:
        try:
            if self._idle and not fresh:
                one = self._idle.pop()
            else:
                one = _Connection(self._port)
                self._all[one.socket.fileno()] = one
                self._epoll.register(one.socket.fileno(), select.EPOLLIN)
        except OSError as error:
            self._fails(kind, type(error).__name__, done)
            return
        one.kind, one.out, one.done, one.reads = kind, out, done, reads
        one.text, one.body, one.left, one.at, one.status = b"", [], -1, 0, 0
        self.busy += 1
        one.sent_at = asked_at
        try:
            one.socket.send(out)
        except OSError as error:
            self._lost(one, type(error).__name__)

    def turn(self, seconds: float) -> None:
        """Take what comes within some time."""
        for number, _ in self._epoll.poll(seconds):
            if (one := self._all.get(number)) is None:
                continue
            try:
                part = one.socket.recv(CHUNK)
            except BlockingIOError:
                continue
            except OSError as error:
                self._lost(one, type(error).__name__)
                continue
            if not part:
                self._lost(one, "closed")
            elif not one.kind:
                self._lost(one, "unasked")
            else:
                self.bytes += len(part)
                self._takes(one, part)

    def _takes(self, one: _Connection, part: bytes) -> None:
        text = one.text + part if one.text else part
        if not one.status:
            end = text.find(b"\r\n\r\n")
            if end < 0:
                one.text = text
                return
            head = text[:end].lower()
            one.status = int(head[9:12])
            one.used = -1 if b"\r\nconnection: close" in head else one.used
            text = text[end + 4 :]
            if one.status in (204, 304):
                one.left = 0
            elif (found := head.find(b"\r\ncontent-length:")) >= 0:
                one.left = int(head[found + 17 :].split(b"\r\n", 1)[0])
            else:
                one.left = -2
            # One answer is compressed or not as a whole, and only some are read.
            one.reads = one.reads and (2 if b"\r\ncontent-encoding: gzip" in head else 1)
        if one.left == -2:
            text = self._takes_chunks(one, text)
            if one.left == -2:
                one.text = text
                return
        else:
            one.left -= len(text)
            one.text = b""
            if one.reads:
                one.body.append(text)
            if one.left > 0:
                return
        self._is_done(one)

    def _takes_chunks(self, one: _Connection, text: bytes) -> bytes:
        """Take whole chunks; return the rest. Nothing is left after the last one."""
        at = 0
        while (end := text.find(b"\r\n", at)) >= 0:
            size = int(text[at:end], 16)
            if len(text) < end + 4 + size:
                break
            if size == 0:
                one.left = 0
                break
            if one.reads:
                one.body.append(text[end + 2 : end + 2 + size])
            at = end + 4 + size
        return text[at:]

    def _is_done(self, one: _Connection) -> None:
        kind, done, status = one.kind, one.done, one.status
        took = time.perf_counter() - one.sent_at
        if kind not in self.seconds:
            self.seconds[kind] = array("f")
        self.seconds[kind].append(took)
        self.statuses[status] += 1
        if status not in GOOD:
            self.errors[f"{kind}: {status}"] += 1
        body = b"".join(one.body) if one.reads else b""
        if one.reads == 2:
            body = zlib.decompress(body, 47)
        one.kind, one.done, one.body = "", None, []
        self.busy -= 1
        if one.used < 0:
            self._closes(one)
        else:
            one.used += 1
            self._idle.append(one)
        self._goes_on()
        if done is not None:
            done(status, body)

    def _lost(self, one: _Connection, why: str) -> None:
        """Forget a connection. One that has been idle may be closed by nginx at any moment."""
        self._closes(one)
        if not one.kind:
            if one in self._idle:
                self._idle.remove(one)
            return
        self.busy -= 1
        if one.used > 0 and not one.status and not one.text and why != "TimeoutError":
            # Browsers ask once more on a new one, too.
            self._send(one.kind, one.out, one.done, one.reads, one.sent_at, fresh=True)
        else:
            self._goes_on()
            self._fails(one.kind, why, one.done)

    def _goes_on(self) -> None:
        """Send what has waited longest, if there is room."""
        if self._waiting and (self._idle or len(self._all) < MOST):
            self.busy -= 1
            self._send(*self._waiting.popleft())

    def _closes(self, one: _Connection) -> None:
        self._all.pop(one.socket.fileno(), None)
        one.socket.close()

    def _fails(self, kind: str, why: str, done: Callable[[int, bytes], object] | None) -> None:
        self.errors[f"{kind}: {why}"] += 1
        if done is not None:
            done(0, b"")

    def gives_up(self) -> None:
        """Count what has had no answer for too long as failed."""
        limit = time.perf_counter() - GIVE_UP_AFTER
        for one in [one for one in self._all.values() if one.kind and one.sent_at < limit]:
            self._lost(one, "TimeoutError")

    @property
    def connections(self) -> int:
        return len(self._all)

    def forget(self) -> None:
        """Begin to count anew."""
        self.seconds.clear()
        self.errors.clear()
        self.statuses.clear()
        self.bytes = 0

    def close(self) -> None:
        for one in list(self._all.values()):
            self._closes(one)
        self._epoll.close()
