"""A feed server that can fail in several ways."""

import socket
import threading
from datetime import UTC, datetime, timedelta

ICS = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//tests//EN\r
BEGIN:VEVENT\r
UID:1@tests\r
SUMMARY:{title}\r
LOCATION:Great Hall\r
DTSTART:{start:%Y%m%dT%H%M%SZ}\r
DTEND:{end:%Y%m%dT%H%M%SZ}\r
END:VEVENT\r
END:VCALENDAR\r
"""


def feed(title):
    """Return a calendar with one current talk."""
    now = datetime.now(UTC)
    return ICS.format(
        title=title, start=now - timedelta(minutes=10), end=now + timedelta(hours=1)
    ).encode()


class FeedServer:
    """A server on a real socket; ``mode`` selects how it responds."""

    def __init__(self):
        self.mode, self.body, self.request_count = "working", feed("The first"), 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/feed.ics"
        self._closed = threading.Event()
        self._threads = []
        self._run(self._accept)

    def _run(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments)
        self._threads.append(thread)
        thread.start()

    def close(self):
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._run(self._serve, connection)

    def _serve(self, connection):
        with connection:
            try:
                connection.recv(65536)
                self.request_count += 1
                getattr(self, f"_{self.mode}")(connection)
            except OSError:
                # The client has closed the connection.
                return

    def _working(self, connection):
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + self.body)

    def _failing(self, connection):
        connection.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def _hanging(self, connection):
        self._closed.wait(60)

    def _endless(self, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not self._closed.is_set():
            connection.sendall(b"x" * 65536)

    def _slow(self, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while not self._closed.wait(0.2):
            connection.sendall(b"x")

    def _truncated(self, connection):
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self.body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + self.body[: len(self.body) // 2])

    def _garbage(self, connection):
        connection.sendall(b"\x00\xff\x16\x03 no HTTP at all\r\n\r\n")
