"""The agent reports what encoders send: values of servers, and what it measures in the stream."""

import io
import json

import pytest

from streaming_system.agent.fetch import FetchError
from streaming_system.agent.video_measurement import write_hls_sample
from streaming_system.net.request_deadline import deadline_pool_manager
from streaming_system.plugin import IngestStats

from .conftest import json_response, wait_until
from .test_source_types import (
    MEDIAMTX,
    OME_FLAT,
    OME_STREAM,
    SRS,
    poll,
    probe,  # noqa: F401 - This is a fixture.
)

NGINX = """
[source:nginx]
use = nginx_rtmp
url = {url}/stat
streams =
    live/hall = hall hls file=hall.m3u8
"""
ICECAST = """
[source:icecast]
use = icecast
url = {url}
password = secret
streams =
    /hall.webm = hall webm_high
"""


def stored_ingest(served):
    """Return what the tracker has stored of the first stream."""
    rows = served.rows("SELECT ingest FROM endpoint")
    streams = json.loads(rows[0][0]) if rows else []
    return streams[0] if streams else {}


def test_nginx_rtmp_stream_is_measured(nginx_rtmp, served, agent, encoders):
    encoders(nginx_rtmp.encode("hall"))
    playlist = nginx_rtmp.folder / "hls/hall.m3u8"
    wait_until(lambda: playlist.exists() and playlist.read_text().count(".ts") > 2, 40, "segments")
    agent(
        trackers=[served.url],
        token=f"token = {served.token()}",
        sources=NGINX.format(url=nginx_rtmp.url),
        url=f"{nginx_rtmp.url}/hls/",
        check="yes",
    )

    def is_complete():
        # nginx measures bitrates over ten seconds, and the next report may be later.
        stream = stored_ingest(served)
        return "keyframe_interval" in stream and stream["bitrate"] > 10_000

    wait_until(is_complete, 120, "a keyframe interval and a bitrate")
    stream = stored_ingest(served)
    # servers.NginxRtmp.encode: 10 frames per second, and each tenth is a keyframe.
    assert stream["stream"] == "hls"
    assert stream["keyframe_interval"] == pytest.approx(1, abs=0.11)
    assert stream["frame_rate"] == pytest.approx(10, rel=0.1)
    assert stream["nominal_frame_rate"] == 10
    assert (stream["width"], stream["height"]) == (160, 90)
    assert stream["bitrate"] < 2_000_000
    assert stream["since"]


def test_srs_counts_frames(fake_server, probe):  # noqa: F811
    later = json.loads(json.dumps(SRS))
    later["streams"][0]["frames"] += 1000
    client = probe()
    fake_server.responses["/api/v1/streams/"] = json_response(SRS)
    [first] = poll("srs", client)
    fake_server.responses["/api/v1/streams/"] = json_response(later)
    fake_server.stopped.wait(0.3)

    [second] = poll("srs", client)

    assert first.ingest == IngestStats(width=1280, height=720)
    assert 0 < second.ingest.frame_rate < 1000 / 0.3


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, IngestStats()),
        (
            {
                "inboundFramesInError": 7,
                "tracks2": [
                    {"codec": "Opus", "codecProps": {"channelCount": 2}},
                    {"codec": "H264", "codecProps": {"width": 1920, "height": 1080}},
                ],
            },
            IngestStats(width=1920, height=1080, dropped=7),
        ),
        ({"tracks2": [None, {"codecProps": None}, 3]}, IngestStats()),
    ],
)
def test_mediamtx_counts_frames_in_error(fake_server, probe, fields, expected):  # noqa: F811
    document = json.loads(json.dumps(MEDIAMTX))
    document["items"][0] |= fields
    fake_server.responses["/v3/paths/list"] = json_response(document)

    [hall] = poll("mediamtx", probe(user="", password=""))

    assert hall.ingest == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, IngestStats()),
        (
            {
                "framerate": 30.0, "framerateLatest": 29.5, "keyFrameInterval": 60,
                "width": 1280, "height": 720,
            },
            IngestStats(
                frame_rate=29.5, nominal_frame_rate=30.0, keyframe_interval=2.0, width=1280,
                height=720,
            ),
        ),
        ({"framerate": 0, "keyFrameInterval": 60}, IngestStats(nominal_frame_rate=0)),
    ],
)  # fmt: skip
def test_ovenmediaengine_counts_frames_between_keyframes(fake_server, probe, fields, expected):  # noqa: F811
    stream = json.loads(json.dumps(OME_STREAM))
    stream["input"]["tracks"][0]["video"] |= fields
    for path, response in (
        ("/v1/vhosts/default/apps/live/streams", ["hall"]),
        ("/v1/vhosts/default/apps/live/streams/hall", stream),
        ("/v1/stats/current/vhosts/default/apps/live/streams/hall", OME_FLAT),
    ):
        fake_server.responses[path] = json_response({"statusCode": 200, "response": response})

    [hall] = poll("ovenmediaengine", probe(password="token", vhost="default"))

    assert hall.ingest == expected


def playlist(*lines):
    return 200, {}, "\n".join(["#EXTM3U", "#EXT-X-TARGETDURATION:2", *lines, ""]).encode()


def load_sample(server):
    sample = io.BytesIO()
    write_hls_sample(deadline_pool_manager(), f"{server.url}/hall/stream.m3u8", sample)
    return sample.getvalue()


@pytest.fixture
def segments(fake_server):
    """A server with segments that consist of their names."""
    for name in ("init.mp4", *(f"{number}.ts" for number in range(5))):
        fake_server.responses[f"/hall/{name}"] = (200, {}, f"<{name}>".encode())
    return fake_server


INF = "#EXTINF:2,"


@pytest.mark.parametrize(
    ("lines", "sample"),
    [
        ([INF, "0.ts", INF, "1.ts", INF, "2.ts", INF, "3.ts"], b"<1.ts><2.ts><3.ts>"),
        ([INF, "0.ts", "#EXT-X-DISCONTINUITY", INF, "1.ts", INF, "2.ts"], b"<1.ts><2.ts>"),
        (['#EXT-X-MAP:URI="init.mp4"', INF, "0.ts", INF, "1.ts"], b"<init.mp4><0.ts><1.ts>"),
        ([], b""),
    ],
)
def test_last_segments_of_a_playlist_are_the_sample(segments, lines, sample):
    segments.responses["/hall/stream.m3u8"] = playlist(*lines)

    assert load_sample(segments) == sample


def test_first_rendition_of_a_master_playlist_is_the_sample(segments):
    segments.responses["/hall/stream.m3u8"] = playlist(
        "#EXT-X-STREAM-INF:BANDWIDTH=3000000", "high.m3u8",
        "#EXT-X-STREAM-INF:BANDWIDTH=500000", "low.m3u8",
    )  # fmt: skip
    segments.responses["/hall/high.m3u8"] = playlist(INF, "4.ts")

    assert load_sample(segments) == b"<4.ts>"


@pytest.mark.parametrize(
    "lines",
    [
        ['#EXT-X-KEY:METHOD=AES-128,URI="key"', INF, "0.ts"],
        [INF, "#EXT-X-BYTERANGE:100@0", "0.ts"],
        [INF, "missing.ts"],
    ],
)
def test_segments_that_cannot_be_read_alone_are_no_sample(segments, lines):
    segments.responses["/hall/stream.m3u8"] = playlist(*lines)

    with pytest.raises(FetchError):
        load_sample(segments)


@pytest.mark.icecast
@pytest.mark.exhaustive
def test_icecast_stream_is_measured_without_another_listener(icecast, served, agent, encoders):
    encoders(icecast.encode("/hall.webm"))
    agent(
        trackers=[served.url],
        token=f"token = {served.token()}",
        sources=ICECAST.format(url=icecast.url),
        url=f"{icecast.url}/",
        check="yes",
    )

    wait_until(lambda: "keyframe_interval" in stored_ingest(served), 120, "a keyframe interval")
    stream = stored_ingest(served)
    # servers.Icecast.encode: 10 frames per second, and each tenth is a keyframe.
    assert stream["stream"] == "webm_high"
    assert stream["keyframe_interval"] == pytest.approx(1, abs=0.11)
    assert stream["frame_rate"] == pytest.approx(10, rel=0.1)
    assert served.endpoints()["edge1"]["clients"] == 0
