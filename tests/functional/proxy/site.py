"""An installed site: conf/nginx.conf in front of workers with production.ini."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import urllib3
from programs import find
from timeouts import extended

from ..agent.servers import Program, free_port

ROOT = Path(__file__).parents[3]
NAME = "live.example.org"
SECRET = "s3cret of the proxy"
# Loopback addresses as source addresses of requests.
VIEWER, VENUE = "127.0.0.77", "127.0.0.88"
# Disables nginx's rate limits.
NO_LIMITS = [(f"rate={rate}r/s", "rate=1000000r/s") for rate in (20, 50, 200, 1000, 5000)]
# One request per minute and address, with a burst of one.
STRICT_LIMITS = [(f"rate={rate}r/s", "rate=1r/m") for rate in (1000, 5000)]
STRICT_LIMITS += [(f"burst={burst} ", "burst=1 ") for burst in (2000, 20000)]
# Values of X-Cache of responses from the cache.
FROM_CACHE = ("HIT", "STALE", "UPDATING")
HTTP = """
{modules}
daemon off;
worker_processes 1;
{user}
error_log {folder}/main.log;
pid {folder}/nginx.pid;
events {{ worker_connections {connections}; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    # As in Debian's nginx.conf.
    sendfile on;
    tcp_nopush on;
    gzip on;
    include /etc/nginx/mime.types;
    include {folder}/site.conf;
}}
"""


def remove_mark(text, mark):
    """Enable the lines behind a mark, as the head of nginx.conf describes."""
    return re.sub(rf"^( *)#{mark} ", r"\1", text, flags=re.MULTILINE)


@dataclass(kw_only=True)
class Ports:
    """The ports of nginx and the workers."""

    site: int
    tls: int
    inside: int
    frontend: list[int]
    tracker: list[int]

    @classmethod
    def free(cls):
        ports = set()
        while len(ports) < 7:
            ports.add(free_port())
        site, tls, inside, *rest = sorted(ports)
        return cls(site=site, tls=tls, inside=inside, frontend=rest[:2], tracker=rest[2:])


def write_nginx_config(folder, ports, marks=(), change=(), modules=(), connections=512):
    """Write conf/nginx.conf with the ports and folders of a test; return the main file."""
    text = (ROOT / "conf/nginx.conf").read_text()
    for mark in marks:
        text = remove_mark(text, mark)
    text = re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)
    replacements = [
        ("listen 80", f"listen 127.0.0.1:{ports.site}"),
        ("listen 443", f"listen 127.0.0.1:{ports.tls}"),
        ("127.0.0.1:8000", f"127.0.0.1:{ports.inside}"),
        ("127.0.0.1:8101", f"127.0.0.1:{ports.frontend[0]}"),
        ("127.0.0.1:8102", f"127.0.0.1:{ports.frontend[1]}"),
        ("127.0.0.1:8201", f"127.0.0.1:{ports.tracker[0]}"),
        ("127.0.0.1:8202", f"127.0.0.1:{ports.tracker[1]}"),
        ("/var/cache/", f"{folder}/"),
        ("/var/log/nginx/", f"{folder}/"),
    ]
    for old, new in [*replacements, *change]:
        assert old in text or old == "listen 443", old
        text = text.replace(old, new)
    folder.mkdir(exist_ok=True)
    (folder / "site.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""
    all_modules = [*modules, *([find("ngx_nchan_module")] if "push" in marks else [])]
    load_modules = "\n".join(f"load_module {module};" for module in all_modules)
    (folder / "nginx.conf").write_text(
        HTTP.format(folder=folder, user=user, modules=load_modules, connections=connections)
    )
    return folder / "nginx.conf"


def check_nginx_config(config):
    """Return the exit status and the messages of ``nginx -t``."""
    result = subprocess.run(
        [find("nginx"), "-t", "-c", config], capture_output=True, text=True, check=False
    )
    return result.returncode, result.stderr


def wait_until(is_true, seconds, what):
    """Poll until ``is_true`` returns true."""
    deadline = time.monotonic() + extended(seconds)
    while not is_true():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


class Site:
    """nginx and its workers, in one folder."""

    def __init__(
        self,
        folder,
        *,
        localips=(),
        marks=(),
        change=(),
        settings=(),
        config=None,
        modules=(),
        database="",
        connections=512,
        environ=None,
    ):
        self.folder = folder
        self.database = database or f"sqlite:///{folder}/var/tracker.sqlite"
        self._environ = environ
        self.ports = Ports.free()
        self.marks = marks
        self._config = write_nginx_config(
            folder / "nginx", self.ports, marks, change, modules, connections
        )
        self._write_files(localips, settings, config or {})
        self.workers = {}
        self.nginx = None

    def _write_files(self, localips, settings, config):
        ini = (ROOT / "production.ini").read_text()
        # Escape the interpolation of ini files.
        database = f"database = {self.database}".replace("%", "%%")
        ini = re.sub(r"^database = .*", lambda _: database, ini, flags=re.MULTILINE)
        ini = ini.replace("127.0.0.1:8000", f"127.0.0.1:{self.ports.inside}")
        for section, key, value in settings:
            ini = ini.replace(f"[{section}]\n", f"[{section}]\n{key} = {value}\n")
        (self.folder / "production.ini").write_text(ini)
        (self.folder / "var/previews").mkdir(parents=True)
        (self.folder / "var/previews/hall.jpg").write_bytes(b"a picture")
        shutil.copy(ROOT / "config.json", self.folder / "config.json")
        private = {
            "config": {"secret": SECRET, "localips": list(localips),
                       "theme": "terminal", **config},
            "default": {"conference": "Test Conf"},
            "hall": {"title": "Great Hall"},
            "lab": {"title": "Lab"},
        }  # fmt: skip
        (self.folder / "config.private.json").write_text(json.dumps(private))

    def start(self, *, frontends=1, trackers=0):
        """Start the workers, then nginx."""
        for port in self.ports.frontend[:frontends]:
            self.start_worker("frontend", port)
        for port in self.ports.tracker[:trackers]:
            self.start_worker("tracker", port)
        for app, port in self.workers:
            self.wait_for_worker(app, port)
        self.start_nginx()
        return self

    def start_nginx(self):
        self.nginx = Program(find("nginx"), "-c", self._config, folder=self.folder, name="nginx")
        self.nginx.wait_for(
            f"http://127.0.0.1:{self.ports.inside}/nothing", status=(404,), seconds=20
        )

    def start_worker(self, app, port):
        """Start a worker with the command of its systemd unit."""
        unit = (ROOT / f"conf/streaming-{app}@.service").read_text()
        command = re.search(r"^ExecStart=(.*)", unit, re.MULTILINE)[1].replace("%i", str(port))
        program, *arguments = command.split()
        self.workers[app, port] = Program(
            *(Path(sys.executable).with_name(Path(program).name), *arguments),
            folder=self.folder,
            name=f"{app}-{port}",
            environ=self._environ,
        )

    def wait_for_worker(self, app, port):
        """Wait until a worker responds."""
        path = "/robots.txt" if app == "frontend" else "/tracker/streams.json"
        self.workers[app, port].wait_for(f"http://127.0.0.1:{port}{path}", seconds=30)

    def stop(self):
        for program in [self.nginx, *self.workers.values()]:
            if program is not None:
                program.kill()

    def kill(self, app):
        """Kill all workers of an app."""
        for (kind, _), program in self.workers.items():
            if kind == app:
                program.kill()

    def request(self, method, path, *, host=NAME, source=VIEWER, port=None, **more):
        """Send a request as a browser does, from a source address."""
        pool = urllib3.HTTPConnectionPool(
            "127.0.0.1",
            port or self.ports.site,
            retries=False,
            timeout=30,
            source_address=(source, 0),
        )
        headers = {"Host": host, **more.pop("headers", {})}
        with pool:
            return pool.request(method, path, headers=headers, redirect=False, **more)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def wait_until_expired(self):
        """Wait until all pages that the cache holds now have expired."""
        page = f"/lab?told={uuid.uuid4()}"
        self.get(page)
        wait_until(lambda: self.get(page).headers["X-Cache"] != "HIT", 10, "the page has expired")

    def raw(self, text, source=VIEWER):
        """Send raw bytes; return all that nginx sends until it closes the connection."""
        with socket.create_connection(
            ("127.0.0.1", self.ports.site), timeout=20, source_address=(source, 0)
        ) as connection:
            connection.sendall(text.encode("latin-1"))
            response = b""
            while part := connection.recv(65536):
                response += part
            return response.decode("latin-1")
