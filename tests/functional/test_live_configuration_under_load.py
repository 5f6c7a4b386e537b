"""Changes of the configuration and the theme while two real workers serve 10,000 requests."""

import http.client
import json
import re
import threading
import time

import pytest
from timeouts import extended

from .served import Served

REQUESTS = 10_000
CLIENTS = 4
CHANGES = 8
# The time within which a change is live in every worker, in seconds.
MAX_DELAY = 10.0


@pytest.fixture
def write_site(tmp_path):
    """Return a function that writes a version of the configuration and its theme."""
    theme = tmp_path / "theme"
    theme.mkdir()
    (theme / "theme.json").write_text("{}")

    def write_site(version):
        (theme / "theme.css").write_text(f".version {{ --number: {version} }}")
        document = {
            "config": {"theme": "./theme"},
            "hall": {"title": f"Hall version {version}"},
            **{f"room{number}": {"title": f"Room {number}"} for number in range(version)},
        }
        (tmp_path / "config.json").write_text(json.dumps(document))

    return write_site


@pytest.fixture
def workers(tmp_path, schedule_file, write_site):
    write_site(0)
    settings = {
        "config.public": tmp_path / "config.json",
        "config.private": tmp_path / "none.json",
        "schedule.file": schedule_file,
        "workers.folder": tmp_path / "workers",
    }
    workers = []
    try:
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            workers.append(Served(tmp_path / name, settings, app="frontend"))
            workers[-1].start()
        yield workers
    finally:
        for worker in workers:
            worker.stop()


class Client(threading.Thread):
    """Requests pages of both workers in turn, over persistent connections.

    It ends after ``count`` requests, but not before the event ``is_done``.
    """

    PATHS = ("/hall", "/", "/schedule", "/hall/json", "/streams/v2.json", "/none")

    def __init__(self, ports, count, is_done):
        super().__init__(daemon=True)
        self._connections = [http.client.HTTPConnection("127.0.0.1", p, timeout=60) for p in ports]
        self.left, self._is_done = count, is_done
        self.failures, self.versions = [], set()

    def run(self):
        try:
            self._request_pages()
        finally:
            for connection in self._connections:
                connection.close()

    def _request_pages(self):
        while self.left > 0 or not self._is_done.is_set():
            path = self.PATHS[self.left % len(self.PATHS)]
            # Also pages that no cache has.
            query = f"?delta={abs(self.left)}" if self.left % 5 == 0 else ""
            try:
                status, body = fetch(self._connections[self.left % 2], path + query)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append((path, repr(error)))
                return
            if status != (404 if path == "/none" else 200):
                self.failures.append((path, status, body[:200]))
            if path == "/hall":
                self.versions.add(version_of(body))
            self.left -= 1


def fetch(connection, path):
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def version_of(page):
    """Return the version of the configuration in a page, and that of its theme."""
    return re.search(r"Hall version (\d+)", page)[1], re.search(r"/theme/(\w+)/", page)[1]


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
def test_no_request_fails_while_configuration_and_theme_change(workers, write_site, tmp_path):
    ports = [worker.port for worker in workers]
    is_done = threading.Event()
    clients = [Client(ports, REQUESTS // CLIENTS, is_done) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for version in range(1, CHANGES):
        write_site(version)
        deadline = time.monotonic() + extended(MAX_DELAY)
        while not any(str(version) in (seen for seen, _ in set(c.versions)) for c in clients):
            assert any(c.is_alive() for c in clients)
            assert time.monotonic() < deadline, f"version {version} is not live"
            time.sleep(0.01)
        if version == CHANGES // 2:
            # An invalid version in between is refused.
            (tmp_path / "config.json").write_text('{"hall": {"titel": "Half')
    is_done.set()
    for client in clients:
        client.join()

    assert [failure for client in clients for failure in client.failures] == []
    assert max(client.left for client in clients) <= 0
    versions = set.union(*(client.versions for client in clients))
    assert len(versions) > 2

    write_site(CHANGES)
    changed_at = time.monotonic()
    for port in ports:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while f"Hall version {CHANGES}" not in fetch(connection, "/hall")[1]:
            assert time.monotonic() - changed_at < MAX_DELAY
            time.sleep(0.05)
        connection.close()
