"""Real clients of streaming servers: listeners of Icecast, players of HLS and of RTMP."""

import contextlib
import selectors
import socket
import threading
from urllib.parse import urljoin, urlsplit

import urllib3

from .servers import Program

POLL_SECONDS = 1.0


class Listeners:
    """Connections to an endless response, all read by one thread."""

    def __init__(self, url, number):
        parts = urlsplit(url)
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        for index in range(number):
            connection = socket.create_connection((parts.hostname, parts.port), 10)
            connection.sendall(
                f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
                f"User-Agent: Mozilla/5.0 (viewer {index})\r\n\r\n".encode()
            )
            self._selector.register(connection, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            for key, _ in self._selector.select(0.2):
                if not key.fileobj.recv(65536):
                    self._selector.unregister(key.fileobj)
                    key.fileobj.close()

    def stop(self):
        self._stop.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()


class HlsPlayers:
    """Players behind one address that load a playlist and its last segment."""

    def __init__(self, playlist, number):
        self._playlist = playlist
        self._names = [f"Mozilla/5.0 (viewer {index})" for index in range(number)]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with urllib3.PoolManager(retries=False, timeout=5) as pool:
            while not self._stop.wait(POLL_SECONDS):
                for name in self._names:
                    with contextlib.suppress(urllib3.exceptions.HTTPError):
                        self._play(pool, {"User-Agent": name})

    def _play(self, pool, headers):
        text = pool.request("GET", self._playlist, headers=headers).data.decode()
        if text.startswith("#EXTM3U"):
            pool.request("GET", urljoin(self._playlist, text.split()[-1]), headers=headers)

    def stop(self):
        self._stop.set()
        self._thread.join()


class RtmpPlayers:
    """ffmpegs that play by RTMP without decoding."""

    def __init__(self, url, number, folder):
        self._programs = [
            Program(
                *("ffmpeg", "-nostdin", "-loglevel", "error", "-threads", "1"),
                *("-i", url, "-c", "copy", "-f", "null", "-"),
                folder=folder,
                name=f"rtmp-player-{index}",
            )
            for index in range(number)
        ]

    def stop(self):
        for program in self._programs:
            program.kill()


class OpenPage:
    """A page whose player reports, also while it waits for a stream that has ended."""

    def __init__(self, tracker, room):
        self._url = f"{tracker}/api/v1/rooms/{room}/playback"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        rebuffer_ms = 0
        with urllib3.PoolManager(retries=False, timeout=5) as pool:
            while not self._stop.wait(POLL_SECONDS):
                rebuffer_ms += 100
                report = {"sid": "open-page-of-a-viewer", "bsda": rebuffer_ms, "sta": "r"}
                pool.request("POST", self._url, json=report)

    def stop(self):
        self._stop.set()
        self._thread.join()
