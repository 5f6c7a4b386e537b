"""A small web server for the demo's HLS. Python's own: it is made for nothing but a demo."""

import contextlib
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class HlsServer:
    """Serves a folder to browsers of this machine, and writes an access log as nginx does."""

    def __init__(self, folder: Path, log: Path) -> None:
        self._log = log.open("a", encoding="utf-8", buffering=1)
        handler = partial(_HlsRequestHandler, directory=str(folder), log=self._write)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,))
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._log.close()

    def _write(self, line: str) -> None:
        # An answer may still be on its way when all is over.
        with contextlib.suppress(ValueError):
            self._log.write(line)


class _HlsRequestHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20
    extensions_map = {  # noqa: RUF012 - The standard library has it so.
        ".m3u8": "application/vnd.apple.mpegurl",
        ".ts": "video/mp2t",
        "": "application/octet-stream",
    }

    def __init__(self, *about, directory, log) -> None:  # type: ignore[no-untyped-def]
        self._write = log
        self._length = "-"
        super().__init__(*about, directory=directory)

    def handle(self) -> None:
        # Players that leave in the middle are none of our business.
        with contextlib.suppress(OSError):
            super().handle()

    def send_header(self, keyword: str, value: str) -> None:
        if keyword.lower() == "content-length":
            self._length = value
        super().send_header(keyword, value)

    def end_headers(self) -> None:
        # Pages of the site are from another address than the stream.
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()
        self._note()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        self._code = getattr(code, "value", code)

    def log_message(self, *about: object) -> None:
        """Keep the terminal for what people should read."""

    def _note(self) -> None:
        moment = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime())
        agent = "".join(c for c in self.headers.get("User-Agent", "-") if c.isprintable())
        agent = agent.replace("\\", "").replace('"', "")
        self._write(
            f'{self.client_address[0]} - - [{moment}] "{self.requestline}" {self._code} '
            f'{self._length} "-" "{agent}"\n'
        )
        self._length = "-"
