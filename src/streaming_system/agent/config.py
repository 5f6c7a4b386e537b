"""agent.ini, checked: a mistake is one line that says where it is, and what is allowed."""

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streaming_system.agent.config_section import AgentConfigError, ConfigSection

__all__ = [
    "AccessLogConfig",
    "AgentConfig",
    "AgentConfigError",
    "ConfigSection",
    "SourceConfig",
    "StreamConfig",
    "load_agent_config",
]

ROOM_PATTERN = re.compile(r"[A-Za-z0-9_]{1,64}")
NAME_PATTERN = re.compile(r"[A-Za-z0-9:][A-Za-z0-9._:-]{0,63}")
# As the tracker's API has them.
FORMATS = (
    "hls", "dash", "webm", "ogg", "opus", "mp3", "aac", "mp4", "flv", "ts", "whep", "rtmp",
    "slides",
)  # fmt: skip
MAX_BITRATE = 10**13

# Sections that other parts of the agent read by themselves.
OTHER_SECTIONS = ("logs", "preview", "watch")


@dataclass(frozen=True, kw_only=True)
class StreamConfig:
    """What one mount of a server is to viewers.

    :param mount: as the server calls it, such as ``/hall.webm`` or ``live/hall``.
    :param quality: "" where the room has only one.
    :param bitrate: of the stream, in bit/s, where the operator has said it.
    """

    mount: str
    room: str
    format: str
    quality: str = ""
    bitrate: int | None = None

    @property
    def name(self) -> str:
        """The stream as the tracker calls it, such as ``webm_high``."""
        return f"{self.format}_{self.quality}" if self.quality else self.format


@dataclass(frozen=True, kw_only=True)
class AccessLogConfig:
    """Where the viewers of streams are seen that are fetched in pieces.

    :param path: what the addresses of a mount begin with; ``{mount}`` is the mount's last part.
    :param window: who has asked within so many seconds is a viewer.
    """

    file: Path
    path: str
    window: float


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """A streaming server that figures are read from.

    :param use: the name of the kind of source.
    :param options: the section's keys that only this kind knows.
    """

    name: str
    use: str
    streams: tuple[StreamConfig, ...]
    access: AccessLogConfig | None
    options: ConfigSection


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """What an agent is told.

    :param trackers: their addresses, such as ``https://live.example.org/tracker``.
    :param token: for the JSON API; "" if there is none.
    :param secret: for the old protocol, and for access logs; "" if there is none.
    :param url: where viewers find the streams; ``{room}`` in it stands for the room's id.
    :param interval: seconds between two looks at the servers.
    :param capacity: of the link, in bit/s.
    :param status: where the agent tells how it is: host and port; ``None``: nowhere.
    :param state: the folder for what must survive a restart.
    :param sections: those of other parts, by name: ``logs``, ``preview``, ``watch``,
        ``watch:NAME``.
    """

    file: Path
    trackers: tuple[str, ...]
    token: str = field(repr=False)
    secret: str = field(repr=False)
    name: str
    url: str
    interval: float
    capacity: int | None
    region: str
    tags: tuple[str, ...]
    status: tuple[str, int] | None
    state: Path
    plugins: Path | None
    sources: tuple[SourceConfig, ...]
    sections: Mapping[str, ConfigSection]

    def section(self, name: str) -> ConfigSection:
        """Return a section of another part; an empty one if it is not there."""
        return self.sections.get(name) or ConfigSection(self.file, name, {})

    def refuse(self, key: str, value: str, allowed: str) -> AgentConfigError:
        """Return the error of a key of ``[agent]``, to be raised."""
        return ConfigSection(self.file, "agent", {}).error(key, value, allowed)


def load_agent_config(file: Path) -> AgentConfig:
    """Return what an agent.ini says.

    :raises ConfigError: with one line, if it cannot be read or something in it is not allowed.
    """
    parser = configparser.RawConfigParser(
        inline_comment_prefixes=(";",), default_section="", interpolation=None, delimiters=("=",)
    )
    # Names of mounts and files have capitals.
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(file.read_text(encoding="utf-8"), source=file.name)
    except OSError as error:
        raise AgentConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise AgentConfigError(f"{file}: is not in UTF-8") from None
    except configparser.Error as error:
        raise AgentConfigError(f"{file.name}: {' '.join(str(error).split())}") from None
    sections = {name: ConfigSection(file, name, dict(parser[name])) for name in parser.sections()}
    if "agent" not in sections:
        raise AgentConfigError(f"{file.name}: has no section [agent]")
    for name in sections:
        kind, colon, rest = name.partition(":")
        good = (
            kind in ("source", "watch") and NAME_PATTERN.fullmatch(rest)
            if colon
            else name in OTHER_SECTIONS
        )
        if not good and name != "agent":
            raise AgentConfigError(
                f"{file.name}: [{name}]: is no section; allowed: [agent], [source:NAME], "
                "[logs], [preview], [watch], [watch:NAME]"
            )
    return _parse_agent(file, sections)


def _parse_agent(file: Path, sections: Mapping[str, ConfigSection]) -> AgentConfig:
    section = sections["agent"]
    agent = AgentConfig(
        file=file,
        trackers=_parse_trackers(section),
        token=section.secret("token"),
        secret=section.secret("secret"),
        name=section.pattern("name", NAME_PATTERN, "1 to 64 of A-Z a-z 0-9 . _ : -"),
        url=_parse_url(section),
        interval=section.number("interval", 10, least=1, most=30),
        capacity=section.bits("capacity"),
        region=section.pattern("region", NAME_PATTERN, "1 to 64 of A-Z a-z 0-9 . _ : -", ""),
        tags=_parse_tags(section),
        status=section.loopback("status", ("127.0.0.1", 9180)),
        state=section.path("state") or Path("/var/lib/streaming-agent"),
        plugins=section.path("plugins"),
        sources=tuple(
            _parse_source(s) for name, s in sections.items() if name.startswith("source:")
        ),
        sections={
            name: s
            for name, s in sections.items()
            if name != "agent" and not name.startswith("source:")
        },
    )
    section.finish()
    return agent


def _parse_trackers(section: ConfigSection) -> tuple[str, ...]:
    trackers = tuple(section.http(line, "trackers") for line in section.lines("trackers"))
    if not trackers:
        raise section.error("trackers", "", "addresses of trackers, one a line")
    section.distinct("trackers", trackers, "tracker")
    return trackers


def _parse_url(section: ConfigSection) -> str:
    url = section.text("url", "")
    if url:
        # What stands for the room is no part of any address yet.
        section.http(url.replace("{room}", "room"), "url")
    return url


def _parse_tags(section: ConfigSection) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(section.text("tags", "").replace(",", " ").split()))
    for tag in tags:
        if not NAME_PATTERN.fullmatch(tag):
            raise section.error("tags", tag, "words of A-Z a-z 0-9 . _ : -")
    if len(tags) > 16:
        raise section.error("tags", f"{len(tags)} words", "16 at most")
    return tags


def _parse_source(section: ConfigSection) -> SourceConfig:
    streams = tuple(_parse_stream(section, line) for line in section.lines("streams"))
    if not streams:
        raise section.error("streams", "", "MOUNT = ROOM STREAM, one a line")
    section.distinct("streams", [stream.mount for stream in streams], "mount")
    return SourceConfig(
        name=section.name.removeprefix("source:"),
        use=section.text("use"),
        streams=streams,
        access=_parse_access_log(section),
        options=section,
    )


def _parse_stream(section: ConfigSection, line: str) -> StreamConfig:
    allowed = "MOUNT = ROOM STREAM, and perhaps the stream's bit/s, such as 2500k"
    # A mount may have a "=" of its own, a room may not.
    mount, equals, rest = line.rpartition("=")
    words = rest.split()
    if not equals or not mount.strip() or not 2 <= len(words) <= 3:
        raise section.error("streams", line, allowed)
    room, stream, *more = words
    if not ROOM_PATTERN.fullmatch(room):
        raise section.error("streams", line, f"{allowed}; a room's id is made of A-Z a-z 0-9 _")
    format_, _, quality = stream.partition("_")
    if format_ not in FORMATS or ("_" in stream and not NAME_PATTERN.fullmatch(quality)):
        formats = ", ".join(FORMATS)
        raise section.error(
            "streams", line, f"a STREAM is a format, and perhaps _QUALITY; formats: {formats}"
        )
    return StreamConfig(
        mount=mount.strip(),
        room=room,
        format=format_,
        quality=quality,
        bitrate=section.as_bits("streams", more[0]) if more else None,
    )


def _parse_access_log(section: ConfigSection) -> AccessLogConfig | None:
    file = section.path("access.log")
    path = section.text("access.path", "/{mount}")
    window = section.number("access.window", 30, least=2, most=600)
    if not path.startswith("/") or "{mount}" not in path:
        raise section.error("access.path", path, "a path with {mount}, such as /hls/{mount}")
    return AccessLogConfig(file=file, path=path, window=window) if file else None
