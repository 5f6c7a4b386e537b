"""Renders the templates of a streaming server's files."""

from pathlib import Path
from typing import Any

import jinja2

from streaming_system.agent.server_setup.server_types import BITRATES, ENCODER_OPTIONS
from streaming_system.agent.server_setup.setup import ServerSetup

# All values are validated, and none has a character that XML, YAML or a shell would interpret.
_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=False,  # noqa: S701 - No HTML.
    keep_trailing_newline=True,
    lstrip_blocks=True,
    trim_blocks=True,
    undefined=jinja2.StrictUndefined,
)
AGENT_UNIT = "streaming-agent.service"


def render_files(setup: ServerSetup) -> dict[str, str]:
    """Return the text of each file, by its path below the folder of the setup."""
    values = _template_values(setup)
    files = {
        name: _render(Path(name).name, values)
        for name in (
            setup.type.config_file,
            "agent.ini",
            f"units/{AGENT_UNIT}",
            *setup.type.other_files,
        )
    }
    for room in setup.rooms:
        outputs = [
            {"options": ENCODER_OPTIONS[mount.stream], "url": setup.publish_url(mount)}
            for mount in setup.mounts
            if mount.room == room
        ]
        files[f"publish/{room}.sh"] = _render("publish.sh", {"room": room, "outputs": outputs})
    return files


def render_agent_unit(program: Path, folder: Path) -> str:
    """Return the unit of an agent that `agent generate` did not set up."""
    values = {"program": program, "folder": folder, "is_generated": False}
    return _render(AGENT_UNIT, values)


def _render(template: str, values: dict[str, Any]) -> str:
    return _ENVIRONMENT.get_template(template).render(values)


def _template_values(setup: ServerSetup) -> dict[str, Any]:
    names = (
        "folder", "tracker", "name", "rooms", "mounts", "playlist", "reported_playlist",
        "publishers", "ports", "certificate", "program", "passwords", "is_tls", "host", "base_url",
        "stats_url", "is_local", "is_local_publisher",
    )  # fmt: skip
    values = {name: getattr(setup, name) for name in names}
    return values | {
        "server": setup.type.name,
        "source": setup.type.source,
        "bitrates": BITRATES,
        "is_generated": True,
    }
