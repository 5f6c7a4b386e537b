"""Source types against recorded responses in the format of each server's documentation."""

import json
import logging
import sys
import threading
from datetime import UTC, datetime

import pytest

from streaming_system.agent.config import StreamConfig
from streaming_system.agent.probe import HttpProbe
from streaming_system.agent.source_registry import fetch_mounts, load_sources
from streaming_system.agent.stats import validate_stats
from streaming_system.plugin import SourceError
from streaming_system.util.log_once import LogOnce

from .conftest import json_response

log = logging.getLogger("streaming_system.agent")

SRS = {
    "code": 0,
    "server": "vid-1",
    "streams": [
        {
            "id": "vid-2",
            "name": "hall",
            "vhost": "vid-3",
            "app": "live",
            "live_ms": 1790000000000,
            "clients": 8,
            "frames": 12345,
            "send_bytes": 67890123,
            "recv_bytes": 12345678,
            "kbps": {"recv_30s": 2048, "send_30s": 14336},
            "publish": {"active": True, "cid": "vid-4"},
            "video": {"codec": "H264", "profile": "High", "width": 1280, "height": 720},
            "audio": {"codec": "AAC", "sample_rate": 44100, "channel": 2},
        },
        {
            "name": "lab",
            "app": "live",
            "clients": 2,
            "kbps": {"recv_30s": 0, "send_30s": 0},
            "publish": {"active": False, "cid": ""},
            "video": None,
            "audio": None,
        },
    ],
}
MEDIAMTX = {
    "pageCount": 1,
    "itemCount": 2,
    "items": [
        {
            "name": "hall",
            "confName": "all_others",
            "source": {"type": "rtmpConn", "id": "1"},
            "ready": True,
            "readyTime": "2026-11-24T09:00:00.5+01:00",
            "tracks": ["H264", "MPEG-4 Audio"],
            "bytesReceived": 1000,
            "bytesSent": 9000,
            "readers": [
                {"type": "webRTCSession", "id": "2"},
                {"type": "rtspSession", "id": "3"},
                {"type": "hlsMuxer", "id": ""},
            ],
        },
        {"name": "lab", "ready": False, "readyTime": None, "tracks": [], "readers": []},
    ],
}
OME_STREAM = {
    "input": {
        "createdTime": "2026-11-24T09:00:00.500+01:00",
        "sourceType": "Rtmp",
        "tracks": [
            {"id": 0, "type": "Video", "video": {"bitrate": "2500000", "codec": "H264"}},
            {"id": 1, "type": "Audio", "audio": {"bitrate": "128000", "codec": "AAC"}},
        ],
    },
    "name": "hall",
    "outputs": [],
}
OME_CONNECTIONS = {"file": 1, "llhls": 3, "ovt": 2, "push": 1, "thumbnail": 4, "webrtc": 4}
OME_FLAT = {"connections": OME_CONNECTIONS, "lastThroughputOut": 18000000, "totalConnections": 15}
OME_NEW = {"publishers": OME_FLAT, "sources": {"lastThroughputIn": 2600000}}
OWNCAST = {
    "online": True,
    "viewerCount": 7,
    "lastConnectTime": "2026-11-24T09:00:00.5+01:00",
    "lastDisconnectTime": None,
    "versionNumber": "0.2.4",
    "streamTitle": "Test",
}
OWNCAST_ADMIN = OWNCAST | {
    "broadcaster": {
        "remoteAddr": "192.0.2.1",
        "time": "2026-11-24T09:00:00.5+01:00",
        "streamDetails": {"videoBitrate": 2500, "audioBitrate": 128, "videoCodec": "H.264"},
    }
}
STARTED_AT = datetime(2026, 11, 24, 8, 0, 0, 500_000, tzinfo=UTC)


@pytest.fixture
def probe(fake_server):
    """Return a function that creates a probe of the fake server."""

    def probe(mounts=("live/hall", "live/lab"), **options):
        return HttpProbe(options={"url": fake_server.url, **options}, mounts=mounts)

    return probe


def poll(name, probe):
    return fetch_mounts(load_sources()[name], probe)


def test_source_types_are_registered():
    assert list(load_sources()) == [
        "command",
        "icecast",
        "mediamtx",
        "nginx_rtmp",
        "ovenmediaengine",
        "owncast",
        "srs",
        "static",
    ]


def test_srs_counts_viewers_without_the_publisher(fake_server, probe):
    fake_server.responses["/api/v1/streams/"] = json_response(SRS)

    [hall] = poll("srs", probe())

    assert (hall.mount, hall.clients) == ("live/hall", 7)
    assert (hall.sent, hall.bitrate, hall.codec) == (14336000, 2048000, "H264, AAC")


def test_srs_separates_hls_from_other_players_and_leaves_out_checks(fake_server, probe):
    players = [
        ("hls-play", ""),
        ("hls-play", ""),
        ("rtc-play", ""),
        ("rtmp-play", "https://example.org/player.swf"),
        ("rtmp-play", "streaming-system/agent"),
    ]
    clients = [
        {"stream": "vid-2", "type": type_, "publish": False, "swfUrl": swf}
        for type_, swf in players
    ]
    clients.append({"stream": "vid-2", "type": "fmle-publish", "publish": True})
    clients.append({"stream": "vid-9", "type": "rtc-play", "publish": False})
    fake_server.responses["/api/v1/streams/"] = json_response(SRS)
    fake_server.responses["/api/v1/clients/"] = json_response({"code": 0, "clients": clients})

    [hall] = poll("srs", probe())

    assert (hall.clients, hall.segment_clients) == (4, 2)


def test_srs_error_is_reported(fake_server, probe):
    fake_server.responses["/api/v1/streams/"] = json_response({"code": 2048})

    with pytest.raises(SourceError, match="SRS reports an error: code 2048"):
        poll("srs", probe())


def test_mediamtx_counts_readers_and_derives_bitrates_from_counters(fake_server, probe):
    later = json.loads(json.dumps(MEDIAMTX))
    later["items"][0] |= {"bytesReceived": 1001000, "bytesSent": 9009000}
    client = probe(user="agent", password="secret")
    fake_server.responses["/v3/paths/list"] = json_response(MEDIAMTX)
    [first] = poll("mediamtx", client)
    fake_server.responses["/v3/paths/list"] = json_response(later)
    fake_server.stopped.wait(0.3)

    [second] = poll("mediamtx", client)

    assert (first.mount, first.clients, first.sent) == ("hall", 2, None)
    assert (first.codec, first.since) == ("H264, MPEG-4 Audio", STARTED_AT)
    assert second.sent == pytest.approx(9 * second.bitrate, rel=0.01)
    assert 0 < second.bitrate < 8 * 1_000_000 / 0.3
    assert fake_server.requests[0].headers["Authorization"].startswith("Basic ")


def test_mediamtx_counts_whep_and_hls_and_leaves_out_checks(fake_server, probe):
    document = json.loads(json.dumps(MEDIAMTX))
    document["items"][0]["readers"] = [
        {"type": type_, "id": str(number)}
        for number, type_ in enumerate(
            [
                "webRTCSession",
                "webRTCSession",
                "rtspSession",
                "rtmpConn",
                "hlsSession",
                "hlsSession",
            ]
        )
    ]
    fake_server.responses["/v3/paths/list"] = json_response(document)
    for name, items in {
        "rtspsessions": [{"id": "2", "userAgent": "streaming-system (agent) check"}],
        "rtmpconns": [{"id": "3", "userAgent": "LNX 9,0,124,2"}],
        "hlssessions": [
            {"id": "4", "userAgent": "Mozilla/5.0"},
            {"id": "5", "userAgent": "streaming-system (agent)"},
        ],
    }.items():
        fake_server.responses[f"/v3/{name}/list"] = json_response({"pageCount": 1, "items": items})

    [hall] = poll("mediamtx", probe(("hall",)))

    assert (hall.clients, hall.segment_clients) == (4, 1)


@pytest.mark.parametrize("statistics", [OME_FLAT, OME_NEW])
def test_ovenmediaengine_counts_viewer_connections(fake_server, probe, statistics):
    for path, response in (
        ("/v1/vhosts/default/apps/live/streams", ["hall"]),
        ("/v1/vhosts/default/apps/live/streams/hall", OME_STREAM),
        ("/v1/stats/current/vhosts/default/apps/live/streams/hall", statistics),
    ):
        fake_server.responses[path] = json_response(
            {"statusCode": 200, "message": "OK", "response": response}
        )

    [hall] = poll("ovenmediaengine", probe(password="token", vhost="default"))

    assert (hall.mount, hall.clients, hall.sent) == ("live/hall", 7, 18000000)
    assert hall.segment_clients == 3
    assert (hall.bitrate, hall.codec, hall.since) == (2628000, "H264, AAC", STARTED_AT)
    # OvenMediaEngine expects the AccessToken without a user.
    assert fake_server.requests[0].headers["Authorization"] == "Basic dG9rZW4="


def test_owncast_without_a_password_uses_the_public_status(fake_server, probe):
    fake_server.responses["/api/status"] = json_response(OWNCAST)

    [live] = poll("owncast", probe(password=""))

    assert (live.mount, live.clients, live.since) == ("live", 7, STARTED_AT)


def test_owncast_with_a_password_uses_the_admin_status(fake_server, probe):
    fake_server.responses["/api/admin/status"] = json_response(OWNCAST_ADMIN)

    [live] = poll("owncast", probe(user="admin", password="secret"))

    assert (live.clients, live.bitrate, live.codec) == (7, 2628000, "H.264")


def test_offline_owncast_has_no_mounts(fake_server, probe):
    fake_server.responses["/api/status"] = json_response(OWNCAST | {"online": False})

    assert poll("owncast", probe(password="")) == []


def test_command_prints_stats(probe, tmp_path):
    stats = {"mounts": [{"mount": "hall", "clients": 3, "since": "2026-11-24T08:00:00.5Z"}]}
    script = tmp_path / "my stats.py"
    script.write_text(f"print({json.dumps(stats)!r})")

    [hall] = poll("command", probe(command=f"{sys.executable} '{script}'"))

    assert (hall.mount, hall.clients, hall.since) == ("hall", 3, STARTED_AT)


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("import sys; sys.exit(3)", "exit status 3"),
        ("print('x' * 3000000)", "prints more than 2048 KiB"),
        ("import time; time.sleep(60)", "takes more than 5 s"),
        ("print('no JSON')", "no JSON"),
        (
            'print(\'{"mounts": [{"mount": "a", "viewers": 3}]}\')',
            "has an unknown key 'viewers'; allowed: mount, clients",
        ),
    ],
)
def test_failing_command_is_reported(probe, tmp_path, program, line):
    script = tmp_path / "stats.py"
    script.write_text(program)

    with pytest.raises(SourceError, match=line):
        poll("command", probe(command=f"{sys.executable} {script}"))


def test_missing_command_is_reported(probe):
    with pytest.raises(SourceError, match="/none: cannot be run"):
        poll("command", probe(command="/none"))


def test_cdn_mount_is_registered_while_its_playlist_is_available(fake_server, probe):
    fake_server.responses["/live/hall/stream.m3u8"] = (200, {}, b"#EXTM3U")

    [hall] = poll("static", probe(check=f"{fake_server.url}/{{mount}}/stream.m3u8"))

    assert hall.mount == "live/hall"
    assert {stats.mount for stats in poll("static", probe(check=""))} == {
        "live/hall",
        "live/lab",
    }


def test_hanging_playlists_do_not_delay_other_checks(fake_server, probe, caplog):
    mounts = [f"live/{number}" for number in range(10)]
    last_requested = threading.Event()

    def playlist(request):
        if request.path.startswith("/live/9"):
            last_requested.set()
        return (200 if last_requested.wait(30) else 504), {}, b"#EXTM3U"

    fake_server.responses["*"] = playlist

    stats = poll("static", probe(mounts, check=f"{fake_server.url}/{{mount}}/stream.m3u8"))

    assert [mount.mount for mount in stats] == mounts
    assert caplog.text == ""


LISTENERS = ("Lavf/59", "Lavf/59", "", "streaming-system (agent)", "Icecast 2.4.4")


def test_icecast_with_a_password_counts_neither_checks_nor_relays(fake_server, probe):
    listeners = "".join(
        f"<listener><IP>::1</IP><UserAgent>{name}</UserAgent></listener>" for name in LISTENERS
    )
    mount = "<source mount='/hall.webm'><listeners>5</listeners></source>"
    fake_server.responses["/admin/stats"] = (200, {}, f"<icestats>{mount}</icestats>".encode())
    fake_server.responses["/admin/listclients"] = (
        200,
        {},
        f"<icestats><source mount='/hall.webm'><Listeners>5</Listeners>{listeners}</source>"
        "</icestats>".encode(),
    )

    [hall] = poll("icecast", probe(("/hall.webm",), user="admin", password="secret"))

    assert (hall.clients, hall.includes_checks) == (3, False)


def test_icecast_without_its_list_of_listeners_counts_all(fake_server, probe):
    mount = "<source mount='/hall.webm'><listeners>5</listeners></source>"
    fake_server.responses["/admin/stats"] = (200, {}, f"<icestats>{mount}</icestats>".encode())

    [hall] = poll("icecast", probe(("/hall.webm",), user="admin", password="secret"))

    assert (hall.clients, hall.includes_checks) == ("5", True)


RTMP_STAT = """<rtmp><server><application><name>live</name><live><stream><name>hall</name>
<nclients>{total}</nclients><publishing/>{clients}</stream></live></application></server></rtmp>"""
RTMP_CLIENTS = """
<client><flashver>FMLE/3.0 (compatible; FMSc/1.0)</flashver><publishing/></client>
<client><flashver>LNX 9,0,124,2</flashver></client><client><flashver>VLC</flashver></client>
<client><flashver>streaming-system/agent</flashver></client>
<client><address>unix:/tmp/nginx-rtmp.0</address></client>"""


@pytest.mark.parametrize(
    ("total", "clients", "viewers"), [("5", RTMP_CLIENTS, 2), ("3", "", 2), ("0", "", 0)]
)
def test_nginx_rtmp_counts_neither_publishers_nor_relays_nor_checks(
    fake_server, probe, total, clients, viewers
):
    body = RTMP_STAT.format(total=total, clients=clients).encode()
    fake_server.responses["/stat"] = (200, {}, body)

    [hall] = poll("nginx_rtmp", probe(url=f"{fake_server.url}/stat"))

    assert (hall.mount, hall.clients, hall.segment_clients) == ("live/hall", viewers, 0)


@pytest.mark.parametrize(
    ("document", "mounts"),
    [
        ({"icestats": {}}, []),
        ({"icestats": {"source": {"listenurl": "http://h:1/a", "listeners": 1}}}, ["/a"]),
        (
            {"icestats": {"source": [{"listenurl": "http://h:1/a"}, {"listenurl": "http://h/b"}]}},
            ["/a", "/b"],
        ),
        # A mount with a fallback is listed while nothing is sent to it.
        (
            {"icestats": {"source": {"listeners": 0, "listenurl": "http://h/a", "dummy": None}}},
            [],
        ),
    ],
)
def test_icecast_lists_no_mount_one_or_several(fake_server, probe, document, mounts):
    fake_server.responses["/status-json.xsl"] = json_response(document)

    assert [stats.mount for stats in poll("icecast", probe(password=""))] == mounts


@pytest.mark.parametrize(
    "fields",
    [
        '"title": - ,',
        '"title":-',
        '"title":007, "server_name": 1.2.3',
        '"server_name":"Say "hi" \\ there","title":"x"',
        '"title":"a\tb\x01",',
    ],
)
def test_a_broken_field_of_icecast_loses_no_mount(fake_server, probe, fields):
    mounts = ",".join(
        f'{{"audio_info":"x","listeners":{number},"listenurl":"http://h:1/{number}.mp3",'
        f'"server_type":"audio/mpeg",{fields.strip(",")},"dummy":null}}'
        for number in (1, 2)
    )
    body = f'{{"icestats":{{"admin":"a@example.org","source":[{mounts}]}}}}'
    fake_server.responses["/status-json.xsl"] = (200, {}, body.encode())

    stats = poll("icecast", probe(password=""))

    assert [(mount.mount, mount.clients) for mount in stats] == [("/1.mp3", 1), ("/2.mp3", 2)]


@pytest.mark.parametrize(
    ("listeners", "clients", "warning"),
    [
        (0, 0, ""),
        ("12", 12, ""),
        (None, 0, ""),
        (-5, None, "clients is -5, which is no number from 0 to 10000000"),
        (1e99, None, "clients is 1e"),
        (10**400, None, "clients is not finite"),
        (True, None, "clients is True"),
        ("NaN", None, "clients is 'NaN'"),
        ("many", None, "clients is 'many'"),
        ([], None, "clients is a list"),
    ],
)
def test_invalid_numbers_are_logged_once(fake_server, probe, caplog, listeners, clients, warning):
    source = {"listenurl": "http://h/hall.webm", "listeners": listeners}
    fake_server.responses["/status-json.xsl"] = json_response({"icestats": {"source": source}})
    streams = [StreamConfig(mount="/hall.webm", room="hall", format="webm")]
    warnings = LogOnce(log)

    for _ in range(3):
        stats = poll("icecast", probe(password=""))
        validated = validate_stats("icecast", streams, stats, warnings)

    counts = {mount: stats.clients for mount, stats in validated.mounts.items()}
    assert counts == ({} if clients is None else {"/hall.webm": clients})
    assert validated.invalid_mounts == (
        frozenset({"/hall.webm"}) if clients is None else frozenset()
    )
    assert len(caplog.records) == (1 if warning else 0)
    assert warning in caplog.text


def test_idle_mount_of_icecast_is_not_listed_for_the_admin_either(fake_server, probe):
    fake_server.responses["/admin/stats"] = (
        200,
        {},
        b'<icestats><source mount="/a"><listeners>0</listeners><listenurl>http://h/a</listenurl>'
        b"<max_listeners>unlimited</max_listeners></source></icestats>",
    )

    assert poll("icecast", probe(user="admin", password="secret")) == []
