"""Real streaming servers, registered by agents, played by Chromium through a room's page."""

import sys
from pathlib import Path

import pytest
from functional.agent.servers import NginxRtmp, Program
from programs import require

from .served import run_in_checkout

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
PLAYS = """(before) => {
    const video = document.querySelector("video");
    return video !== null && !video.paused && video.currentTime > before + 1;
}"""


@pytest.fixture
def programs():
    """Processes that are stopped when the test ends, last ones first."""
    started = []
    yield started
    for program in reversed(started):
        program.stop()


@pytest.fixture
def edge(tmp_path, site, clean_environment, programs):
    """Return a function that starts nginx, an encoder for it, and an agent beside it."""
    require("nginx")
    require("ngx_rtmp_module")
    require("ffmpeg")
    issue = (".venv/bin/streaming-system", "admin", "token", "issue", "tests", "--crew")
    issued = run_in_checkout(site.checkout, clean_environment, *issue)
    token = issued.stdout.split()[-1]

    def edge(name):
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
        program = Path(sys.executable).with_name("streaming-system")
        command = (program, "encoder", "register", "-c", ini)
        programs.append(Program(*command, folder=tmp_path, name=f"{name}-agent"))
        return server

    return edge


def endpoints(site):
    listed = site.get("/tracker/api/v1/rooms/example/endpoints").json()["endpoints"]
    return {endpoint["name"]: endpoint for endpoint in listed}


def test_hls_of_nginx_plays_through_the_page_and_viewers_move_when_it_is_killed(edge, site, visit):
    servers = {name: edge(name) for name in ("edge1", "edge2")}
    site.wait_for(lambda: len(endpoints(site)) == 2, 60, "both servers are registered")
    for server in servers.values():
        playlist = f"{server.url}/hls/stream.m3u8"
        server.program.wait_for(playlist, seconds=60)
    page = visit("/example")
    page.wait_for_function(PLAYS, arg=0, timeout=60_000)

    def watched_from():
        # Only a call of the browser lets its news in.
        page.evaluate("0")
        return next(
            name
            for url in reversed(page.asked)
            for name, server in servers.items()
            if url.startswith(f"{server.url}/hls/")
        )

    def counted():
        # The agent has seen its viewer in the access log.
        name = watched_from()
        return name if endpoints(site)[name]["clients"] == 1 else None

    first = site.wait_for(counted, 30, "the viewer is counted")
    second = ({"edge1", "edge2"} - {first}).pop()

    servers[first].program.kill()

    site.wait_for(lambda: watched_from() == second, 60, "the viewer has moved")
    at = page.evaluate("document.querySelector('video').currentTime")
    page.wait_for_function(PLAYS, arg=at, timeout=60_000)
    site.wait_for(lambda: list(endpoints(site)) == [second], 30, "the dead server is gone")
    site.wait_for(lambda: counted() == second, 30, "the viewer is counted")
