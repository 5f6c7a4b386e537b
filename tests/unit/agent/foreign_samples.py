"""Documents of other programs, in the shapes that their documentation has.

Each has two rooms or more, so that a test can break one and look at the others.
"""

import json

ICECAST_SOURCE = {
    "audio_info": "channels=2;samplerate=48000;bitrate=96",
    "bitrate": 96,
    "genre": "various",
    "listener_peak": 9,
    "listeners": 7,
    "listenurl": "http://stream.example.org:8000/hall.mp3",
    "server_description": "Unspecified description",
    "server_name": "Hall",
    "server_type": "audio/mpeg",
    "stream_start": "Tue, 24 Nov 2026 09:00:00 +0100",
    "stream_start_iso8601": "2026-11-24T09:00:00+0100",
    "title": "Opening",
    "dummy": None,
}
ICECAST = {
    "icestats": {
        "admin": "icemaster@example.org",
        "host": "stream.example.org",
        "location": "Earth",
        "server_id": "Icecast 2.4.4",
        "server_start": "Tue, 24 Nov 2026 08:00:00 +0100",
        "server_start_iso8601": "2026-11-24T08:00:00+0100",
        "source": [
            ICECAST_SOURCE,
            ICECAST_SOURCE
            | {"listenurl": "http://stream.example.org:8000/lab.mp3", "listeners": 3, "title": "-"},
        ],
    }
}
_ADMIN_SOURCE = """<source mount="/{room}.webm">
  <audio_info>ice-samplerate=48000;ice-bitrate=800</audio_info><bitrate>800</bitrate>
  <genre>various</genre><listener_peak>9</listener_peak><listeners>{listeners}</listeners>
  <listenurl>http://stream.example.org:8000/{room}.webm</listenurl>
  <max_listeners>unlimited</max_listeners><public>0</public><server_name>{room}</server_name>
  <server_type>video/webm</server_type><slow_listeners>0</slow_listeners>
  <source_ip>192.0.2.7</source_ip><stream_start>Tue, 24 Nov 2026 09:00:00 +0100</stream_start>
  <stream_start_iso8601>2026-11-24T09:00:00+0100</stream_start_iso8601>
  <title>Opening</title><total_bytes_read>1000</total_bytes_read>
  <total_bytes_sent>9000</total_bytes_sent><user_agent>Lavf/60</user_agent>
</source>"""
ICECAST_ADMIN = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<icestats><admin>icemaster@example.org</admin>'
    "<clients>12</clients><server_id>Icecast 2.4.4</server_id><sources>2</sources>"
    + _ADMIN_SOURCE.format(room="hall", listeners=7)
    + _ADMIN_SOURCE.format(room="lab", listeners=3)
    + "</icestats>"
)
_RTMP_STREAM = """<stream><name>{room}</name><time>86400000</time><bw_in>2048000</bw_in>
  <bytes_in>5000</bytes_in><bw_out>14336000</bw_out><bytes_out>9000</bytes_out>
  <bw_audio>128000</bw_audio><bw_video>1920000</bw_video>
  <client><id>1</id><address>192.0.2.7</address><time>86400000</time><flashver>FMLE/3.0</flashver>
    <dropped>0</dropped><avsync>0</avsync><timestamp>86400000</timestamp><publishing/><active/>
  </client>
  <client><id>2</id><address>192.0.2.8</address><time>1000</time><flashver>LNX 9</flashver>
    <swfurl>http://example.org/a?b=1&amp;c=2</swfurl><dropped>0</dropped><active/></client>
  <meta><video><width>1280</width><height>720</height><frame_rate>25</frame_rate>
    <codec>H264</codec><profile>High</profile></video>
    <audio><codec>AAC</codec><channels>2</channels><sample_rate>48000</sample_rate></audio></meta>
  <nclients>{clients}</nclients><publishing/><active/></stream>"""
NGINX_RTMP = (
    '<?xml version="1.0" encoding="utf-8" ?>\n<?xml-stylesheet type="text/xsl" href="stat.xsl" ?>\n'
    "<rtmp><nginx_version>1.28.0</nginx_version><nginx_rtmp_version>1.1.4</nginx_rtmp_version>"
    "<pid>7</pid><uptime>100</uptime><naccepted>9</naccepted><bw_in>0</bw_in>"
    "<server><application><name>live</name><live>"
    + _RTMP_STREAM.format(room="hall", clients=8)
    + _RTMP_STREAM.format(room="lab", clients=4)
    + "<nclients>12</nclients></live></application></server></rtmp>"
)
_SRS_STREAM = {
    "id": "vid-2",
    "name": "hall",
    "vhost": "vid-3",
    "app": "live",
    "tcUrl": "rtmp://192.0.2.7/live",
    "url": "/live/hall",
    "live_ms": 1790000000000,
    "clients": 8,
    "frames": 12345,
    "send_bytes": 67890123,
    "recv_bytes": 12345678,
    "kbps": {"recv_30s": 2048, "send_30s": 14336},
    "publish": {"active": True, "cid": "vid-4"},
    "video": {"codec": "H264", "profile": "High", "level": "3.2", "width": 1280, "height": 720},
    "audio": {"codec": "AAC", "sample_rate": 44100, "channel": 2, "profile": "LC"},
}
SRS = {
    "code": 0,
    "server": "vid-1",
    "service": "0r8x6s0i",
    "pid": "1",
    "streams": [_SRS_STREAM, _SRS_STREAM | {"name": "lab", "url": "/live/lab", "clients": 4}],
}
_MEDIAMTX_PATH = {
    "name": "hall",
    "confName": "all_others",
    "source": {"type": "rtmpConn", "id": "9ad0d8ec"},
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
}
MEDIAMTX = {
    "itemCount": 2,
    "pageCount": 1,
    "items": [
        _MEDIAMTX_PATH,
        _MEDIAMTX_PATH | {"name": "lab", "readers": [{"type": "srtConn", "id": "4"}]},
    ],
}


def _ome(response):
    return {"statusCode": 200, "message": "OK", "response": response}


def _ome_stream(name):
    return _ome(
        {
            "input": {
                "createdTime": "2026-11-24T09:00:00.500+01:00",
                "sourceType": "Rtmp",
                "sourceUrl": "TCP://192.0.2.7:51258",
                "tracks": [
                    {"id": 0, "type": "Video", "video": {"bitrate": "2500000", "codec": "H264"}},
                    {"id": 1, "type": "Audio", "audio": {"bitrate": "128000", "codec": "AAC"}},
                ],
            },
            "name": name,
            "outputs": [{"name": name, "tracks": []}],
        }
    )


def _ome_statistics(viewers):
    return _ome(
        {
            "connections": {"file": 1, "llhls": viewers, "ovt": 2, "thumbnail": 4, "webrtc": 4},
            "createdTime": "2026-11-24T09:00:00.500+01:00",
            "lastThroughputIn": 2600000,
            "lastThroughputOut": 18000000,
            "maxTotalConnections": 20,
            "totalBytesIn": 1000,
            "totalBytesOut": 9000,
            "totalConnections": 15,
        }
    )


_OME_APP = "vhosts/default/apps/live/streams"
OVENMEDIAENGINE = {
    f"/v1/{_OME_APP}": _ome(["hall", "lab"]),
    f"/v1/{_OME_APP}/hall": _ome_stream("hall"),
    f"/v1/{_OME_APP}/lab": _ome_stream("lab"),
    f"/v1/stats/current/{_OME_APP}/hall": _ome_statistics(3),
    f"/v1/stats/current/{_OME_APP}/lab": _ome_statistics(5),
}
OWNCAST = {
    "online": True,
    "viewerCount": 7,
    "overallMaxViewerCount": 12,
    "sessionMaxViewerCount": 9,
    "lastConnectTime": "2026-11-24T09:00:00.5+01:00",
    "lastDisconnectTime": None,
    "versionNumber": "0.2.4",
    "streamTitle": "Test",
    "broadcaster": {
        "remoteAddr": "192.0.2.1",
        "time": "2026-11-24T09:00:00.5+01:00",
        "streamDetails": {
            "width": 1280,
            "height": 720,
            "framerate": 25,
            "videoBitrate": 2500,
            "videoCodec": "H.264",
            "audioBitrate": 128,
            "audioCodec": "AAC",
            "encoder": "obs-output module",
        },
    },
}
COMMAND = {
    "mounts": [
        {"mount": "hall", "clients": 7, "sent": 14_000_000, "bitrate": 2_000_000, "codec": "VP8",
         "since": "2026-11-24T08:00:00Z"},
        {"mount": "lab", "clients": 3},
    ]
}  # fmt: skip
_ROOM = {
    "live": True,
    "youtube": None,
    "clients": 7,
    "bitrate": 9600000,
    "endpoints": [
        {
            "ip": "192.0.2.7",
            "name": f"edge{number}",
            "url": f"https://edge{number}.example.org/hall/",
            "clients": 3,
            "bitrate": 4800000,
            "last_seen": "2026-11-24T09:00:00.000Z",
            "formats": ["hls", "webm"],
            "files": {"hls": "live/hall.m3u8"},
            "weight": 500,
        }
        for number in (1, 2)
    ],
}
STREAMS = {
    "generated_at": "2026-11-24T09:00:00.000Z",
    "rooms": {"hall": _ROOM, "lab": _ROOM | {"clients": 3}},
}
_AUDIENCE = {
    "room": "hall",
    "title": "Great Hall",
    "live": True,
    "youtube": None,
    "viewers": {"players": 120, "others": 7},
    "bitrate": 9600000,
    "startup_p95_ms": 2100,
    "rebuffer_ratio": 0.0001,
    "endpoints": ["edge1"],
}
ROOMS = {
    "generated_at": "2026-11-24T09:00:00.000Z",
    "rooms": [_AUDIENCE, _AUDIENCE | {"room": "lab", "startup_p95_ms": None}],
}
_INCIDENT = {
    "id": 1,
    "kind": "no-stream",
    "room": "hall",
    "subject": "",
    "summary": "The room has no stream.",
    "opened_at": "2026-11-24T09:00:00.000Z",
    "resolved_at": None,
}
INCIDENTS = {"incidents": [_INCIDENT, _INCIDENT | {"id": 2, "room": "lab", "summary": "Lab, too."}]}
_STATUS = {
    "id": "103254962155278888",
    "created_at": "2026-11-24T09:00:00.000Z",
    "in_reply_to_id": None,
    "in_reply_to_account_id": None,
    "sensitive": False,
    "spoiler_text": "",
    "visibility": "public",
    "language": "en",
    "uri": "https://social.example.org/users/ann/statuses/1",
    "url": "https://social.example.org/@ann/1",
    "replies_count": 0,
    "content": "<p>Hello</p>",
    "reblog": None,
    "account": {"id": "1", "username": "ann", "acct": "ann", "display_name": "Ann"},
    "media_attachments": [],
}
TIMELINE = [
    _STATUS,
    _STATUS
    | {
        "uri": "https://example.com/bob/2",
        "url": "https://social.example.org/@bob/2",
        "created_at": "2026-11-24T08:00:00.000Z",
        "account": {"id": "2", "username": "bob", "acct": "bob@example.com", "display_name": ""},
        "media_attachments": [{"type": "image"}],
    },
]


def encode(document):
    """Return the bytes of a sample."""
    return (document if isinstance(document, str) else json.dumps(document)).encode()
