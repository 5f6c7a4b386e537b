"""The demo's web server for HLS, based on http.server: for demos only."""

import contextlib
import threading
import time
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class HlsServer:
    """Serves a folder on the loopback interface, and writes an access log like nginx."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._log = log.open("a", encoding="utf-8", buffering=1)
        handler = partial(_HlsRequestHandler, directory=str(folder), write_line=self._write_line)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,))
        self._thread.start()

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._log.close()

    def _write_line(self, line: str) -> None:
        # A response may end after the log is closed.
        with contextlib.suppress(ValueError):
            self._log.write(line)


class _HlsRequestHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    extensions_map = {  # noqa: RUF012 - The standard library defines it like this.
        ".m3u8": "application/vnd.apple.mpegurl",
        ".ts": "video/mp2t",
        "": "application/octet-stream",
    }

    def __init__(self, *args: Any, directory: str, write_line: Callable[[str], None]) -> None:
        self._write_line = write_line
        self._length = "-"
        super().__init__(*args, directory=directory)

    def handle(self) -> None:
        # Players may disconnect at any time.
        with contextlib.suppress(OSError):
            super().handle()

    def send_header(self, keyword: str, value: str) -> None:
        if keyword.lower() == "content-length":
            self._length = value
        super().send_header(keyword, value)

    def end_headers(self) -> None:
        # The pages of the site have another origin.
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()
        self._log_response()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        self._code = getattr(code, "value", code)

    def log_message(self, *args: object) -> None:
        """Do not write to the terminal."""

    def _log_response(self) -> None:
        now = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        agent = "".join(c for c in self.headers.get("User-Agent", "-") if c.isprintable())
        agent = agent.replace("\\", "").replace('"', "")
        self._write_line(
            f'{self.client_address[0]} - - [{now}] "{self.requestline}" {self._code} '
            f'{self._length} "-" "{agent}"\n'
        )
        self._length = "-"
