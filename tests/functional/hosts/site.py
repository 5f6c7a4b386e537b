"""A site on six machines, configured as in docs/how-to/several-hosts.md."""

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

import sqlalchemy as sa
import urllib3
from programs import find

from streaming_system.schedule.storage import save_schedule

from ..agent.servers import free_port
from ..proxy.site import NAME, ROOT, Ports, write_nginx_config

SECRET = "s3cret of all machines"
PAGES = "https://live.example.org"
CONFIG = {
    "config": {"secret": SECRET},
    "default": {"conference": "Test Conf", "schedule-timezone": "Australia/Sydney"},
    "hall": {"title": "Great Hall"},
    "lab": {"title": "Lab"},
}


def program(name):
    return Path(sys.executable).with_name(name)


def example(host):
    """Return the settings of a host in several-hosts.md: (section, key, value)."""
    manual = (ROOT / "docs/how-to/several-hosts.md").read_text()
    [block] = re.findall(rf"^# production\.ini on {host}\b.*\n([^`]*)```", manual, re.MULTILINE)
    section, settings = "", []
    for line in block.splitlines():
        if line.startswith("["):
            section = line
        elif " = " in line:
            settings.append((section, *line.split(" = ", 1)))
    return settings


class Site:
    """A: nginx. B, C: pages; B has the schedule. D, E: the tracker. F: the database."""

    def __init__(self, network, folder, schedule, migrate, postgresql):
        self.network, self.folder = network, folder
        self.a, self.b, self.c, self.d, self.e, self.f = map(network.add, "abcdef")
        self.viewer = network.add("viewer")
        self.ports = Ports.free()
        self.database = free_port()
        self._start_database(migrate, postgresql)
        for name in "bcde":
            self._write_files(name)
        self.publish(schedule)
        self.frontends = [
            f"http://{host.address}:{port}"
            for host, port in zip((self.b, self.c), self.ports.frontend, strict=True)
        ]
        self.trackers = [
            f"http://{host.address}:{port}/tracker"
            for host, port in zip((self.d, self.e), self.ports.tracker, strict=True)
        ]
        for host, port in zip((self.b, self.c), self.ports.frontend, strict=True):
            self._serve(host, "frontend", port)
        for host, port in zip((self.d, self.e), self.ports.tracker, strict=True):
            self._serve(host, "tracker", port)
        self.c.start(
            *(program("streaming-system"), "-c", "production.ini"),
            *("schedule", "follow", "--interval", "0.2"),
            folder=folder / "c", name="follow",
        )  # fmt: skip
        config = write_nginx_config(folder / "nginx", self.ports, change=self._nginx())
        self.a.start(find("nginx"), "-c", config, folder=folder, name="nginx")
        self.until(lambda: all(self.is_up(url) for url in self._all_urls()), "all are up")

    def _all_urls(self):
        return [*(f"{url}/readyz" for url in (*self.frontends, *self.trackers)), self.url("/")]

    def url(self, path):
        return f"http://{self.a.address}:{self.ports.site}{path}"

    def get(self, path, **more):
        """Send a viewer's request to nginx."""
        return self.viewer.request("GET", self.url(path), headers={"Host": NAME}, **more)

    def is_up(self, url):
        try:
            return self.viewer.request("GET", url, timeout=5, headers={"Host": NAME}).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def until(self, is_true, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not (response := is_true()):
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.logs()}"
            time.sleep(0.05)
        return response

    def logs(self):
        return "\n".join(
            f"{host.name}: {each.output[-2000:]}"
            for host in self.network.hosts.values()
            for each in host.programs
        )

    def publish(self, schedule):
        save_schedule(schedule, self.folder / "b/var/schedule.json")

    def is_registered(self, tracker, room):
        """Register an endpoint; return whether it succeeded."""
        try:
            return self.register(tracker, room, timeout=5).data == b"OK\n"
        except urllib3.exceptions.HTTPError:
            return False

    def register(self, tracker, room, **more):
        return self.viewer.request(
            "POST", f"{tracker}/endpoint/register", headers={"Host": NAME}, encode_multipart=False,
            fields={"secret": SECRET, "group": room, "data": '{"overall_clients": 5}'}, **more,
        )  # fmt: skip

    def is_live(self, tracker, room):
        response = self.viewer.request("GET", f"{tracker}/streams.json")
        return response.json()["rooms"][room]["live"]

    def _adapt(self, value):
        """Replace the addresses and ports of the docs by those of the test."""
        for number, host in enumerate("abcdef", 1):
            value = re.sub(rf"\b10\.0\.0\.{number}\b", self.network.hosts[host].address, value)
        for old, new in (("8000", self.ports.inside), ("8101", self.ports.frontend[0])):
            value = value.replace(f":{old}/", f":{new}/")
        return value.replace("streaming:PASSWORD@", "postgres@").replace(
            f"{self.f.address}/streaming_system", f"{self.f.address}:{self.database}/postgres"
        )

    def _write_files(self, host):
        folder = self.folder / host
        (folder / "var").mkdir(parents=True)
        ini = (ROOT / "production.ini").read_text()
        for section, key, value in example(host.upper()):
            assert f"\n{section}\n" in ini, section
            # A duplicate key would be refused: remove the first one.
            head, tail = ini.split(f"\n{section}\n", 1)
            body, *rest = re.split(r"(?=\n\[)", tail, maxsplit=1)
            body = re.sub(rf"^{re.escape(key)} = .*\n?", "", body, flags=re.MULTILINE)
            ini = f"{head}\n{section}\n{key} = {self._adapt(value)}\n{body}{''.join(rest)}"
        (folder / "production.ini").write_text(ini)
        shutil.copy(ROOT / "config.json", folder)
        (folder / "config.private.json").write_text(json.dumps(CONFIG))

    def _nginx(self):
        """Return the replacements in nginx.conf according to the docs."""
        listeners = f"127.0.0.1:{self.ports.site}", f"127.0.0.1:{self.ports.inside}"
        hosts = zip(
            (self.b, self.c, self.d, self.e),
            (*self.ports.frontend, *self.ports.tracker),
            strict=True,
        )
        return [
            *((old, old.replace("127.0.0.1", self.a.address)) for old in listeners),
            *(
                (f"server 127.0.0.1:{port}", f"server {host.address}:{port}")
                for host, port in hosts
            ),
        ]

    def _serve(self, host, app, port):
        unit = (ROOT / f"conf/streaming-{app}@.service").read_text()
        _, *arguments = re.search(r"^ExecStart=(.*)", unit, re.MULTILINE)[1].split()
        arguments = [word.replace("%i", str(port)) for word in arguments]
        host.start(program("pserve"), *arguments, folder=self.folder / host.name, name=app)

    def _start_database(self, migrate, postgresql):
        data = self.folder / "database"
        with postgresql.get_server(data) as server:
            binaries = server.bin_path
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {self.network.first}0/24 trust\n")
        # PostgreSQL does not run as root.
        user = ("setpriv", "--reuid=pgserver", "--regid=pgserver", "--clear-groups")
        self.f.start(
            *(user if os.geteuid() == 0 else ()),
            *(binaries / "postgres", "-D", data, "-p", str(self.database)),
            *("-c", f"listen_addresses={self.f.address}", "-c", "unix_socket_directories="),
            folder=self.folder, name="postgresql",
        )  # fmt: skip
        url = f"postgresql+psycopg://postgres@{self.f.address}:{self.database}/postgres"

        def is_migrated():
            try:
                self.viewer.call(migrate, url)
            except sa.exc.OperationalError:
                return False
            return True

        self.until(is_migrated, "the database is ready")
