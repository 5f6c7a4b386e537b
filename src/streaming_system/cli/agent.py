"""`streaming-system agent …`: the services beside a streaming server."""

import copy
import itertools
import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streaming_system.agent import config, fake_encoder
from streaming_system.agent.legacy_tracker_client import LegacyTrackerClient
from streaming_system.cli.agent_generate import agent_generate
from streaming_system.cli.common import one_line_errors
from streaming_system.cli.demo import demo
from streaming_system.cli.signals import stop_on_signals
from streaming_system.config import EXAMPLE_SECRET, load_conference_from_settings
from streaming_system.config.ini import load_app_settings

if TYPE_CHECKING:
    from streaming_system.agent.agent_service import AgentService
    from streaming_system.agent.register import RegistrationService
    from streaming_system.agent.status_server import StatusServer

AGENT_INI = click.option(
    "-c",
    "--config",
    "agent_ini",
    metavar="INI",
    type=click.Path(path_type=Path),
    default="agent.ini",
    show_default=True,
    help="The streams of this machine, and the trackers.",
)
LEGACY = click.option(
    "--legacy", is_flag=True, help="Use the original's form protocol, with the secret."
)
# Tells the service manager that a restart is pointless.
EXIT_UNAUTHORIZED = 2


@click.group()
def agent() -> None:
    """Run a service beside a streaming server, or simulate one."""


@agent.command("register")
@AGENT_INI
@LEGACY
@click.option("--once", is_flag=True, help="Report once, print the report, and exit.")
def agent_register(agent_ini: Path, legacy: bool, once: bool) -> None:
    """Report the streams of this machine to trackers.

    Exit status 2: the trackers reject the token or the secret.
    """
    # Other commands start faster without these imports.
    from streaming_system.agent.register import RegistrationService
    from streaming_system.agent.register_metrics import RegistrationStatusServer

    _configure_logging()
    with one_line_errors():
        registration = RegistrationService(
            config.load_agent_config(agent_ini),
            legacy=legacy,
            # The service itself may run beside this command.
            has_instance=not once,
        )
    with _exit_if_unauthorized():
        if once:
            registration.run_once()
        else:
            create_status_server = partial(RegistrationStatusServer, registration)
            _run_until_stopped(
                registration, "agent", registration.agent.status, create_status_server
            )
    if once:
        _print_reports(registration)


def _print_reports(registration: "RegistrationService") -> None:
    """Print the reports; exit with status 1 if nothing streams, or anything failed."""
    reports = registration.states.snapshot().reports
    for key, report in reports.items():
        streams = ", ".join(report["formats"])
        click.echo(f"{key.room}: {streams}; {report['clients']} clients, {report['bitrate']} bit/s")
    if not reports:
        click.echo("Nothing is streamed from here: no room was registered.")
    problems = [s.problem for s in registration.states.states().values() if s.problem]
    problems += registration.stream_problems() + registration.unreachable_trackers()
    # Each problem was logged when it occurred.
    if problems or not reports or any(sender.failed for sender in registration.senders):
        sys.exit(1)


@agent.command("supervise")
@AGENT_INI
@LEGACY
@click.option("--once", is_flag=True, help="Check once, print the results, and exit.")
def agent_supervise(agent_ini: Path, legacy: bool, once: bool) -> None:
    """Check the pipeline of this machine, restart failed components, and report to trackers.

    With --once, it neither restarts nor reports.
    Exit status 2: the trackers reject the token or the secret.
    """
    from streaming_system.agent.supervisor.service import SupervisorService, run_checks_once
    from streaming_system.agent.supervisor.supervisor_metrics import SupervisorStatusServer

    _configure_logging()
    with one_line_errors():
        agent_config = config.load_agent_config(agent_ini)
        supervisor = None if once else SupervisorService(agent_config, legacy=legacy)
        results = run_checks_once(agent_config) if supervisor is None else ()
    if supervisor is None:
        failures = 0
        for name, result in results:
            click.echo(f"{name}: {result.mood}{result.detail and f': {result.detail}'}")
            failures += result.mood in ("hungry", "sad")
        sys.exit(1 if failures else 0)
    with _exit_if_unauthorized():
        create_status_server = partial(SupervisorStatusServer, supervisor)
        _run_until_stopped(supervisor, "watch", supervisor.config.status, create_status_server)


@agent.command("logs")
@AGENT_INI
@click.option("--once", is_flag=True, help="Send the current lines, and exit.")
def agent_logs(agent_ini: Path, once: bool) -> None:
    """Send access logs to trackers as they are written.

    Exit status 2: the trackers reject the secret.
    """
    from streaming_system.agent.logs.database import SpoolError
    from streaming_system.agent.logs.log_metrics import LogsStatusServer
    from streaming_system.agent.logs.service import LogShippingService

    _configure_logging()
    with one_line_errors():
        agent_config = config.load_agent_config(agent_ini)
        try:
            shipping = LogShippingService(agent_config)
        except SpoolError as error:
            raise click.ClickException(str(error)) from None
    try:
        with _exit_if_unauthorized():
            if once:
                shipping.once()
            else:
                create_status_server = partial(LogsStatusServer, shipping)
                _run_until_stopped(shipping, "logs", shipping.config.status, create_status_server)
    finally:
        shipping.close()
    # Each problem was logged when it occurred.
    if once and shipping.problems():
        sys.exit(1)


@agent.command("preview")
@AGENT_INI
def agent_preview(agent_ini: Path) -> None:
    """Write thumbnails of the rooms' streams for the site."""
    from streaming_system.agent.preview.preview_metrics import PreviewStatusServer
    from streaming_system.agent.preview.service import ThumbnailService

    _configure_logging()
    with one_line_errors():
        preview = ThumbnailService(config.load_agent_config(agent_ini))
        create_status_server = partial(PreviewStatusServer, preview)
        _run_until_stopped(preview, "preview", preview.config.status, create_status_server)


agent.add_command(demo)
agent.add_command(agent_generate)


@agent.command("fake-encoder")
@click.option(
    "--server",
    metavar="URL",
    default="http://127.0.0.1:8000/tracker",
    show_default=True,
    help="The tracker.",
)
@click.option(
    "--secret",
    metavar="S",
    envvar="STREAMING_SYSTEM_SECRET",
    show_envvar=True,
    help="The tracker's secret.  [default: that of the configuration]",
)
@click.option(
    "--group",
    metavar="A,B,C",
    default="example",
    show_default=True,
    help="The ids of the rooms.",
)
@click.option("--ip", metavar="ADDR", default="", help="Register this address, not the sender's.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="The interval between two rounds.",
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="Stop after N rounds.")
@click.pass_obj
def agent_fake_encoder(
    ini: Path,
    server: str,
    secret: str | None,
    group: str,
    ip: str,
    interval: float,
    count: int | None,
) -> None:
    """Register rooms as live without streaming, to try out the site."""
    rooms = tuple(filter(None, (name.strip() for name in group.split(","))))
    if not rooms:
        raise click.BadParameter("name at least one room", param_hint="--group")
    tracker = LegacyTrackerClient(server, secret or _read_secret(ini))
    rounds = itertools.count() if count is None else iter(range(count))
    with one_line_errors():
        for line in fake_encoder.register_rooms(
            tracker, rooms, ip=ip, rounds=rounds, wait=lambda: time.sleep(interval)
        ):
            click.echo(line)
            sys.stdout.flush()


_fake_alias = copy.copy(agent_fake_encoder)
_fake_alias.hidden = True
agent.add_command(_fake_alias, "fake")


def _configure_logging() -> None:
    for name in ("streaming_system.agent", "streaming_system.util"):
        logging.getLogger(name).setLevel(logging.INFO)


@contextmanager
def _exit_if_unauthorized() -> Iterator[None]:
    from streaming_system.agent.agent_service import CredentialsRejectedError

    try:
        yield
    except CredentialsRejectedError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(EXIT_UNAUTHORIZED)


def _run_until_stopped(
    service: "AgentService",
    section: str,
    address: tuple[str, int] | None,
    create_status_server: "Callable[[tuple[str, int]], StatusServer]",
) -> None:
    """Run a service and its status server until SIGTERM or SIGINT."""
    stop_on_signals(service.stop, signal.SIGTERM, signal.SIGINT)
    status_server = None
    if address:
        try:
            status_server = create_status_server(address)
        except OSError as error:
            raise click.ClickException(
                f"[{section}] status: nothing can listen on {address[0]}:{address[1]}: "
                f"{error.strerror}"
            ) from None
    try:
        service.run()
    finally:
        if status_server:
            status_server.close()


def _read_secret(ini: Path) -> str:
    """Return the secret of this machine's configuration, or the example's."""
    if not ini.is_file():
        return EXAMPLE_SECRET
    with one_line_errors():
        return load_conference_from_settings(load_app_settings(ini, "frontend")).site.secret
