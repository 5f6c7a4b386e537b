"""Configuration files of the demo's agents."""

from collections.abc import Iterable
from pathlib import Path

from streaming_system.agent.config import AgentConfig, load_agent_config
from streaming_system.demo import test_patterns
from streaming_system.demo.icecast import Icecast

HLS_INI = """[agent]
trackers = {tracker}
token = {token}
name = demo-hls
url = {url}/{{room}}/
interval = 3
capacity = 100M
status = off
[source:files]
use = static
check = {url}/{{mount}}/stream.m3u8
access.log = {log}
access.path = /{{mount}}
access.window = 12
streams =
{streams}
{preview}
"""
PREVIEW_INI = """[preview]
folder = {folder}
interval = 10
at.once = 1
status = off
"""
WEBM_INI = """[agent]
trackers = {tracker}
token = {token}
name = demo-icecast
url = {url}/{{room}}/
interval = 3
capacity = 100M
status = off
[source:icecast]
use = icecast
url = {url}
user = admin
password = {password}
streams =
{streams}
"""


def create_hls_agent(
    folder: Path,
    *,
    tracker: str,
    token: str,
    rooms: Iterable[str],
    server_url: str,
    access_log: Path,
    preview_folder: Path | None,
) -> AgentConfig:
    """Write and load the configuration of the agent for the HLS server."""
    bitrate = test_patterns.HLS_BITRATE // 1000
    text = HLS_INI.format(
        tracker=tracker,
        token=token,
        url=server_url,
        log=access_log,
        streams=_indent_lines(f"{room} = {room} hls {bitrate}k" for room in rooms),
        preview=PREVIEW_INI.format(folder=preview_folder) if preview_folder else "",
    )
    return _write_and_load(folder / "hls.ini", text)


def create_webm_agent(
    folder: Path, *, tracker: str, token: str, rooms: Iterable[str], icecast: Icecast
) -> AgentConfig:
    """Write and load the configuration of the agent for Icecast."""
    bitrate = test_patterns.WEBM_BITRATE // 1000
    text = WEBM_INI.format(
        tracker=tracker,
        token=token,
        url=icecast.url,
        password=icecast.password,
        streams=_indent_lines(
            f"{test_patterns.mount_path(room)} = {room} webm_high {bitrate}k" for room in rooms
        ),
    )
    return _write_and_load(folder / "webm.ini", text)


def _indent_lines(lines: Iterable[str]) -> str:
    return "\n".join(f"    {line}" for line in lines)


def _write_and_load(file: Path, text: str) -> AgentConfig:
    # The file contains secrets.
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    return load_agent_config(file)
