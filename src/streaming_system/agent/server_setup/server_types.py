"""The types of streaming servers that `agent generate` configures."""

from collections.abc import Mapping
from dataclasses import dataclass

# Options of ffmpeg for each stream, between the input and the URL. Icecast starts a new player at a
# cluster, and a browser can only decode from a keyframe: with these limits, each cluster begins
# with one. Several threads of libvpx wait for each other in busy loops, which costs fifteen times
# as much on a busy machine.
_WEBM = (
    "-c:v libvpx -threads 1 -deadline realtime -cpu-used 8 -pix_fmt yuv420p {video} -g 25",
    "-c:a libopus {audio}",
    "-f webm -cluster_size_limit 8M -cluster_time_limit 10000 -content_type video/webm",
)
ENCODER_OPTIONS = {
    "webm_high": tuple(line.format(video="-b:v 1200k", audio="-b:a 64k") for line in _WEBM),
    "webm_low": tuple(
        line.format(video="-vf scale=-2:360 -b:v 400k", audio="-b:a 48k") for line in _WEBM
    ),
    "ogg": ("-vn -c:a libopus -b:a 96k -f ogg -content_type audio/ogg",),
    "mp3": ("-vn -c:a libmp3lame -b:a 128k -f mp3 -content_type audio/mpeg",),
    "hls": (
        "-c:v libx264 -preset veryfast -pix_fmt yuv420p -g 50",
        "-b:v 2500k -maxrate 2500k -bufsize 5000k",
        "-c:a aac -b:a 128k -ar 48000 -f flv",
    ),
}
# Bitrates of these streams, for servers that do not measure them.
BITRATES = {"webm_high": "1264k", "webm_low": "448k", "ogg": "96k", "mp3": "128k", "hls": "2628k"}


@dataclass(frozen=True, kw_only=True)
class ServerType:
    """A streaming server, and how its streams are named.

    :param source: the type of source in agent.ini.
    :param config_file: the name of its configuration, and of the template.
    :param path: of a room's streams below the server's URL; ``{room}`` is the room's id.
    :param mount: the server's name of a stream; ``{file}`` is its conventional file.
    :param publish_url: where ffmpeg sends a stream.
    :param start_command: starts it; ``{folder}`` has its files.
    :param has_state: whether it writes below the folder.
    :param ports: the usual ones: of viewers (``http``), encoders (``rtmp``) and statistics
        (``stats``).
    :param stats_path: the path of the statistics.
    :param streams: the streams that it can have; the first one is the default.
    :param playlist: the fixed name of its HLS playlists; "" if the configuration decides.
    :param other_files: further templates: units and the like.
    """

    name: str
    source: str
    config_file: str
    path: str
    mount: str
    publish_url: str
    start_command: str
    ports: Mapping[str, int]
    stats_path: str = ""
    streams: tuple[str, ...] = ("hls",)
    playlist: str = ""
    other_files: tuple[str, ...] = ()
    has_state: bool = False


SERVER_TYPES = {
    server.name: server
    for server in (
        ServerType(
            name="icecast",
            source="icecast",
            config_file="icecast.xml",
            start_command="icecast2 -c {folder}/icecast.xml",
            path="{room}/",
            mount="/{room}/{file}",
            publish_url="icecast://source:{password}@{host}:{port}{mount}",
            ports={"http": 8000},
            streams=("webm_high", "webm_low", "ogg", "mp3"),
            other_files=("units/streaming-icecast.service",),
        ),
        ServerType(
            name="nginx-rtmp",
            source="nginx_rtmp",
            config_file="nginx.conf",
            start_command="/usr/sbin/nginx -c {folder}/nginx.conf",
            has_state=True,
            path="hls/{room}/",
            mount="live/{room}",
            publish_url="rtmp://{host}:{port}/{mount}",
            ports={"http": 80, "rtmp": 1935, "stats": 8081},
            stats_path="stat",
            other_files=("units/streaming-nginx.service", "logrotate.conf"),
        ),
        ServerType(
            name="mediamtx",
            source="mediamtx",
            config_file="mediamtx.yml",
            start_command="mediamtx {folder}/mediamtx.yml",
            path="{room}/",
            mount="{room}",
            publish_url="rtmp://{host}:{port}/{mount}?user=source&pass={password}",
            ports={"http": 8888, "rtmp": 1935, "stats": 9997},
            playlist="index.m3u8",
        ),
        ServerType(
            name="srs",
            source="srs",
            config_file="srs.conf",
            start_command="srs -c {folder}/srs.conf",
            has_state=True,
            path="live/{room}/",
            mount="live/{room}",
            publish_url="rtmp://{host}:{port}/{mount}",
            ports={"http": 8080, "rtmp": 1935, "stats": 1985},
        ),
        ServerType(
            name="ovenmediaengine",
            source="ovenmediaengine",
            config_file="Server.xml",
            start_command="OvenMediaEngine -c {folder}",
            path="live/{room}/",
            mount="live/{room}",
            publish_url="rtmp://{host}:{port}/{mount}",
            ports={"http": 3333, "rtmp": 1935, "stats": 8081},
            playlist="llhls.m3u8",
        ),
    )
}
