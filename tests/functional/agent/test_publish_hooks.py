"""nginx-rtmp and Icecast, with conf/ingest-hooks, ask a real tracker about encoders."""

import json
import xml.etree.ElementTree as ElementTree
from datetime import UTC, datetime

import pytest
import urllib3
from programs import require
from sqlalchemy.orm import Session

from streaming_system.tracker.db.session import make_engine
from streaming_system.tracker.publishing.stream_keys import StreamKeys

from .conftest import wait_until
from .servers import Icecast, NginxRtmp, Program, free_port

RTMP_OUTPUT = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-f", "flv")
WEBM_OUTPUT = (
    *("-c:v", "libvpx", "-deadline", "realtime", "-g", "10", "-f", "webm"),
    *("-content_type", "video/webm"),
)
MOUNT = "/hall/webcast-high.webm"


@pytest.fixture
def key(served):
    """Return a function that creates a stream key of the hall and returns its text."""
    engine = make_engine({"sqlalchemy.url": served.database})

    def key(*, is_revoked=False):
        now = datetime.now(UTC)
        with Session(engine) as db, db.begin():
            keys = StreamKeys(db)
            created, text = keys.create(
                room="hall", label="OBS", expires_at=None, created_by="tests", now=now
            )
            if is_revoked:
                keys.revoke(created.id, now=now)
        return text

    yield key
    engine.dispose()


@pytest.fixture
def snippet(root, served):
    """Return a function that returns a file of conf/ingest-hooks for this tracker."""
    token, port = served.token("publish", ""), free_port()

    def snippet(name):
        text = (root / "conf/ingest-hooks" / name).read_text()
        text = text.replace("https://live.example.org/tracker", served.url)
        return text.replace("sst_…", token).replace(":8082", f":{port}")

    return snippet


@pytest.fixture
def nginx(snippet, tmp_path):
    """nginx-rtmp that asks the tracker."""
    require("nginx")
    require("ngx_rtmp_module")
    require("ffmpeg")
    server = NginxRtmp(
        tmp_path / "nginx",
        application=snippet("nginx-rtmp.conf"),
        http=snippet("nginx-hook.conf"),
    )
    yield server
    server.program.stop()


@pytest.fixture
def icecast_with_hooks(snippet, tmp_path):
    """Icecast that asks the tracker about two mounts."""
    require("icecast2")
    require("ffmpeg")
    mount = snippet("icecast.xml")
    server = Icecast(tmp_path / "icecast", mounts=mount + mount.replace(MOUNT, "/lab.webm"))
    yield server
    server.program.stop()


@pytest.fixture
def publish(encoders, tmp_path):
    """Return a function that starts ffmpeg, which publishes a small picture."""

    def publish(url, *output):
        return encoders(
            Program(
                *("ffmpeg", "-nostdin", "-loglevel", "error", "-re"),
                *("-f", "lavfi", "-i", "testsrc2=size=160x90:rate=10"),
                *(*output, url),
                folder=tmp_path,
                name=f"ffmpeg-{free_port()}",
            )
        )

    return publish


@pytest.mark.nginx
def test_nginx_rtmp_accepts_the_right_key_only(nginx, served, key, publish):
    revoked, right = key(is_revoked=True), key()
    address = f"rtmp://127.0.0.1:{nginx.rtmp}/live"

    running = publish(f"{address}/hall?key={right}", *RTMP_OUTPUT)
    wait_until(lambda: (nginx.folder / "hls/hall.m3u8").exists(), 40, "the hall is published")
    refused = [
        publish(f"{address}/{stream}", *RTMP_OUTPUT)
        for stream in (
            "hall-2",
            "hall-3?key=wrong",
            f"hall-4?key={revoked}",
            f"lab?key={right}",
            f"lab?name=hall&key={right}",
        )
    ]
    for program in refused:
        assert program.process.wait(60) != 0, program.output

    assert running.process.poll() is None
    assert [path.name for path in nginx.folder.glob("hls/*.m3u8")] == ["hall.m3u8"]
    [used_at] = served.rows("SELECT used_at FROM stream_key WHERE revoked_at IS NULL")
    assert used_at != (None,)
    logs = "".join(path.read_text(errors="replace") for path in nginx.folder.glob("*.log"))
    assert [text for text in (right, revoked) if text in logs] == []


@pytest.mark.nginx
def test_nginx_rtmp_accepts_no_encoder_while_the_tracker_is_away(nginx, served, key, publish):
    right = key()
    served.stop()

    program = publish(f"rtmp://127.0.0.1:{nginx.rtmp}/live/hall?key={right}", *RTMP_OUTPUT)

    assert program.process.wait(60) != 0, program.output


@pytest.mark.parametrize("name", ["icecast.xml", "ovenmediaengine.xml"])
def test_xml_of_the_hooks_names_the_address_of_the_tracker(root, name):
    document = ElementTree.parse(root / "conf/ingest-hooks" / name)

    texts = [e.text or e.get("value", "") for e in document.iter()]
    addresses = [text for text in texts if text.startswith("https://")]
    kind = name.removesuffix(".xml")
    assert [a for a in addresses if f"/tracker/endpoint/publish/{kind}" in a] == addresses != []


def _mounts(server):
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        stats = json.loads(pool.request("GET", f"{server.url}/status-json.xsl").data)["icestats"]
    sources = stats.get("source", [])
    return [s["listenurl"] for s in (sources if isinstance(sources, list) else [sources])]


@pytest.mark.icecast
def test_icecast_accepts_the_right_key_only(icecast_with_hooks, key, publish):
    server, revoked, right = icecast_with_hooks, key(is_revoked=True), key()

    def send(password, mount=MOUNT):
        url = f"icecast://source:{password}@127.0.0.1:{server.port}{mount}"
        return publish(url, *WEBM_OUTPUT)

    # "source" is the password of all other mounts.
    for program in [send("source"), send("wrong"), send(revoked), send(right, "/lab.webm")]:
        assert program.process.wait(60) != 0, program.output
    assert _mounts(server) == []

    running = send(right)
    wait_until(lambda: len(_mounts(server)) == 1, 40, "the hall is published")
    assert _mounts(server)[0].endswith(MOUNT)
    assert running.process.poll() is None
    logs = "".join(path.read_text(errors="replace") for path in server.folder.glob("*.log"))
    assert [text for text in (right, revoked) if text in logs] == []
