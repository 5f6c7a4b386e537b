"""What a site needs before it can start: valid files, and an address that is free."""

import contextlib
import socket
from pathlib import Path

import click

from streaming_system.cli.common import print_findings
from streaming_system.cli.site_check import check_site
from streaming_system.config import ConferenceConfig

MAX_PORT = 65535


def require_working_site(ini: Path) -> ConferenceConfig:
    """Check the ini file and the configuration for both apps; print errors and warnings.

    :raises Exit: if there are errors.
    """
    result = check_site(ini)
    print_findings(result.findings)
    if result.has_errors or result.conference is None:
        raise click.exceptions.Exit(1)
    # The web framework slows down the start, so other commands do not import it.
    from streaming_system.web.pserve import find_problem

    if problem := find_problem(["pserve", str(ini)]):
        raise click.ClickException(problem)
    return result.conference


def parse_listen_address(text: str) -> tuple[str, int]:
    """Return host and port of an address; fail for any other text."""
    host, _, port = text.rpartition(":")
    is_port = port.isascii() and port.isdigit() and 1 <= int(port) <= MAX_PORT
    host = host.removeprefix("[").removesuffix("]")
    if not host or not is_port or any(character.isspace() for character in host):
        raise click.ClickException(
            f"{text!r} is no address to listen at; allowed: HOST:PORT, such as 127.0.0.1:8000"
        )
    return host, int(port)


def require_free_address(host: str, port: int) -> None:
    """Fail if no server can listen at an address."""
    with contextlib.ExitStack() as stack:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                None if host == "*" else host,
                port,
                type=socket.SOCK_STREAM,
                flags=socket.AI_PASSIVE,
            )[0]
            probe = stack.enter_context(socket.socket(family, kind, protocol))
            # A server that has just ended does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
        except OSError as error:
            raise click.ClickException(
                f"{host}:{port} cannot be used: {error.strerror}; "
                "choose another address with --listen HOST:PORT"
            ) from None
