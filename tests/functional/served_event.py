"""A site that `streaming-system serve` serves."""

import contextlib
import subprocess
import time

import urllib3


class ServedEvent:
    """A running `streaming-system serve`."""

    def __init__(self, command, folder, environ, url):
        self.url, self._log_file = url, folder / "serve.log"
        with self._log_file.open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env=environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self._pool = urllib3.PoolManager(timeout=10, retries=False)

    @property
    def log(self):
        return self._log_file.read_text()

    def wait_for(self, condition, what):
        deadline = time.monotonic() + 90
        while not (value := condition()):
            assert self.process.poll() is None, f"it has ended:\n{self.log}"
            assert time.monotonic() < deadline, f"not: {what}\n{self.log}"
            time.sleep(0.1)
        return value

    def text(self, path):
        response = self._pool.request("GET", self.url + path)
        assert response.status == 200, f"{path}: {response.status}"
        return response.data.decode()


@contextlib.contextmanager
def serving(command, folder, environ, port):
    event = ServedEvent(command, folder, environ, f"http://127.0.0.1:{port}")
    try:
        event.wait_for(lambda: "Ctrl-C ends it." in event.log, "all runs")
        yield event
    finally:
        if event.process.poll() is None:
            event.process.terminate()
            event.process.wait(30)
