"""Slates with real servers: the recipes in conf/slate, and what viewers, crew and API get."""

import re
import subprocess

import pytest
import urllib3
from programs import require

from . import servers
from .conftest import wait_until
from .servers import Icecast, NginxRtmp, Program
from .test_icecast import listen  # noqa: F401

pytestmark = pytest.mark.exhaustive
ICECAST_SOURCE = """
[source:icecast]
use = icecast
url = {url}
streams =
    /hall.webm = hall webm_high
slate =
    /hall.webm = /hall-slate.webm
"""
NGINX_SOURCE = """
[source:nginx]
use = nginx_rtmp
url = {url}/stat
streams =
    ingest/hall = hall hls file=index.m3u8
slate =
    ingest/hall = slate/hall
"""
PICTURES = ("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10", "-f", "lavfi", "-i", "sine")
H264 = (
    *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10"),
    *("-pix_fmt", "yuv420p", "-b:v", "150k", "-c:a", "aac", "-b:a", "32k", "-f", "flv"),
)
VP8 = ("-c:v", "libvpx", "-b:v", "150k", "-g", "10", "-c:a", "libopus", "-f", "webm")


def make_slate(path, *options):
    """Write a slate of three seconds."""
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", *PICTURES, "-t", "3", *options, path]
    subprocess.run(command, check=True)
    return path


def slate_since(served):
    """Return since when the endpoint is on slate; "" if it is not, ``None`` without endpoint."""
    endpoint = next(iter(served.endpoints().values()), None)
    return endpoint and (endpoint["slate_since"] or "")


def room(served):
    status = served.get("/streams.json")["rooms"]["hall"]
    return status["live"], status["slate"]


def test_icecast_moves_viewers_to_the_slate_and_back(
    root, tmp_path, monkeypatch, served, agent, encoders, listen  # noqa: F811
):  # fmt: skip
    require("icecast2")
    require("ffmpeg")
    mounts = (root / "conf/slate/icecast-mounts.xml").read_text()
    monkeypatch.setattr(
        servers, "ICECAST", servers.ICECAST.replace("<fileserve>", f"{mounts}<fileserve>")
    )
    icecast = Icecast(tmp_path / "icecast")
    encoders(icecast.program)
    encoder = encoders(icecast.encode("/hall.webm"))
    encoders(
        Program(
            *(root / "conf/slate/publish-slate", "icecast"),
            make_slate(tmp_path / "slate.webm", *VP8),
            f"icecast://source:source@127.0.0.1:{icecast.port}/hall-slate.webm",
            folder=tmp_path,
            name="slate",
        )
    )
    agent(
        trackers=[served.url],
        token=f"token = {served.token()}",
        sources=ICECAST_SOURCE.format(url=icecast.url),
        url=f"{icecast.url}/",
        check="yes",
    )
    wait_until(lambda: slate_since(served) == "", 60, "the encoder is registered")
    for _ in range(2):
        listen(f"{icecast.url}/hall.webm")
    wait_until(lambda: served.endpoints()["edge1"]["clients"] == 2, 30, "two viewers")
    assert room(served) == (True, False)

    encoder.kill()
    wait_until(lambda: slate_since(served), 60, "the room is on slate")

    assert room(served) == (True, True)
    wait_until(lambda: served.endpoints()["edge1"]["clients"] == 2, 30, "two viewers of the slate")
    assert "On slate since" in served.page("/endpoint/stats").get_text()

    encoders(icecast.encode("/hall.webm"))
    wait_until(lambda: slate_since(served) == "", 60, "the encoder is back")
    wait_until(lambda: served.endpoints()["edge1"]["clients"] == 2, 30, "two viewers again")
    assert room(served) == (True, False)


def test_nginx_publishes_the_slate_while_there_is_no_encoder(
    root, tmp_path, monkeypatch, served, agent, encoders
):
    for program in ("nginx", "ngx_rtmp_module", "ffmpeg"):
        require(program)
    recipe = (root / "conf/slate/nginx-rtmp.conf").read_text()
    recipe = recipe.replace("{", "{{").replace("}", "}}").replace("/var/www/", "{folder}/")
    recipe = recipe.replace("127.0.0.1/live", "127.0.0.1:{rtmp}/live").replace("2s;", "1s;")
    template = re.sub(
        r"application live \{\{.*?\}\}", lambda match: recipe, servers.NGINX, flags=re.DOTALL
    )
    monkeypatch.setattr(servers, "NGINX", template)
    nginx = NginxRtmp(tmp_path / "nginx")
    encoders(nginx.program)
    server = f"rtmp://127.0.0.1:{nginx.rtmp}"
    encoders(
        Program(
            *(root / "conf/slate/publish-slate", "rtmp"),
            make_slate(tmp_path / "slate.flv", *H264),
            *(server, "hall"),
            folder=tmp_path,
            name="slate",
        )
    )
    agent(
        trackers=[served.url],
        token=f"token = {served.token()}",
        sources=NGINX_SOURCE.format(url=nginx.url),
        url=f"{nginx.url}/hls/{{room}}/",
        check="yes",
    )
    wait_until(lambda: slate_since(served), 60, "the room is on slate")
    assert room(served) == (True, True)

    encoder = encoders(
        Program(
            *("ffmpeg", "-nostdin", "-loglevel", "error", "-re", *PICTURES, *H264),
            f"{server}/ingest/hall",
            folder=tmp_path,
            name="encoder",
        )
    )
    wait_until(lambda: slate_since(served) == "", 60, "the encoder is on")
    first = media_sequence(nginx)
    wait_until(lambda: media_sequence(nginx) > first + 1, 60, "the playlist goes on")

    encoder.kill()
    wait_until(lambda: slate_since(served), 60, "the room is on slate again")
    second = media_sequence(nginx)
    assert second >= first
    wait_until(lambda: media_sequence(nginx) > second + 1, 60, "the playlist goes on")


def media_sequence(nginx):
    """Return the number of the playlist's first segment; 0 without a playlist."""
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        text = pool.request("GET", f"{nginx.url}/hls/hall/index.m3u8").data.decode()
    match = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)
    return int(match[1]) if match else 0
