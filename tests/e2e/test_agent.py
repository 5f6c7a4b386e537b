"""Streaming servers with agents, played by Chromium on a room's page."""

import sys
from pathlib import Path

import pytest
from functional.agent.servers import NginxRtmp, Program
from programs import require

from .sites import run_in_checkout

INI = """[agent]
trackers = {tracker}
token = {token}
name = {name}
url = {url}/hls/
interval = 1
status = off
[source:nginx]
use = nginx_rtmp
url = {url}/stat
access.log = {log}
access.path = /hls/{{mount}}
access.window = 10
streams =
    live/stream = example hls
"""
IS_PLAYING = """(before) => {
    const video = document.querySelector("video");
    return video !== null && !video.paused && video.currentTime > before + 1;
}"""


@pytest.fixture
def programs():
    """Processes that are stopped after the test, in reverse order."""
    started = []
    yield started
    for program in reversed(started):
        program.stop()


@pytest.fixture
def start_endpoint(tmp_path, site, clean_environment, programs):
    """Return a function that starts nginx with an encoder and an agent."""
    require("nginx")
    require("ngx_rtmp_module")
    require("ffmpeg")
    issue = (".venv/bin/streaming-system", "admin", "token", "issue", "tests", "--crew")
    issued = run_in_checkout(site.checkout, clean_environment, *issue)
    token = issued.stdout.split()[-1]

    def start_endpoint(name):
        server = NginxRtmp(tmp_path / name)
        programs.append(server.program)
        server.encoder = server.encode("stream")
        programs.append(server.encoder)
        ini = tmp_path / f"{name}.ini"
        ini.write_text(
            INI.format(
                tracker=f"{site.url}/tracker",
                token=token,
                name=name,
                url=server.url,
                log=server.access_log,
            )
        )
        executable = Path(sys.executable).with_name("streaming-system")
        command = (executable, "agent", "register", "-c", ini)
        programs.append(Program(*command, folder=tmp_path, name=f"{name}-agent"))
        return server

    return start_endpoint


def list_endpoints(site):
    listed = site.get("/tracker/api/v1/rooms/example/endpoints").json()["endpoints"]
    return {endpoint["name"]: endpoint for endpoint in listed}


def test_viewer_of_a_killed_endpoint_moves_to_another(start_endpoint, site, visit):
    servers = {name: start_endpoint(name) for name in ("edge1", "edge2")}
    site.wait_for(lambda: len(list_endpoints(site)) == 2, 60, "both servers are registered")
    for server in servers.values():
        playlist = f"{server.url}/hls/stream.m3u8"
        server.program.wait_for(playlist, seconds=60)
    page = visit("/example")
    page.wait_for_function(IS_PLAYING, arg=0, timeout=60_000)

    def current_endpoint():
        # Playwright receives events only during calls.
        page.evaluate("0")
        return next(
            name
            for url in reversed(page.requested_urls)
            for name, server in servers.items()
            if url.startswith(f"{server.url}/hls/")
        )

    def counted_endpoint():
        # The agent counts its viewer in the access log.
        name = current_endpoint()
        return name if list_endpoints(site)[name]["clients"] == 1 else None

    first = site.wait_for(counted_endpoint, 30, "the viewer is counted")
    second = ({"edge1", "edge2"} - {first}).pop()

    servers[first].program.kill()

    site.wait_for(lambda: current_endpoint() == second, 60, "the viewer has moved")
    position = page.evaluate("document.querySelector('video').currentTime")
    page.wait_for_function(IS_PLAYING, arg=position, timeout=60_000)
    site.wait_for(lambda: list(list_endpoints(site)) == [second], 30, "the dead server is gone")
    site.wait_for(lambda: counted_endpoint() == second, 30, "the viewer is counted")
