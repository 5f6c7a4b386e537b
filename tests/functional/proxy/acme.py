"""An authority for certificates (pebble), and a machine's commands that the manual uses with it."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import urllib3
from programs import find

from ..agent.servers import Program, free_port
from .site import NAME, wait_until


def make_certificate(folder, name):
    """Write a certificate of its own for a name, and its key."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


class Authority:
    """pebble, which resolves every name to this machine."""

    def __init__(self, folder, http_port):
        make_certificate(folder, "localhost")
        listen, management, dns, control = (free_port() for _ in range(4))
        self.url = f"https://localhost:{listen}/dir"
        config = {
            "listenAddress": f"127.0.0.1:{listen}",
            "managementListenAddress": f"127.0.0.1:{management}",
            "certificate": str(folder / "cert.pem"),
            "privateKey": str(folder / "key.pem"),
            "httpPort": http_port,
            "tlsPort": 1,
        }
        (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
        self._programs = [
            Program(
                find("pebble-challtestsrv"), "-defaultIPv6", "", "-dns01", f"127.0.0.1:{dns}",
                "-http01", "", "-https01", "", "-tlsalpn01", "",
                "-management", f"127.0.0.1:{control}", folder=folder, name="dns",
            ),
            Program(
                "env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", find("pebble"),
                "-config", folder / "pebble.json", "-dnsserver", f"127.0.0.1:{dns}",
                folder=folder, name="pebble",
            ),
        ]  # fmt: skip
        self._control = f"https://localhost:{management}"
        self._pool = urllib3.PoolManager(ca_certs=str(folder / "cert.pem"), retries=False)

    def wait(self):
        """Wait until it responds."""
        wait_until(self._is_up, 20, "the authority is up")

    def _is_up(self):
        try:
            return self._pool.request("GET", f"{self._control}/roots/0").status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def root(self):
        """Return the certificate that all others lead to."""
        return self._pool.request("GET", f"{self._control}/roots/0").data.decode()

    def stop(self):
        for program in self._programs:
            program.kill()


class Shell:
    """Runs the manual's commands: with its paths in a folder, and with this authority."""

    def __init__(self, folder, config, authority):
        self._folder = folder
        self._paths = {
            "/var/www/html": folder / "www",
            f"/etc/nginx/sites-available/{NAME}": config.parent / "site.conf",
        }
        commands = folder / "bin"
        commands.mkdir()
        nginx, certbot = find("nginx"), shutil.which("certbot")
        options = [f"--{name}-dir={folder}/{name}" for name in ("config", "work", "logs")]
        options += ["--server", authority.url, "--no-verify-ssl", "--non-interactive"]
        for name, script in {
            "apt-get": "true",
            "nginx": f'{nginx} -c {config} "$@"',
            "systemctl": f'[ "$*" = "reload nginx" ] && {nginx} -c {config} -s reload',
            # Without a terminal, a renewal would wait for up to eight minutes.
            "certbot": f'{certbot} --no-random-sleep-on-renew "$@" {shlex.join(options)}',
        }.items():
            (commands / name).write_text(f"#!/bin/sh\n{script}\n")
            (commands / name).chmod(0o755)
        self._path = f"{commands}:{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/bin"

    def run(self, command):
        """Run one command; fail with its output if it fails."""
        for path, replacement in self._paths.items():
            command = command.replace(path, str(replacement))
        result = subprocess.run(
            ["bash", "-c", command], env={"PATH": self._path, "HOME": str(self._folder)},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert result.returncode == 0, f"{command}\n{result.stdout}{result.stderr}"
        return result.stdout + result.stderr
