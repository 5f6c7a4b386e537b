"""The how-tos of docs/tutorials/servers.md, word for word: from nothing to a room that plays."""

import json
import os
import re
import signal
import subprocess
import time

import pytest
from programs import PACKAGES, require, skip

MAX_STEPS = 6
MAX_SECONDS = 300
# Each how-to, and the programs that its first step installs.
HOWTOS = {
    "Icecast": ("icecast2", "ffmpeg"),
    "nginx-rtmp": ("nginx", "ngx_rtmp_module", "ffmpeg"),
}
SITE = "http://127.0.0.1:8000"


def load_steps(root, title):
    """Return the steps of a how-to: whether each is left running, and its commands."""
    text = (root / "docs/tutorials/servers.md").read_text()
    section = text.split(f"## From nothing to a room that plays: {title}\n")[1].split("\n## ")[0]
    steps = re.findall(r"^\*\*\d\. (.*?)^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [(re.search(r"leave it\s+running", title) is not None, code) for title, code in steps]


class Machine:
    """Runs commands where only they use the usual ports: in a network namespace."""

    def __init__(self, checkout, environment, bin_folder):
        self.checkout, self.bin_folder = checkout, bin_folder
        self.environment = environment | {"PATH": f"{bin_folder}:{environment['PATH']}"}
        self._started = []
        loopback = "ip link set lo up && echo up && exec sleep infinity"
        self._namespace = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", loopback], stdout=subprocess.PIPE, text=True
        )
        if self._namespace.stdout.readline() != "up\n":
            skip("this machine has no network namespaces")

    def _enter(self, *command):
        return ["nsenter", f"--net=/proc/{self._namespace.pid}/ns/net", *command]

    def start(self, code):
        """Start the commands of a step that is left running."""
        number = len(self._started)
        output = (self.checkout.parent / f"step{number}.log").open("wb")
        with output:
            self._started.append(
                subprocess.Popen(
                    self._enter("sh", "-c", code),
                    cwd=self.checkout,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )

    def run(self, *command):
        return subprocess.run(
            self._enter(*command), cwd=self.checkout, env=self.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def wait_until(self, is_true, what):
        deadline = time.monotonic() + MAX_SECONDS
        while not (result := is_true()):
            logs = [log.read_text() for log in self.checkout.parent.glob("step*.log")]
            ended = [process.args for process in self._started if process.poll() is not None]
            assert not ended, "\n".join([str(ended), *logs])
            assert time.monotonic() < deadline, "\n".join([f"never: {what}", *logs])
            time.sleep(0.2)
        return result

    def close(self):
        for process in reversed(self._started):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(20)
        for pid_file in self.checkout.glob("*/var/nginx.pid"):
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
        self._namespace.kill()
        self._namespace.wait()
        self._namespace.stdout.close()


@pytest.fixture
def machine(checkout, clean_environment, tmp_path):
    if os.getuid() != 0:
        skip("not root, who may make a network namespace")
    require("ip")
    # The servers' own users read below the folder.
    for folder in (checkout, *checkout.parents):
        folder.chmod(folder.stat().st_mode | 0o011)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    # The environment of the tests is up to date: make must not install into it.
    make = bin_folder / "make"
    make.write_text(f'#!/bin/sh\nexec {require("make")} -o .venv/made -o .venv/installed "$@"\n')
    make.chmod(0o755)
    machine = Machine(checkout, clean_environment, bin_folder)
    yield machine
    machine.close()


@pytest.mark.exhaustive
@pytest.mark.timeout(2 * MAX_SECONDS)
@pytest.mark.parametrize("title", HOWTOS)
def test_howto_ends_with_a_room_that_plays(root, machine, title):
    require(*HOWTOS[title])
    (_, install), *steps = load_steps(root, title)
    assert 1 + len(steps) <= MAX_STEPS
    installed = set(install.split("apt-get install -y ")[1].split())
    assert {PACKAGES[program] for program in HOWTOS[title]} | {"make", "python3-venv"} == installed

    for is_left_running, code in steps:
        if not is_left_running:
            result = machine.run("sh", "-e", "-c", code)
            assert result.returncode == 0, f"{code}\n{result.stdout}{result.stderr}"
            continue
        machine.start(code)
        if "testserve" in code:
            machine.wait_until(
                lambda: machine.run("curl", "-sf", f"{SITE}/tracker/readyz").returncode == 0,
                "the site responds",
            )

    def live_url():
        text = machine.run("curl", "-sf", f"{SITE}/tracker/example/streams.json").stdout
        endpoints = json.loads(text)["endpoints"] if text else []
        return endpoints and endpoints[0]["url"]

    url = machine.wait_until(live_url, "the room is live")
    file = "webcast-high.webm" if title == "Icecast" else "stream.m3u8"
    play = machine.run("ffmpeg", "-v", "error", "-i", f"{url}{file}", "-t", "2", "-f", "null", "-")
    assert (play.returncode, play.stderr) == (0, "")
    machine.wait_until(
        lambda: f"{url}{file}" in machine.run("curl", "-sf", f"{SITE}/example").stdout,
        "the page has the stream",
    )
