"""A machine for conf/setup.sh: folders, a database, nginx, and a replacement of systemd."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from programs import find

from ..agent.servers import Program
from ..proxy.site import ROOT, Ports, write_nginx_config

SECRET = "s3cret of the deployment"
FEED = """Room,Title,Start,End
Main Hall,Welcome,2026-11-24T10:00:00Z,2026-11-24T10:30:00Z
Main Hall,Keynote,2026-11-24T11:00:00Z,2026-11-24T12:00:00Z
"""
NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv", "var", "build", "dist", "*.egg-info", "__pycache__", ".*_cache"),
    *("tests", "e2e", ".hypothesis"),
)
# Shorter timeouts of nginx, for faster tests.
SHORT_TIMEOUTS = [
    ("keepalive_timeout 2s", "keepalive_timeout 500ms"),
    ("fail_timeout=2s", "fail_timeout=1s"),
]
SETTLE = "2.1"


class Services:
    """Starts workers with the commands of their units, and stops them by SIGTERM, like systemd."""

    def __init__(self, machine):
        self._machine = machine
        self.programs = {}
        self.restarts = []
        self.stopped = set()
        services = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                _, action, name = self.path.split("/")
                self.send_response(200 if services.do(action, name) else 503)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.command = machine.folder / "systemctl"
        self.command.write_text(
            "#!/bin/sh\n[ -n \"$2\" ] || exit 0\n"
            "exec curl -fsS -o /dev/null --max-time 60 -X POST "
            f"http://127.0.0.1:{self._server.server_port}/$1/$2\n"
        )  # fmt: skip
        self.command.chmod(0o755)

    def do(self, action, name):
        """Run a systemctl command; return whether it succeeded."""
        if action == "is-active":
            return name in self.programs and self.programs[name].process.poll() is None
        if action == "stop":
            self.stopped.add(name)
            if name in self.programs:
                self.programs[name].stop()
        if action == "restart":
            self.restarts.append(name)
            if "@" in name:
                self._restart(name)
        return True

    def _restart(self, name):
        if name in self.programs:
            # SIGTERM, and SIGKILL after a timeout.
            self.programs[name].stop()
            self.ended[name] = self.programs[name].process.returncode
        kind, port = name.split("@")
        unit = (self._machine.website / f"current/conf/{kind}@.service").read_text()
        command = re.search(r"^ExecStart=(.*)", unit, re.MULTILINE)[1].replace("%i", port)
        command = command.replace("/srv/website", str(self._machine.website))
        self.programs[name] = Program(
            "env",
            f"PROMETHEUS_MULTIPROC_DIR={self._machine.counts}",
            *command.split(),
            folder=self._machine.website / "current",
            name=name,
        )

    @property
    def versions(self):
        """The version of each worker."""
        return {
            name: Path(f"/proc/{program.process.pid}/cwd").readlink().name
            for name, program in self.programs.items()
        }

    def stop(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for program in self.programs.values():
            program.kill()


class Machine:
    """All parts of a deployment, in one folder."""

    def __init__(self, folder, database):
        self.folder = folder
        self.website, self.state = folder / "website", folder / "state"
        self.counts = folder / "counts"
        self.source = folder / "source"
        self.ports = Ports.free()
        for directory in (self.website, self.counts):
            directory.mkdir()
        shutil.copytree(ROOT, self.source, ignore=NOT_COPIED)
        self._git("init", "-q")
        self.commit("The first")
        self.database = database
        self.write_configuration()
        self.services = Services(self)
        self.services.ended = {}
        self.nginx = None

    def write_configuration(self, database=None, secret=SECRET):
        """Write the files that an organiser writes."""
        ini = (ROOT / "production.ini").read_text()
        url = (database or self.database).replace("%", "%%")
        ini = re.sub(r"^database = .*", lambda _: f"database = {url}", ini, flags=re.MULTILINE)
        ini = ini.replace("127.0.0.1:8000", f"127.0.0.1:{self.ports.inside}")
        ini = ini.replace("[app:tracker]\n", "[app:tracker]\nlimit.writes = off\n")
        ini = ini.replace("max_request_body_size", "drain_idle = 1\nmax_request_body_size")
        (self.website / "production.ini").write_text(ini)
        private = {
            "config": {"secret": secret},
            "default": {"conference": "Test Conf", "schedule": "feeds/ours.csv"},
            "example": {"title": "Great Hall", "schedule-key": "Main Hall"},
        }
        (self.website / "feeds").mkdir(exist_ok=True)
        (self.website / "feeds/ours.csv").write_text(FEED)
        (self.website / "config.private.json").write_text(json.dumps(private))

    def _git(self, *arguments):
        identity = ("-c", "user.name=Tests", "-c", "user.email=tests@example.org")
        return subprocess.run(
            ["git", "-C", self.source, *identity, *arguments],
            check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    def commit(self, message):
        """Commit all changes; return the name of the version."""
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", message)
        return self._git("describe", "--tags", "--always")

    def change(self, path, old, new):
        """Change a file of the checkout."""
        text = (self.source / path).read_text()
        assert old in text
        (self.source / path).write_text(text.replace(old, new, 1))

    def setup(self, *arguments, **environ):
        """Run conf/setup.sh; return the completed process."""
        return subprocess.run(
            [self.source / "conf/setup.sh", *arguments],
            env=os.environ | self.environ() | environ,
            capture_output=True, text=True, check=False, timeout=500,
        )  # fmt: skip

    def environ(self):
        user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True)
        return {
            "WEBSITE": str(self.website),
            "STATE": str(self.state),
            "LOGS": str(self.folder / "logs"),
            "ETC": str(self.folder / "etc"),
            "DEPLOY_USER": user.stdout.strip(),
            "RUN_USER": user.stdout.strip(),
            "FRONTENDS": " ".join(map(str, self.ports.frontend)),
            "TRACKERS": " ".join(map(str, self.ports.tracker)),
            "PACKAGES": "",
            "SETTLE": SETTLE,
            "SYSTEMCTL": str(self.services.command),
            "VENV_FROM": sys.prefix,
        }

    @property
    def current(self):
        return (self.website / "current").readlink().name

    def start_nginx(self):
        config = write_nginx_config(self.folder / "nginx", self.ports, change=SHORT_TIMEOUTS)
        self.nginx = Program(find("nginx"), "-c", config, folder=self.folder, name="nginx")
        self.nginx.wait_for(f"http://127.0.0.1:{self.ports.inside}/x", status=(404,), seconds=30)

    def stop(self):
        self.services.stop()
        if self.nginx is not None:
            self.nginx.kill()
