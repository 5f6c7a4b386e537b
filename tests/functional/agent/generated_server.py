"""A streaming server, its agent and encoders, by the commands that `agent generate` prints."""

import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path

import urllib3

from .servers import Program, free_port

PROGRAM = Path(sys.executable).with_name("streaming-system")
# A small picture at 25 frames/s, which the options of the publish scripts expect.
TEST_PATTERN = (
    *("-re", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25"),
    *("-f", "lavfi", "-i", "sine=frequency=440"),
)

# Status, type and first bytes of a stream of WebM.
WEBM_RESPONSE = (200, "video/webm", b"\x1a\x45\xdf\xa3")


def open_folder(folder):
    """Let the users of Icecast and nginx reach a folder, if root runs the tests."""
    for path in (folder, *folder.parents):
        mode = path.stat().st_mode
        if not mode & stat.S_IXOTH:
            path.chmod(mode | 0o011)


def fetch_start(url):
    """Return status, type and first bytes of an endless stream; ``None`` if it has not begun."""
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        try:
            response = pool.request("GET", url, preload_content=False)
        except urllib3.exceptions.HTTPError:
            # Icecast closes connections to a mount until it has its first cluster.
            return None
        try:
            return response.status, response.headers["Content-Type"], response.read(4)
        finally:
            response.close()


class GeneratedServer:
    """The files and the output of `agent generate`, and the programs of that output."""

    def __init__(self, folder, server, *, config, tracker, token, ports):
        self.folder, self.server = folder, server
        folder.mkdir()
        open_folder(folder)
        self.ports = {name: free_port() for name in ports}
        options = [f"--port={name}={port}" for name, port in self.ports.items()]
        result = subprocess.run(
            [PROGRAM, "agent", "generate", "--server", server, "--config", config, "--to", folder,
             "--name", "edge1", "--tracker", tracker, "--token-file", "-", *options],
            input=token, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (result.returncode, result.stderr) == (0, "")
        self.output = result.stdout

    def _command(self, name):
        return shlex.split(re.search(rf"^{name}: +(.*)$", self.output, re.MULTILINE)[1])

    def start(self):
        return Program(*self._command("Server"), folder=self.folder, name="server")

    def start_agent(self):
        return Program(*self._command("Agent"), folder=self.folder, name="agent")

    def publish(self, room, *, script=None):
        """Return the printed command of a room with a test pattern as its input."""
        *command, re_flag, input_flag, placeholder = self._command(f"Publish {room}")
        assert (re_flag, input_flag, placeholder) == ("-re", "-i", "INPUT")
        if script:
            command[-1] = script
        return Program(*command, *TEST_PATTERN, folder=self.folder, name=f"publish-{room}")

    def viewer_url(self, room):
        return re.search(rf"^Viewers of {room} play (.*)$", self.output, re.MULTILINE)[1]

    def control_nginx(self, signal):
        """Send a signal to the running nginx."""
        subprocess.run([*self._command("Server"), "-s", signal], check=True, capture_output=True)
