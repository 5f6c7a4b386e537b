"""Loads and validates agent.ini."""

import configparser
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from streaming_system.agent.config_section import AgentConfigError, ConfigSection
from streaming_system.agent.stream_config import (
    FORMATS,
    NAME_FORMAT,
    NAME_PATTERN,
    ROOM_PATTERN,
    StreamConfig,
    parse_stream,
)
from streaming_system.util.validation import RelativeUrl

__all__ = [
    "FORMATS",
    "ROOM_PATTERN",
    "AccessLogConfig",
    "AgentConfig",
    "AgentConfigError",
    "ConfigSection",
    "SourceConfig",
    "StreamConfig",
    "load_agent_config",
]

MAX_TAGS = 16

DEFAULT_STATUS_ADDRESS = ("127.0.0.1", 9180)
DEFAULT_STATE_DIR = Path("/var/lib/streaming-agent")

# Sections of other services of the agent, which parse them.
OTHER_SECTIONS = ("logs", "preview", "watch")


@dataclass(frozen=True, kw_only=True)
class AccessLogConfig:
    """The access log in which the viewers of segmented streams are counted.

    :param path: path prefix of a mount; ``{mount}`` is the last part of the mount's name.
    :param window: seconds for which a request counts as a viewer.
    """

    file: Path
    path: str
    window: float


@dataclass(frozen=True, kw_only=True)
class SourceConfig:
    """A streaming server whose stats are polled.

    :param use: the source type.
    :param slates: the mount of the slate that replaces a stream whose input is lost, by mount.
    :param options: the section, with the keys of the source type.
    """

    name: str
    use: str
    streams: tuple[StreamConfig, ...]
    access_log: AccessLogConfig | None
    slates: Mapping[str, str]
    options: ConfigSection


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """The contents of agent.ini.

    :param trackers: URLs, such as ``https://live.example.org/tracker``.
    :param token: for the JSON API; "" if there is none.
    :param secret: for the legacy protocol and for access logs; "" if there is none.
    :param url: base URL of the streams; ``{room}`` in it stands for the room's id.
    :param checks_streams: whether a stream is registered only while it plays at its URL.
    :param measures_video: whether frame rates and keyframe intervals are measured.
    :param interval: polling interval in seconds.
    :param capacity: of the link, in bit/s.
    :param status: address of the status server; ``None`` disables it.
    :param state: folder for state that survives a restart.
    :param sections: those of other services, by name: ``logs``, ``preview``, ``watch``,
        ``watch:NAME``.
    """

    file: Path
    trackers: tuple[str, ...]
    token: str = field(repr=False)
    secret: str = field(repr=False)
    name: str
    url: str
    checks_streams: bool
    measures_video: bool
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
        """Return the section of another service; an empty one if agent.ini does not have it."""
        return self.sections.get(name) or ConfigSection(self.file, name, {})

    def error(self, key: str, value: str, allowed: str) -> AgentConfigError:
        """Return an error about a key of ``[agent]``."""
        return ConfigSection(self.file, "agent", {}).error(key, value, allowed)


def load_agent_config(file: Path) -> AgentConfig:
    """Load an agent.ini.

    :raises AgentConfigError: with one line, if it cannot be read or is invalid.
    """
    parser = configparser.RawConfigParser(
        inline_comment_prefixes=(";",), default_section="", interpolation=None, delimiters=("=",)
    )
    # Names of mounts and files are case-sensitive.
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
        if not _is_section_name(name):
            raise AgentConfigError(
                f"{file.name}: [{name}]: is no section; allowed: [agent], [source:NAME], "
                "[logs], [preview], [watch], [watch:NAME]"
            )
    return _parse_agent(file, sections)


def _is_section_name(name: str) -> bool:
    kind, colon, rest = name.partition(":")
    if colon:
        return kind in ("source", "watch") and NAME_PATTERN.fullmatch(rest) is not None
    return name == "agent" or name in OTHER_SECTIONS


def _parse_agent(file: Path, sections: Mapping[str, ConfigSection]) -> AgentConfig:
    section = sections["agent"]
    agent = AgentConfig(
        file=file,
        trackers=_parse_trackers(section),
        token=section.secret("token"),
        secret=section.secret("secret"),
        name=section.pattern("name", NAME_PATTERN, NAME_FORMAT),
        url=_parse_url(section, "url"),
        checks_streams=section.flag("check", True),
        measures_video=section.flag("measure", True),
        interval=section.number("interval", 10, minimum=1, maximum=30),
        capacity=section.bitrate("capacity"),
        region=section.pattern("region", NAME_PATTERN, NAME_FORMAT, ""),
        tags=_parse_tags(section),
        status=section.loopback_address("status", DEFAULT_STATUS_ADDRESS),
        state=section.path("state") or DEFAULT_STATE_DIR,
        plugins=section.path("plugins"),
        sources=tuple(
            _parse_source(s, section) for name, s in sections.items() if _is_source(name)
        ),
        sections={
            name: s for name, s in sections.items() if name != "agent" and not _is_source(name)
        },
    )
    section.reject_unknown_keys()
    return agent


def _is_source(section_name: str) -> bool:
    return section_name.startswith("source:")


def _parse_trackers(section: ConfigSection) -> tuple[str, ...]:
    trackers = tuple(section.base_url("trackers", line) for line in section.lines("trackers"))
    if not trackers:
        raise section.error("trackers", "", "addresses of trackers, one a line")
    section.require_unique("trackers", trackers, "tracker")
    return trackers


def _parse_url(section: ConfigSection, key: str) -> str:
    url = section.text(key, "")
    if url:
        # Braces are not allowed in URLs.
        section.base_url(key, url.replace("{room}", "room"))
    return url


def _parse_hls_playlist(section: ConfigSection) -> str:
    path = section.text("hls.playlist", "")
    if path and not (RelativeUrl().is_valid(path) and path.partition("?")[0].endswith(".m3u8")):
        allowed = "a path below the base URL that ends in .m3u8, such as {room}/stream.m3u8"
        raise section.error("hls.playlist", path, allowed)
    return path


def _parse_tags(section: ConfigSection) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(section.text("tags", "").replace(",", " ").split()))
    for tag in tags:
        if not NAME_PATTERN.fullmatch(tag):
            raise section.error("tags", tag, "words of A-Z a-z 0-9 . _ : -")
    if len(tags) > MAX_TAGS:
        raise section.error("tags", f"{len(tags)} words", f"{MAX_TAGS} at most")
    return tags


def _parse_source(section: ConfigSection, agent: ConfigSection) -> SourceConfig:
    name = section.name.removeprefix("source:")
    url = _parse_url(section, "streams.url")
    # The streams of an endpoint have one base URL, so another URL is another endpoint.
    endpoint = f"{agent.text('name')}-{name}" if url else agent.text("name")
    if not NAME_PATTERN.fullmatch(endpoint):
        raise section.error("streams.url", url, f"a section whose name with {endpoint} is shorter")
    use = section.text("use")
    base_url = url or agent.text("url", "")
    default_playlist = _parse_hls_playlist(agent)
    playlist = _parse_hls_playlist(section) or default_playlist
    streams = tuple(
        replace(
            parse_stream(section, line, base_url=base_url, hls_playlist=playlist, use=use),
            endpoint=endpoint,
        )
        for line in section.lines("streams")
    )
    if not streams:
        raise section.error("streams", "", "MOUNT = ROOM STREAM, one a line")
    section.require_unique("streams", [stream.mount for stream in streams], "mount")
    return SourceConfig(
        name=name,
        use=use,
        streams=streams,
        access_log=_parse_access_log(section),
        slates=_parse_slates(section, {stream.mount for stream in streams}),
        options=section,
    )


def _parse_slates(section: ConfigSection, mounts: Collection[str]) -> Mapping[str, str]:
    slates: list[tuple[str, str]] = []
    for line in section.lines("slate"):
        mount, _, slate = (part.strip() for part in line.partition(" = "))
        if mount not in mounts or not slate or slate in mounts:
            allowed = "MOUNT = SLATE, a mount of streams and one that is not in streams"
            raise section.error("slate", line, allowed)
        slates.append((mount, slate))
    section.require_unique("slate", [mount for mount, _ in slates], "mount")
    return dict(slates)


def _parse_access_log(section: ConfigSection) -> AccessLogConfig | None:
    file = section.path("access.log")
    path = section.text("access.path", "/{mount}")
    window = section.number("access.window", 30, minimum=2, maximum=600)
    if not path.startswith("/") or "{mount}" not in path:
        raise section.error("access.path", path, "a path with {mount}, such as /hls/{mount}")
    return AccessLogConfig(file=file, path=path, window=window) if file else None
