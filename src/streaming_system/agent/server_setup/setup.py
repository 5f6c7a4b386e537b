"""What the configuration of a streaming server depends on."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from streaming_system.agent.server_setup.errors import ServerSetupError
from streaming_system.agent.server_setup.passwords import Passwords
from streaming_system.agent.server_setup.server_types import ServerType
from streaming_system.agent.stream_config import NAME_FORMAT, NAME_PATTERN
from streaming_system.agent.stream_files import (
    DEFAULT_HLS_PLAYLIST,
    conventional_file,
    stream_url,
)
from streaming_system.util.validation import Host, InvalidValueError, Url, is_host

AGENT_PORT = 9180
LOOPBACK = "127.0.0.1"
# Names of playlists that need no escape in the configurations.
_PLAYLIST_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,60}\.m3u8")
_FOLDER_PATTERN = re.compile(r"/[A-Za-z0-9._/+-]*")


@dataclass(frozen=True, kw_only=True)
class Mount:
    """A stream of a room: the server's name for it, and the tracker's."""

    path: str
    room: str
    stream: str


@dataclass(frozen=True, kw_only=True)
class ServerSetup:
    """A streaming server and its agent.

    :param folder: the absolute path of all files.
    :param url: where viewers reach the server, without a final slash.
    :param playlist: the file name of HLS playlists.
    :param reported_playlist: that name if the agent has to report it.
    :param publishers: addresses and networks of encoders.
    :param certificate: the folder of the certificate.
    :param program: the path of `streaming-system`.
    """

    type: ServerType
    folder: Path
    url: str
    tracker: str
    name: str
    rooms: tuple[str, ...]
    streams: tuple[str, ...]
    playlist: str
    reported_playlist: str
    publishers: tuple[str, ...]
    ports: Mapping[str, int]
    certificate: Path
    program: Path
    passwords: Passwords
    is_tls: bool

    @property
    def host(self) -> str:
        """The host of viewers' URLs; an IPv6 address is in brackets."""
        host = urlsplit(self.url).hostname or ""
        return f"[{host}]" if ":" in host else host

    @property
    def base_url(self) -> str:
        """The base URL of the streams, with ``{room}`` for the room's id."""
        return f"{self.url}/{self.type.path}"

    @property
    def start_command(self) -> str:
        """The command that starts the server."""
        return self.type.start_command.format(folder=self.folder)

    @property
    def stats_url(self) -> str:
        port = self.ports.get("stats", self.ports["http"])
        return f"http://{LOOPBACK}:{port}/{self.type.stats_path}"

    @property
    def is_local(self) -> bool:
        """Whether only this machine plays the streams."""
        return _is_loopback(self.host)

    @property
    def is_local_publisher(self) -> bool:
        """Whether only this machine sends streams."""
        return all(map(_is_loopback, self.publishers))

    @property
    def mounts(self) -> tuple[Mount, ...]:
        return tuple(
            Mount(path=self._mount_path(room, stream), room=room, stream=stream)
            for room in self.rooms
            for stream in self.streams
        )

    def publish_url(self, mount: Mount) -> str:
        """Return where ffmpeg sends a stream."""
        return self.type.publish_url.format(
            host=LOOPBACK if self.is_local_publisher else self.host,
            port=self.ports.get("rtmp", self.ports["http"]),
            mount=mount.path,
            password=self.passwords.rooms[mount.room],
        )

    def viewer_url(self, mount: Mount) -> str:
        """Return where viewers play a stream."""
        format_, _, quality = mount.stream.partition("_")
        file = self.playlist if format_ == "hls" else ""
        base_url = self.base_url.replace("{room}", mount.room)
        return stream_url(base_url, format_, quality, file) or base_url

    def _mount_path(self, room: str, stream: str) -> str:
        format_, _, quality = stream.partition("_")
        return self.type.mount.format(room=room, file=conventional_file(format_, quality))


def create_setup(
    server: ServerType,
    *,
    folder: Path,
    url: str,
    tracker: str,
    name: str,
    rooms: Iterable[str],
    streams: Iterable[str],
    site_playlist: str,
    publishers: Iterable[str],
    ports: Mapping[str, int],
    certificate: Path | None,
    program: Path,
    passwords: Passwords,
) -> ServerSetup:
    """Return a validated setup; empty values have defaults.

    :param site_playlist: ``hls-playlist`` of the tracker's configuration.
    :raises ServerSetupError: if a value is invalid.
    """
    for option, path in (("--to", folder), ("--certificate", certificate)):
        if path and not _FOLDER_PATTERN.fullmatch(str(path)):
            raise ServerSetupError(
                f"{option}: is {str(path)!r:.80}; allowed: A-Z a-z 0-9 . _ + - /"
            )
    if not NAME_PATTERN.fullmatch(name):
        raise ServerSetupError(f"--name: is {name!r:.80}; allowed: {NAME_FORMAT}")
    used_ports = _choose_ports(server, url, ports)
    url = _parse_url("--url", url or f"http://{LOOPBACK}:{used_ports['http']}").removesuffix(":80")
    playlist = server.playlist or (
        site_playlist if _PLAYLIST_PATTERN.fullmatch(site_playlist) else DEFAULT_HLS_PLAYLIST
    )
    has_hls = "hls" in server.streams
    # The agent does not know the configuration of the site.
    is_usual = playlist == site_playlist == DEFAULT_HLS_PLAYLIST
    host = urlsplit(url).hostname or ""
    return ServerSetup(
        type=server,
        folder=folder,
        url=url,
        tracker=_parse_url("--tracker", tracker),
        name=name,
        rooms=tuple(rooms),
        streams=_choose_streams(server, streams),
        playlist=playlist,
        reported_playlist=playlist if has_hls and not is_usual else "",
        publishers=_parse_publishers(publishers),
        ports=used_ports,
        certificate=certificate or Path("/etc/letsencrypt/live", host),
        program=program,
        passwords=passwords,
        is_tls=_terminates_tls(server, url, ports),
    )


def _choose_ports(server: ServerType, url: str, ports: Mapping[str, int]) -> dict[str, int]:
    usual: dict[str, int] = {**server.ports, "agent": AGENT_PORT}
    for port in ports:
        if port not in usual:
            raise ServerSetupError(
                f"--port {port}: {server.name} has none; allowed: {', '.join(usual)}"
            )
    parts = urlsplit(_parse_url("--url", url)) if url else None
    if parts and parts.port:
        usual["http"] = parts.port
    elif parts and parts.scheme == "https" and server.name == "nginx-rtmp":
        usual["http"] = 443
    chosen = {**usual, **ports}
    if len(set(chosen.values())) < len(chosen):
        raise ServerSetupError(
            "--port: two are the same: "
            + ", ".join(f"{port}={number}" for port, number in chosen.items())
        )
    return chosen


def _terminates_tls(server: ServerType, url: str, ports: Mapping[str, int]) -> bool:
    """Return whether the server itself has the certificate, not a proxy in front of it."""
    parts = urlsplit(url)
    is_usual = bool(parts.port) or server.name == "nginx-rtmp"
    has_tls = server.name in ("nginx-rtmp", "mediamtx", "ovenmediaengine")
    return parts.scheme == "https" and has_tls and is_usual and "http" not in ports


def _choose_streams(server: ServerType, streams: Iterable[str]) -> tuple[str, ...]:
    for stream in streams:
        if stream not in server.streams:
            raise ServerSetupError(
                f"--stream: is {stream!r:.80}; allowed for {server.name}: "
                f"{', '.join(server.streams)}"
            )
    return tuple(dict.fromkeys(streams)) or server.streams[:1]


def _parse_url(option: str, url: str) -> str:
    try:
        parsed: str = Url(base_only=True).parse(url)
        if not is_host(urlsplit(parsed).hostname or ""):
            raise InvalidValueError(Host().allowed)
    except InvalidValueError as error:
        raise ServerSetupError(f"{option}: is {url!r:.80}; allowed: {error.allowed}") from None
    return parsed


def _parse_publishers(publishers: Iterable[str]) -> tuple[str, ...]:
    parsed = []
    for publisher in publishers:
        try:
            network = ipaddress.ip_network(publisher)
        except ValueError:
            raise ServerSetupError(
                f"--publisher: is {publisher!r:.80}; allowed: an IP address, or a network such as "
                "192.0.2.0/24"
            ) from None
        parsed.append(str(network if network.num_addresses > 1 else network.network_address))
    return tuple(dict.fromkeys(parsed)) or (LOOPBACK,)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_network(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
