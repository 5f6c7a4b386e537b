"""What encoders send: values of servers, and what the agent measures itself."""

import math
import socket
import subprocess
import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from programs import require

from streaming_system.agent.config import StreamConfig
from streaming_system.agent.ingest_health import VideoMeasurement, add_ingest
from streaming_system.agent.stats import EndpointKey, ValidatedMountStats
from streaming_system.agent.subprocesses import ProcessRunner
from streaming_system.agent.video_measurement import (
    PROBE_COMMAND,
    VideoMeasurer,
    measure_packets,
    parse_packets,
)
from streaming_system.plugin import IngestStats, MountStats

HALL = StreamConfig(mount="live/hall", room="hall", format="hls", endpoint="edge1")
KEY = EndpointKey("hall", "edge1")


def ingest_of(measurement=None, **stats):
    """Return what is reported of the hall."""
    ingest = IngestStats(**{k: v for k, v in stats.items() if hasattr(IngestStats, k)})
    raw = MountStats(
        mount=HALL.mount,
        ingest=ingest,
        **{k: v for k, v in stats.items() if not hasattr(IngestStats, k)},
    )
    mount = ValidatedMountStats(stream=HALL, clients=0, sent=None, bitrate=None, raw=raw)
    measurements = {HALL: measurement} if measurement else {}
    return add_ingest({KEY: {"clients": 0}}, [mount], measurements)[KEY].get("ingest")


def test_values_of_a_server_are_reported_as_numbers():
    [stream] = ingest_of(
        bitrate="3100000", nominal_frame_rate="25.000", width="1280", height="720", dropped=3,
        codec="H264, AAC", since=datetime(2026, 8, 22, 9, tzinfo=UTC),
    )  # fmt: skip

    assert stream == {
        "stream": "hls", "bitrate": 3_100_000, "nominal_frame_rate": 25, "width": 1280,
        "height": 720, "dropped": 3, "codec": "H264, AAC",
        "since": "2026-08-22T09:00:00.000+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(
    "value", [-1, math.nan, math.inf, "x", "", True, [], {}, None, 10**400, "1e999", object()]
)
def test_invalid_values_are_omitted(value):
    values = dict.fromkeys(
        ("bitrate", "frame_rate", "nominal_frame_rate", "keyframe_interval", "width", "height",
         "dropped"), value
    )  # fmt: skip

    assert ingest_of(**values) is None


def test_measured_values_take_precedence():
    measurement = VideoMeasurement(frame_rate=14.987, keyframe_interval=8.3333)

    [stream] = ingest_of(measurement, frame_rate=25, keyframe_interval=2)

    assert (stream["frame_rate"], stream["keyframe_interval"]) == (14.99, 8.33)
    [stream] = ingest_of(VideoMeasurement(frame_rate=15, keyframe_interval=None), bitrate=1)
    assert "keyframe_interval" not in stream


def test_text_of_a_server_is_one_bounded_line():
    [stream] = ingest_of(bitrate=1, codec="H264\n\x1b[31m" + "x" * 200)

    assert len(stream["codec"]) == 100
    assert stream["codec"].isprintable()


@pytest.mark.parametrize(
    ("packets", "frame_rate", "interval"),
    [
        ([(0.0, True), (0.5, False), (1.0, True), (1.5, False), (4.0, True)], 1.0, 3.0),
        ([(10.0, True), (10.1, False), (10.2, False)], 10.0, None),
    ],
)
def test_longest_keyframe_interval_counts(packets, frame_rate, interval):
    measurement = measure_packets(packets)

    assert measurement.frame_rate == pytest.approx(frame_rate)
    assert measurement.keyframe_interval == interval


@pytest.mark.parametrize("packets", [[], [(1.0, True)], [(1.0, True), (1.0, False)]])
def test_too_few_packets_say_nothing(packets):
    assert measure_packets(packets) is None


def test_packets_without_a_time_are_ignored():
    text = "N/A,K__\n2.0,__\n1.0,K__\n\ngarbage\n"

    assert parse_packets(text) == [(1.0, True), (2.0, False)]


@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{url}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile {file}\n",
    ],
)
def test_ffprobe_opens_no_other_file_or_connection(tmp_path, content):
    require("ffmpeg")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        film = tmp_path / "film.ts"
        encode(film)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/film.ts"
        sample = tmp_path / "sample"
        sample.write_text(content.format(url=url, file=film))
        with sample.open("rb") as stdin:
            completed = ProcessRunner().run(("ffprobe", *PROBE_COMMAND), 30, stdin=stdin)

        assert parse_packets(completed.stdout.decode()) == []
        with pytest.raises(BlockingIOError):
            server.accept()


def encode(film, *options):
    """Encode 7 seconds of a small picture."""
    subprocess.run(
        [
            *("ffmpeg", "-nostdin", "-loglevel", "error", "-f", "lavfi"),
            *("-i", "testsrc2=size=64x36:rate=10", "-t", "7", "-c:v", "libx264"),
            *("-preset", "ultrafast", "-g", "30", "-sc_threshold", "0", *options, film),
        ],
        check=True,
    )


@pytest.mark.ffmpeg
def test_ffprobe_measures_a_stream_on_its_standard_input(tmp_path):
    require("ffmpeg")
    film = tmp_path / "film.ts"
    encode(film)
    with film.open("rb") as sample:
        completed = ProcessRunner().run(("ffprobe", *PROBE_COMMAND), 30, stdin=sample)

    measurement = measure_packets(parse_packets(completed.stdout.decode()))

    assert measurement.frame_rate == pytest.approx(10)
    assert measurement.keyframe_interval == pytest.approx(3)


def test_unexpected_error_is_logged_once_and_ends_no_measurement(monkeypatch, caplog):
    def fail(*arguments):
        raise RuntimeError("of a library")

    monkeypatch.setattr(VideoMeasurer, "_load_sample", fail)
    checker = SimpleNamespace(subject="hall hls", stream="hls")
    recorded = []
    states = SimpleNamespace(record_measurement=lambda *values: recorded.append(values))
    measurer = VideoMeasurer([checker], states, threading.Event())

    for _ in range(2):
        measurer._measure(checker)

    [line] = caplog.messages
    assert line.startswith("hall hls: cannot be measured: the agent has an internal error at line ")
    assert recorded == [("hls", None)] * 2
