"""Programs that tests run, and the Debian packages that bring them.

What a machine lacks, tests that need it are skipped for, by name; CI skips nothing.
"""

import os
import shutil
from pathlib import Path

import pytest

NGINX_MODULES = Path("/usr/lib/nginx/modules")
# By the name of the program, or of what else is needed: what to install.
PACKAGES = {
    "certbot": "certbot",
    "chromium": "chromium-headless-shell",
    "curl": "curl",
    "faketime": "faketime",
    "ffmpeg": "ffmpeg",
    "flock": "util-linux",
    "git": "git",
    "icecast2": "icecast2",
    "ip": "iproute2",
    "logrotate": "logrotate",
    "make": "make",
    "nginx": "nginx",
    "openssl": "openssl",
    "pebble": "pebble",
    "pgbouncer": "pgbouncer",
    "promtool": "prometheus",
    "redis-server": "redis-server",
    "setpriv": "util-linux",
    "shellcheck": "shellcheck",
    "systemd-analyze": "systemd",
    "systemd-tmpfiles": "systemd",
    "unshare": "util-linux",
    "ngx_nchan_module": "libnginx-mod-nchan",
    "ngx_rtmp_module": "libnginx-mod-rtmp",
}
# Programs that serve as well. A window of the shell takes a third of the processor time.
ALTERNATIVES = {"chromium": ("chromium-headless-shell", "chromium-browser")}
# Servers are not on everybody's path. A test of the suite itself names other folders.
SERVER_PATH = os.environ.get("TESTS_SERVER_PATH", "/usr/sbin:/usr/local/sbin")


def find(program):
    """Return the path of a program, or ``None``."""
    if program.startswith("ngx_"):
        module = NGINX_MODULES / f"{program}.so"
        return str(module) if module.exists() and find("nginx") else None
    if program == "faketime":
        libraries = map(str, Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        return next(libraries, None) if shutil.which("faketime") else None
    for other in ALTERNATIVES.get(program, ()):
        if path := find(other):
            return path
    return shutil.which(program, path=f"{os.environ['PATH']}:{SERVER_PATH}")


def require(*programs):
    """Skip the test unless the machine has all of these programs; fail it in CI.

    :return: the path of the last one.
    """
    path = None
    for program in programs:
        path = find(program)
        if path is None:
            skip(f"no {program}: apt-get install {PACKAGES[program]}")
    return path


def skip(reason):
    """Skip the test, for the reason that the summary shows; fail it in CI, which skips nothing."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; CI skips nothing")
    pytest.skip(reason)
