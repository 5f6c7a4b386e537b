"""An app as `pserve` runs it: processes of their own, which can be killed."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

INI = """
[app:main]
use = egg:streaming-system#{app}
{settings}

[server:main]
use = egg:waitress#main
listen = 127.0.0.1:{port}
threads = 8

[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys =
[logger_root]
level = INFO
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
"""


class Served:
    """A process that serves an app, at a port that the system chooses."""

    def __init__(self, folder: Path, settings, environ=None, app="tracker") -> None:
        self._app = app
        self._ini = folder / f"{app}.ini"
        # A % would begin an interpolation.
        lines = [f"{key} = {value}".replace("%", "%%") for key, value in settings.items()]
        self._settings = "\n".join(lines)
        self._environ = os.environ | {"PYTHONUNBUFFERED": "1"} | (environ or {})
        self._process = None
        self.port = None

    def start(self, port=0) -> None:
        """Start a process, and wait until it listens."""
        self._ini.write_text(INI.format(app=self._app, settings=self._settings, port=port))
        pserve = Path(sys.executable).with_name("pserve")
        self._process = subprocess.Popen(
            [pserve, self._ini],
            env=self._environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        lines = []
        for line in self._process.stderr:
            lines.append(line)
            if found := re.search(r"Serving on http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                return
        raise AssertionError(f"the {self._app} did not start:\n{''.join(lines)}")

    def kill(self) -> None:
        """End the process as a lack of memory does: without a chance to do anything more."""
        assert self._process.poll() is None, self._process.stderr.read()
        self._process.kill()
        assert self._process.wait() == -signal.SIGKILL
        self._process.stderr.close()

    def stop(self) -> None:
        """End the process, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()
