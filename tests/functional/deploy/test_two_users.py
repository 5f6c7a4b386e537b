"""Deployments as root, with two real users and other folders, in a mount namespace."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest
from programs import require, skip

from ..proxy.site import ROOT
from .machine import FEED, NOT_COPIED

# It starts a worker with the command and the user of its installed unit.
SYSTEMCTL = """#!/bin/bash
name=$2 unit={etc}/systemd/system/${{2%@*}}@.service
case $1 in
    restart) [[ $name == *@* ]] || exit 0 ;;
    is-active) exec test -e /proc/$(cat {folder}/$name.pid 2>/dev/null || echo none) ;;
    *) exit 0 ;;
esac
value() {{ sed -n "s|^$1=||p" "$unit" | sed "s|%i|${{name#*@}}|"; }}
cd "$(value WorkingDirectory)"
setsid runuser -u "$(value User)" -- $(value ExecStart) >{folder}/$name.log 2>&1 </dev/null &
echo $! >{folder}/$name.pid
"""
# New users are in this namespace only, and so is a way to a Python in root's home.
NAMESPACE = """
set -e
mount -t tmpfs tmpfs {folder}/layer
mkdir {folder}/layer/upper {folder}/layer/work {folder}/layer/python
layers=lowerdir=/etc,upperdir={folder}/layer/upper,workdir={folder}/layer/work
mount -t overlay overlay -o $layers /etc
case {python} in
    /root/*)
        mount --bind {python} {folder}/layer/python
        mount -t tmpfs -o mode=755 tmpfs /root
        mkdir -p {python}
        mount --bind {folder}/layer/python {python} ;;
esac
"$@"
for user in site-code site-run; do echo "$user $(id -u $user) $(id -g $user)"; done
"""


def in_namespace(folder, *command):
    """Return a command that runs another one in such a namespace."""
    script = NAMESPACE.format(folder=folder, python=sys.base_prefix)
    return ["unshare", "--mount", "bash", "-c", script, "bash", *command]


@pytest.fixture
def folder():
    """A folder that all users can read, unlike those of pytest."""
    folder = Path(tempfile.mkdtemp(prefix="two-users-"))
    folder.chmod(0o755)
    yield folder
    for process in psutil.process_iter(["cmdline"]):
        if any(str(folder) in word for word in process.info["cmdline"] or ()):
            process.kill()
    shutil.rmtree(folder)


def can_mount(folder):
    (folder / "layer").mkdir()
    result = subprocess.run(
        in_namespace(folder, "true"), capture_output=True, text=True, check=False
    )
    return "ermission denied" not in result.stderr and "not permitted" not in result.stderr


@pytest.mark.exhaustive
def test_users_and_folders_of_the_environment_are_used(folder):
    require("unshare", "curl", "git", "flock", "setpriv")
    if os.geteuid() != 0 or not can_mount(folder):
        skip("two users need root and mount namespaces")
    source, etc, website, state = (folder / n for n in ("source", "etc", "website", "state"))
    shutil.copytree(ROOT, source, ignore=NOT_COPIED)
    git = ["git", "-C", source, "-c", "user.name=Tests", "-c", "user.email=tests@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "One"]):
        subprocess.run([*git, *command], check=True)
    (website / "feeds").mkdir(parents=True)
    (website / "feeds/ours.csv").write_text(FEED)
    (website / "config.private.json").write_text(
        '{"config": {"secret": "of two users"}, "default": {"conference": "Test Conf", '
        '"schedule": "feeds/ours.csv"}, "example": {"title": "Hall", "schedule-key": "Main Hall"}}'
    )
    systemctl = folder / "systemctl"
    systemctl.write_text(SYSTEMCTL.format(etc=etc, folder=folder))
    systemctl.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    result = subprocess.run(
        in_namespace(folder, source / "conf/setup.sh"),
        env=os.environ | {
            "WEBSITE": str(website), "STATE": str(state), "LOGS": str(folder / "logs"),
            "BACKUPS": str(folder / "backups"), "ETC": str(etc),
            "DEPLOY_USER": "site-code", "RUN_USER": "site-run",
            "FRONTENDS": str(port), "TRACKERS": "", "PACKAGES": "", "SETTLE": "0",
            "SYSTEMCTL": str(systemctl), "VENV_FROM": sys.prefix,
        },
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip

    assert result.returncode == 0, result.stdout + result.stderr
    users = {
        name: (int(uid), int(gid))
        for name, uid, gid in re.findall(r"^(site-\w+) (\d+) (\d+)$", result.stdout, re.MULTILINE)
    }
    code, run = users["site-code"], users["site-run"]
    version = (website / "current").resolve()
    for path, (uid, gid), mode in (
        (version / "src/streaming_system/__init__.py", code, 0o644),
        (version / "config.private.json", (0, run[1]), 0o640),
        (state, run, 0o750),
        (state / "schedule.json", run, 0o640),
        (folder / "backups", run, 0o700),
    ):
        status = path.stat()
        assert (path, status.st_uid, status.st_gid) == (path, uid, gid)
        assert (path, oct(status.st_mode & 0o777)) == (path, oct(mode))
    # The worker runs as the one user, and can change nothing of the other.
    [worker] = [
        process for process in psutil.process_iter(["cmdline", "uids"])
        if f"port={port}" in (process.info["cmdline"] or ())
        and process.info["uids"].real == run[0]
    ]  # fmt: skip
    assert worker.cwd() == str(version)
    assert time.time() - worker.create_time() < 300

    installed = {path: path.read_text() for path in etc.rglob("streaming-*") if path.is_file()}
    assert len(installed) == 12
    for path, text in installed.items():
        assert not re.search(r"/srv/|/var/(lib|log|backups)/|\bstreaming streaming\b", text), path
        if path.suffix == ".service":
            assert "User=site-run" in text, path
