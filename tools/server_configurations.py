"""Writes conf/servers, and files of conf/ into the documentation: ``make server-configurations``.

A fenced block after the line ``<!-- file: PATH -->`` is the content of that file.
"""

import re
from pathlib import Path

from streaming_system.agent.server_setup.passwords import Passwords
from streaming_system.agent.server_setup.rendering import render_agent_unit, render_files
from streaming_system.agent.server_setup.server_types import SERVER_TYPES
from streaming_system.agent.server_setup.setup import ServerSetup, create_setup

ROOT = Path(__file__).parents[1]
PROGRAM = Path("/srv/streaming-system/.venv/bin/streaming-system")
EXAMPLE_ROOMS = ("hall", "lab")
EXAMPLE_PASSWORDS = Passwords(
    admin="ADMIN-PASSWORD",
    relay="RELAY-PASSWORD",
    source="SOURCE-PASSWORD",
    rooms={room: f"PASSWORD-OF-{room}" for room in EXAMPLE_ROOMS},
)
# Icecast has no certificate of its own on Debian, and SRS's is for demos.
EXAMPLE_URLS = {
    "icecast": "http://edge1.example.org:8000/",
    "nginx-rtmp": "https://edge1.example.org/",
    "mediamtx": "https://edge1.example.org:8888/",
    "srs": "http://edge1.example.org:8080/",
    "ovenmediaengine": "https://edge1.example.org:3334/",
}
# A marker, and the block after it.
INCLUDED_FILE = re.compile(r"<!-- file: (\S+) -->\n\n?(```\w*\n)(.*?)(```\n)", re.DOTALL)


def main() -> None:
    for name, text in render_example_files().items():
        file = ROOT / "conf" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    for manual in (ROOT / "docs").rglob("*.md"):
        manual.write_text(INCLUDED_FILE.sub(_include_file, manual.read_text("utf-8")), "utf-8")


def example_setup(server: str) -> ServerSetup:
    """Return the setup of the documentation's example."""
    return create_setup(
        SERVER_TYPES[server],
        folder=Path("/srv/streaming"),
        url=EXAMPLE_URLS[server],
        tracker="https://live.example.org/tracker",
        name="edge1",
        rooms=EXAMPLE_ROOMS,
        streams=(),
        site_playlist="stream.m3u8",
        publishers=(),
        ports={},
        certificate=None,
        program=PROGRAM,
        passwords=EXAMPLE_PASSWORDS,
    )


def render_example_files() -> dict[str, str]:
    """Return the text of each generated file by its path below conf/."""
    files = {"streaming-agent.service": render_agent_unit(PROGRAM, Path("/etc/streaming"))}
    for server, server_type in SERVER_TYPES.items():
        rendered = render_files(example_setup(server))
        for name in (server_type.config_file, *server_type.other_files):
            files[f"servers/{Path(name).name}"] = rendered[name]
        script = rendered[f"publish/{EXAMPLE_ROOMS[0]}.sh"]
        files[f"servers/publish-{server}.sh"] = script
    return files


def _include_file(match: re.Match[str]) -> str:
    path, fence, _, end = match.groups()
    return f"<!-- file: {path} -->\n{fence}{(ROOT / path).read_text('utf-8')}{end}"


if __name__ == "__main__":
    main()
