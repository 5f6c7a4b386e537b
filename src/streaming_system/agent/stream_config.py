"""The streams of a source in agent.ini: mounts, and what they are for viewers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from streaming_system.agent.config_section import ConfigSection
from streaming_system.agent.stream_files import (
    LOW_QUALITIES,
    VIDEO_FILES,
    mount_file,
    stream_url,
)
from streaming_system.util.validation import RelativeUrl

ROOM_PATTERN = re.compile(r"[A-Za-z0-9_]{1,64}")
NAME_PATTERN = re.compile(r"[A-Za-z0-9:][A-Za-z0-9._:-]{0,63}")
NAME_FORMAT = "1 to 64 of A-Z a-z 0-9 . _ : -"
# The formats of the tracker's API.
FORMATS = (
    "hls", "dash", "webm", "ogg", "opus", "mp3", "aac", "mp4", "flv", "ts", "whep", "rtmp",
    "slides",
)  # fmt: skip
FILE_PATTERN = re.compile(r"\sfile=(?P<path>\S*)$")
# Types of servers whose mounts are the paths of their URLs.
MOUNT_PATH_TYPES = ("icecast",)


@dataclass(frozen=True, kw_only=True)
class StreamConfig:
    """A mount of a server, and the stream that it is for viewers.

    :param mount: the server's name, such as ``/hall.webm`` or ``live/hall``.
    :param quality: "" if the room has only one.
    :param bitrate: in bit/s, if agent.ini has it.
    :param endpoint: the endpoint of the room that serves it.
    :param base_url: of the endpoint, for the room; "" if the tracker's configuration decides.
    :param file: path of the stream below the base URL; "" if that is the conventional one.
    """

    mount: str
    room: str
    format: str
    quality: str = ""
    bitrate: int | None = None
    endpoint: str = ""
    base_url: str = ""
    file: str = ""

    @property
    def url(self) -> str | None:
        """Where viewers play it; ``None`` if that is unknown, or if HTTP cannot play the format."""
        if not self.base_url:
            return None
        return stream_url(
            self.base_url.replace("{room}", self.room),
            self.format,
            self.quality,
            self.file.replace("{room}", self.room),
        )

    @property
    def name(self) -> str:
        """The tracker's name of the stream, such as ``webm_high``."""
        return f"{self.format}_{self.quality}" if self.quality else self.format

    @property
    def file_key(self) -> str:
        """The name under which the tracker has its file: a format, or one with its quality."""
        if self.quality in LOW_QUALITIES and f"{self.format}_low" in VIDEO_FILES:
            return f"{self.format}_low"
        return self.name if self.name in VIDEO_FILES else self.format


def reported_files(streams: Iterable[StreamConfig]) -> dict[str, str]:
    """Return the files of an endpoint's streams that are not the conventional ones, by stream.

    Players have one stream of each format in low and one in high quality: the first one, or that
    with the quality ``high``.
    """
    chosen: dict[tuple[str, bool], StreamConfig] = {}
    for stream in sorted(streams, key=lambda stream: stream.quality != "high"):
        chosen.setdefault((stream.format, stream.file_key.endswith("_low")), stream)
    return {stream.file_key: stream.file for stream in chosen.values() if stream.file}


def parse_stream(
    section: ConfigSection, line: str, *, base_url: str, hls_playlist: str, use: str
) -> StreamConfig:
    """Return the stream of a line of the key ``streams``.

    :param base_url: of the endpoint, with ``{room}`` for the room's id.
    :param hls_playlist: the configured path of HLS playlists, or "".
    :param use: the type of the source.
    :raises AgentConfigError: if the line is invalid.
    """
    allowed = (
        "MOUNT = ROOM STREAM, and perhaps the stream's bit/s, such as 2500k, and file=PATH, its "
        "path below the base URL"
    )
    definition, file = _split_file(section, line)
    # The name of a mount may contain "=", a room's id cannot.
    mount, equals, rest = definition.rpartition("=")
    words = rest.split()
    if not equals or not mount.strip() or not 2 <= len(words) <= 3:
        raise section.error("streams", line, allowed)
    room, stream, *bitrate = words
    if not ROOM_PATTERN.fullmatch(room):
        raise section.error("streams", line, f"{allowed}; a room's id is made of A-Z a-z 0-9 _")
    format_, _, quality = stream.partition("_")
    if format_ not in FORMATS or ("_" in stream and not NAME_PATTERN.fullmatch(quality)):
        formats = ", ".join(FORMATS)
        raise section.error(
            "streams", line, f"a STREAM is a format, and perhaps _QUALITY; formats: {formats}"
        )
    stream_config = StreamConfig(
        mount=mount.strip(),
        room=room,
        format=format_,
        quality=quality,
        bitrate=section.parse_bitrate("streams", bitrate[0]) if bitrate else None,
        base_url=base_url,
        file=file,
    )
    if file:
        return stream_config
    if format_ == "hls" and hls_playlist:
        return replace(stream_config, file=hls_playlist)
    if use in MOUNT_PATH_TYPES:
        room_url = base_url.replace("{room}", room)
        return replace(stream_config, file=mount_file(room_url, mount.strip(), format_, quality))
    return stream_config


def _split_file(section: ConfigSection, line: str) -> tuple[str, str]:
    """Return a line without ``file=PATH`` at its end, and the path; "" without one."""
    match = FILE_PATTERN.search(line)
    if not match:
        return line, ""
    file: str = section.parse_value("streams", RelativeUrl(), match["path"])
    return line[: match.start()], file
