"""What runs beside a streaming server: `streaming-system encoder …`."""

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
from streaming_system.cli.common import one_line_errors
from streaming_system.cli.demo import demo
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
    help="What this machine streams, and to whom it is told.",
)
# For a service manager: starting it again would change nothing.
EXIT_UNAUTHORIZED = 2


@click.group()
def encoder() -> None:
    """Run beside a streaming server, or pretend to."""


@encoder.command("register")
@AGENT_INI
@click.option("--legacy", is_flag=True, help="Speak the original's form protocol, with the secret.")
@click.option("--once", is_flag=True, help="Report once, say what was reported, and end.")
def agent_register(agent_ini: Path, legacy: bool, once: bool) -> None:
    """Tell trackers what the servers of this machine stream, until it is stopped.

    Ends with status 2 if the token or the secret is not taken.
    """
    # Threads, plugins and metrics are for this command alone.
    from streaming_system.agent.register import RegistrationService
    from streaming_system.agent.register_metrics import RegistrationStatusServer

    _configure_logging()
    with one_line_errors():
        registration = RegistrationService(config.load_agent_config(agent_ini), legacy=legacy)
    with _exit_if_unauthorized():
        if once:
            registration.run_once()
        else:
            _run_until_stopped(
                registration,
                "agent",
                registration.agent.status,
                partial(RegistrationStatusServer, registration),
            )
    if once:
        _print_reports(registration)


def _configure_logging() -> None:
    for name in ("streaming_system.agent", "streaming_system.util"):
        logging.getLogger(name).setLevel(logging.INFO)


@contextmanager
def _exit_if_unauthorized() -> Iterator[None]:
    """End with a status of its own where the token or the secret is not taken."""
    from streaming_system.agent.agent_service import CredentialsRejectedError

    try:
        yield
    except CredentialsRejectedError as refusal:
        click.echo(f"Error: {refusal}", err=True)
        sys.exit(EXIT_UNAUTHORIZED)


def _run_until_stopped(
    service: "AgentService",
    section: str,
    address: tuple[str, int] | None,
    answer: "Callable[[tuple[str, int]], StatusServer]",
) -> None:
    """Run a part of the agent until it is told to stop, and answer how it is."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop.set())
    status = None
    if address:
        try:
            status = answer(address)
        except OSError as error:
            shown = f"{address[0]}:{address[1]}"
            raise click.ClickException(
                f"[{section}] status: nothing can listen on {shown}: {error.strerror}"
            ) from None
    try:
        service.run()
    finally:
        if status:
            status.close()


@encoder.command("watch")
@AGENT_INI
@click.option("--legacy", is_flag=True, help="Speak the original's form protocol, with the secret.")
@click.option("--once", is_flag=True, help="Check once, say how everything is, and end.")
def agent_watch(agent_ini: Path, legacy: bool, once: bool) -> None:
    """Watch what makes the streams, start anew what has failed, and tell trackers.

    With --once, nothing is started anew, and trackers are not told.
    Ends with status 2 if the token or the secret is not taken.
    """
    from streaming_system.agent.supervisor.service import SupervisorService, run_checks_once
    from streaming_system.agent.supervisor.supervisor_metrics import SupervisorStatusServer

    _configure_logging()
    with one_line_errors():
        agent = config.load_agent_config(agent_ini)
        watch = None if once else SupervisorService(agent, legacy=legacy)
        found = run_checks_once(agent) if watch is None else ()
    if watch is None:
        bad = 0
        for name, verdict in found:
            click.echo(f"{name}: {verdict.mood}{verdict.detail and f': {verdict.detail}'}")
            bad += verdict.mood in ("hungry", "sad")
        sys.exit(1 if bad else 0)
    with _exit_if_unauthorized():
        _run_until_stopped(
            watch, "watch", watch.config.status, partial(SupervisorStatusServer, watch)
        )


def _print_reports(registration: "RegistrationService") -> None:
    """Say what was reported; end with status 1 if that was not everything."""
    for room, report in registration.states.snapshot().reports.items():
        streams = ", ".join(report["formats"])
        click.echo(f"{room}: {streams}; {report['clients']} clients, {report['bitrate']} bit/s")
    problems = [s.problem for s in registration.states.states().values() if s.problem]
    problems += registration.unreachable_trackers()
    # Each problem was logged when it occurred.
    if problems or any(sender.failed for sender in registration.senders):
        sys.exit(1)


@encoder.command("logs")
@AGENT_INI
@click.option("--once", is_flag=True, help="Hand in what there is, and end.")
def agent_logs(agent_ini: Path, once: bool) -> None:
    """Hand in access logs to trackers as they are written, until it is stopped.

    Ends with status 2 if the secret is not taken.
    """
    from streaming_system.agent.logs.database import SpoolError
    from streaming_system.agent.logs.log_metrics import LogsStatusServer
    from streaming_system.agent.logs.service import LogShippingService

    _configure_logging()
    with one_line_errors():
        agent = config.load_agent_config(agent_ini)
        try:
            shipping = LogShippingService(agent)
        except SpoolError as error:
            raise click.ClickException(str(error)) from None
    try:
        with _exit_if_unauthorized():
            if once:
                shipping.once()
            else:
                _run_until_stopped(
                    shipping, "logs", shipping.config.status, partial(LogsStatusServer, shipping)
                )
    finally:
        shipping.close()
    # What is wrong has been said when it was found.
    if once and shipping.problems():
        sys.exit(1)


@encoder.command("preview")
@AGENT_INI
def agent_preview(agent_ini: Path) -> None:
    """Make pictures of what is on in the rooms, for the site to show, until it is stopped."""
    from streaming_system.agent.preview.preview_metrics import PreviewStatusServer
    from streaming_system.agent.preview.service import ThumbnailService

    _configure_logging()
    with one_line_errors():
        preview = ThumbnailService(config.load_agent_config(agent_ini))
        _run_until_stopped(
            preview, "preview", preview.config.status, partial(PreviewStatusServer, preview)
        )


encoder.add_command(demo)


@encoder.command("fake")
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
    help="The tracker's secret.  [default: what the configuration here says]",
)
@click.option(
    "--group",
    metavar="A,B,C",
    default="example",
    show_default=True,
    help="The ids of the rooms to stream.",
)
@click.option("--ip", metavar="ADDR", default="", help="Register this address, not the sender's.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="How long to wait between two rounds.",
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
    """Register rooms as live without streaming anything, to try the site."""
    groups = tuple(filter(None, (name.strip() for name in group.split(","))))
    if not groups:
        raise click.BadParameter("name at least one room", param_hint="--group")
    tracker = LegacyTrackerClient(server, secret or _read_secret(ini))
    rounds = itertools.count() if count is None else iter(range(count))
    with one_line_errors():
        for line in fake_encoder.register_rooms(
            tracker, groups, ip=ip, rounds=rounds, wait=lambda: time.sleep(interval)
        ):
            click.echo(line)
            sys.stdout.flush()


def _read_secret(ini: Path) -> str:
    """Return the secret of the configuration on this machine, for trying things out."""
    if not ini.is_file():
        return EXAMPLE_SECRET
    with one_line_errors():
        return load_conference_from_settings(load_app_settings(ini, "frontend")).site.secret
