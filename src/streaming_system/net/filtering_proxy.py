"""An HTTP proxy for a program that follows redirects and playlists by itself, such as ffmpeg.

It resolves each host name once, and connects to admitted addresses only.
"""

import contextlib
import ipaddress
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import urlsplit

from streaming_system.net.ssrf import Address

MAX_HEAD_BYTES = 64 * 1024
CHUNK_BYTES = 64 * 1024
SHUTDOWN_POLL_INTERVAL = 0.02  # seconds
# Headers that a proxy does not forward (RFC 9110, 7.6.1).
_HOP_HEADERS = (b"connection:", b"proxy-", b"keep-alive:")

# Called with a host, a port, and an address of the host.
Admits = Callable[[str, int, Address], bool]


class ProxyError(Exception):
    """A request that the proxy refuses; the message is one line."""


class FilteringProxy:
    """Runs the proxy on a loopback address in a ``with`` block.

    :param admits: returns whether a connection may be made.
    :param timeout: seconds for a connection, and without data.
    :ivar url: its URL.
    :ivar refused: the host and address that it refused last; "" for none.
    """

    def __init__(self, admits: Admits, *, timeout: float) -> None:
        self.refused = ""
        self._admits, self._timeout = admits, timeout
        self._server = _ProxyServer(self, timeout)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(SHUTDOWN_POLL_INTERVAL,), daemon=True
        )

    def __enter__(self) -> "FilteringProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a connection to a host.

        :raises ProxyError: if it has no admitted address, or cannot be reached.
        """
        try:
            results = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise ProxyError("unknown host name") from None
        addresses = list(dict.fromkeys(str(result[4][0]) for result in results))
        admitted = [
            address
            for address in addresses
            if self._admits(host, port, ipaddress.ip_address(address))
        ]
        if not admitted:
            self.refused = host if addresses[0] == host else f"{host} ({addresses[0]})"
            raise ProxyError("the address is not admitted")
        for address in admitted:
            with contextlib.suppress(OSError):
                return socket.create_connection((address, port), self._timeout)
        raise ProxyError("the server cannot be reached")


class _ProxyServer(ThreadingTCPServer):
    daemon_threads = True
    # The program ends before the proxy, and with it all connections.
    block_on_close = False

    def __init__(self, proxy: FilteringProxy, timeout: float) -> None:
        self.proxy, self.idle_timeout = proxy, timeout
        super().__init__(("127.0.0.1", 0), _ProxyHandler)


class _ProxyHandler(StreamRequestHandler):
    server: _ProxyServer

    def handle(self) -> None:
        self.request.settimeout(self.server.idle_timeout)
        with contextlib.suppress(OSError):
            try:
                self._forward()
            except ProxyError as error:
                self.wfile.write(f"HTTP/1.1 403 {error}\r\nConnection: close\r\n\r\n".encode())

    def _forward(self) -> None:
        method, target, headers = self._read_head()
        if method == b"CONNECT":
            upstream = self._connect(f"//{target}")
            head, reply = b"", b"HTTP/1.1 200 OK\r\n\r\n"
        else:
            upstream = self._connect(target)
            path = urlsplit(target)._replace(scheme="", netloc="", fragment="").geturl() or "/"
            lines = [b"%s %s HTTP/1.1" % (method, path.encode("latin-1")), *headers]
            head, reply = b"\r\n".join([*lines, b"Connection: close", b"", b""]), b""
        with upstream:
            upstream.sendall(head)
            self.request.sendall(reply)
            self._relay(upstream)

    def _read_head(self) -> tuple[bytes, str, list[bytes]]:
        """Return the method, the target and the headers of a request."""
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(MAX_HEAD_BYTES)) not in (b"\r\n", b"\n", b""):
            size += len(line)
            if size > MAX_HEAD_BYTES:
                raise ProxyError("the head is too large")
            lines.append(line.rstrip(b"\r\n"))
        parts = lines[0].split(b" ") if lines else []
        if len(parts) != 3:
            raise ProxyError("not a request to a proxy")
        headers = [line for line in lines[1:] if not line.lower().startswith(_HOP_HEADERS)]
        return parts[0], parts[1].decode("latin-1"), headers

    def _connect(self, url: str) -> socket.socket:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port or 80
        except ValueError:
            host = None
        if host is None or parts.scheme not in ("", "http"):
            raise ProxyError("not an address of HTTP")
        return self.server.proxy.connect(host, port)

    def _relay(self, upstream: socket.socket) -> None:
        """Copy data in both directions until one side ends, or is silent for too long."""
        for source, data in _received(self.request, upstream, self.server.idle_timeout):
            (upstream if source is self.request else self.request).sendall(data)


def _received(
    one: socket.socket, other: socket.socket, timeout: float
) -> Iterator[tuple[socket.socket, bytes]]:
    """Yield the data that two connections receive, until one of them ends."""
    with selectors.DefaultSelector() as selector:
        for connection in (one, other):
            selector.register(connection, selectors.EVENT_READ)
        while events := selector.select(timeout):
            for key, _ in events:
                connection = one if key.fileobj is one else other
                data = connection.recv(CHUNK_BYTES)
                if not data:
                    return
                yield connection, data
