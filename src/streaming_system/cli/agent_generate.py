"""`streaming-system agent generate`: the configuration of a streaming server and its agent."""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from streaming_system.agent.server_setup.errors import ServerSetupError
from streaming_system.agent.server_setup.passwords import PASSWORD_FILE, load_passwords
from streaming_system.agent.server_setup.server_types import SERVER_TYPES
from streaming_system.agent.server_setup.setup import ServerSetup, create_setup
from streaming_system.agent.stream_config import NAME_PATTERN
from streaming_system.cli.common import load_config, one_line_errors
from streaming_system.config import ConferenceConfig, load_conference
from streaming_system.config.ini import load_app_settings

DEFAULT_FOLDER = Path("/srv/streaming")
PRIVATE_CONFIG = "config.private.json"
TOKEN_FILE = "agent.token"  # noqa: S105 - It is the name of a file.
MAX_TOKEN_CHARS = 1000


def _parse_ports(
    context: click.Context, parameter: click.Parameter, values: Sequence[str]
) -> dict[str, int]:
    ports = {}
    for value in values:
        name, _, number = value.partition("=")
        if not (name and number.isascii() and number.isdigit() and 0 < int(number) <= 65535):
            raise click.BadParameter(f"is {value!r:.80}; allowed: NAME=PORT, such as rtmp=1936")
        ports[name] = int(number)
    return ports


@click.command("generate")
@click.option(
    "--server",
    type=click.Choice(list(SERVER_TYPES)),
    required=True,
    help="The streaming server.",
)
@click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A config.json; config.private.json beside it overrides it.  [default: those of the ini]",
)
@click.option(
    "--to",
    "folder",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    default=DEFAULT_FOLDER,
    show_default=True,
    help="Where the files will be used; the server writes below it, too.",
)
@click.option(
    "--url",
    metavar="URL",
    default="",
    help="Where viewers reach the server.  [default: this machine only]",
)
@click.option(
    "--tracker",
    metavar="URL",
    default="http://127.0.0.1:8000/tracker",
    show_default=True,
    help="The tracker.",
)
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.File(),
    help="A file with the agent's token, or - for standard input.",
)
@click.option("--name", metavar="NAME", help="The server's name for the crew.  [default: the host]")
@click.option("--room", "rooms", metavar="ROOM", multiple=True, help="This room only; repeatable.")
@click.option(
    "--stream",
    "streams",
    metavar="STREAM",
    multiple=True,
    help="Of Icecast: webm_high (the default), webm_low, ogg, mp3; repeatable.",
)
@click.option(
    "--publisher",
    "publishers",
    metavar="ADDRESS",
    multiple=True,
    help="An address or network of encoders; repeatable.  [default: this machine]",
)
@click.option(
    "--port",
    "ports",
    metavar="NAME=PORT",
    multiple=True,
    callback=_parse_ports,
    help="Another port for http, rtmp, stats or agent; repeatable.",
)
@click.option(
    "--certificate",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    help="Of fullchain.pem and privkey.pem.  [default: /etc/letsencrypt/live/HOST]",
)
@click.option("--force", is_flag=True, help="Overwrite files; passwords stay the same.")
@click.pass_obj
def agent_generate(
    ini: Path,
    server: str,
    config_file: Path | None,
    folder: Path,
    url: str,
    tracker: str,
    token_file: Any,
    name: str | None,
    rooms: Sequence[str],
    streams: Sequence[str],
    publishers: Sequence[str],
    ports: dict[str, int],
    certificate: Path | None,
    force: bool,
) -> None:
    """Write the configuration of a streaming server and its agent, for all rooms.

    Encoders get random passwords, and only the owner can read the files.
    """
    # The template engine slows down the start, so other commands do not import it.
    from streaming_system.agent.server_setup.rendering import render_files
    from streaming_system.agent.server_setup.server_files import write_server_files

    conference = _load_conference(ini, config_file)
    rooms = _choose_rooms(conference, rooms)
    token = _read_token(token_file) if token_file else None
    folder = folder.absolute()
    server_type = SERVER_TYPES[server]
    try:
        passwords = load_passwords(folder, rooms)
        setup = create_setup(
            server_type,
            folder=folder,
            url=url,
            tracker=tracker,
            name=name or _host_name(),
            rooms=rooms,
            streams=streams,
            site_playlist=conference.site.hls_playlist,
            publishers=publishers,
            ports=ports,
            certificate=certificate and certificate.absolute(),
            program=Path(sys.executable).with_name("streaming-system"),
            passwords=passwords,
        )
        files = render_files(setup)
        files[PASSWORD_FILE] = passwords.format_json()
        if token:
            files[TOKEN_FILE] = f"{token}\n"
        write_server_files(folder, files, overwrite=force, has_state=server_type.has_state)
    except ServerSetupError as error:
        raise click.ClickException(str(error)) from None
    _print_steps(setup, file_count=len(files), has_token=(folder / TOKEN_FILE).exists())


def _load_conference(ini: Path, config_file: Path | None) -> ConferenceConfig:
    with one_line_errors():
        if config_file is None:
            return load_config(load_app_settings(ini, "frontend"))
        return load_conference(config_file, config_file.with_name(PRIVATE_CONFIG))


def _choose_rooms(conference: ConferenceConfig, rooms: Sequence[str]) -> tuple[str, ...]:
    if not conference.rooms:
        raise click.ClickException("the configuration has no rooms; name another --config")
    for room in rooms:
        if room not in conference.rooms:
            raise click.ClickException(
                f"--room: is {room!r:.80}; allowed: {', '.join(conference.rooms)}"
            )
    return tuple(dict.fromkeys(rooms)) or tuple(conference.rooms)


def _read_token(file: Any) -> str:
    try:
        token: str = file.read(MAX_TOKEN_CHARS + 1).strip()
    except UnicodeDecodeError:
        token = ""
    except OSError as error:
        raise click.ClickException(f"--token-file: cannot be read: {error.strerror}") from None
    if not token or len(token) > MAX_TOKEN_CHARS or not (token.isascii() and token.isprintable()):
        raise click.ClickException(f"--token-file: {file.name}: allowed: a file with one line")
    return token


def _host_name() -> str:
    name = socket.gethostname().partition(".")[0]
    return name if NAME_PATTERN.fullmatch(name) else "edge1"


def _print_steps(setup: ServerSetup, *, file_count: int, has_token: bool) -> None:
    folder = setup.folder
    click.echo(f"Wrote {file_count} files to {folder}.")
    if not has_token:
        click.echo(f"Token of the agent: write it to {folder / TOKEN_FILE}")
    click.echo(f"Server: {setup.start_command}")
    click.echo(f"Agent:  {setup.program} agent register -c {folder / 'agent.ini'}")
    click.echo(f"Units:  {folder / 'units'}")
    for room in setup.rooms:
        click.echo(f"Publish {room}: sh {folder / 'publish' / f'{room}.sh'} -re -i INPUT")
    for mount in setup.mounts:
        click.echo(f"Viewers of {mount.room} play {setup.viewer_url(mount)}")
