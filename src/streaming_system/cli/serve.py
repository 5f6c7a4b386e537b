"""`streaming-system serve`: the site of one folder, with everything that it needs."""

import contextlib
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import click

from streaming_system.agent.subprocesses import ProgramError
from streaming_system.cli.admin_session import open_admin_session
from streaming_system.cli.common import one_line_errors
from streaming_system.cli.schedule import import_command
from streaming_system.cli.signals import stop_on_signals
from streaming_system.cli.site_processes import SiteProcesses
from streaming_system.cli.site_start import (
    parse_listen_address,
    require_free_address,
    require_working_site,
)
from streaming_system.cli.tracker import migrate
from streaming_system.config import ConferenceConfig
from streaming_system.config.ini import load_app_settings, require

# Hosts that stand for all addresses of the machine.
WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - A comparison.


@click.command("serve")
@click.argument("folder", metavar="[DIRECTORY]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--listen",
    metavar="HOST:PORT",
    envvar="STREAMING_SYSTEM_LISTEN",
    show_envvar=True,
    help="Where the site listens.  [default: address in the ini file]",
)
@click.pass_context
def serve(context: click.Context, folder: Path | None, listen: str | None) -> None:
    """Serve the site of DIRECTORY, by default the current one, until Ctrl-C.

    It creates or migrates the database, imports the schedule, and imports it again whenever the
    feed changes.
    """
    context.obj = ini = folder / context.obj if folder else context.obj
    with one_line_errors():
        config = require_working_site(ini)
        settings = load_app_settings(ini, "frontend")
        address = listen or require(settings, "address")
    host, port = parse_listen_address(address)
    require_free_address(host, port)
    with one_line_errors():
        migrate(ini)
    # `schedule watch` imports the schedules of the conferences.
    has_events = bool(settings.get("events.folder"))
    has_feed = any(room.schedule for room in config.rooms.values())
    if has_feed and not Path(settings["schedule.file"]).exists():
        _import_schedule(context)
    stop = threading.Event()
    stop_on_signals(stop, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    site = f"http://{WILDCARD_HOSTS.get(host, f'[{host}]' if ':' in host else host)}:{port}"
    with _ini_with_address(ini, listen) as site_ini:
        processes = SiteProcesses(stop, lambda line: click.echo(line, err=True))
        try:
            processes.start_site(site_ini, f"{site}/healthz")
            if has_feed or has_events:
                processes.start_import(ini)
            if settings.get("reminders.contact", "").strip():
                processes.start_reminders(ini)
            if not stop.is_set():
                _print_addresses(ini, config, site)
            processes.supervise()
        except ProgramError as error:
            raise click.ClickException(str(error)) from None
        finally:
            processes.terminate()


def _import_schedule(context: click.Context) -> None:
    """Import the schedule; without one, the site starts all the same."""
    try:
        context.invoke(import_command, accept_shrink=False)
    except click.ClickException as error:
        click.echo(f"warning: {error.format_message()}; the site has no schedule yet", err=True)


@contextlib.contextmanager
def _ini_with_address(ini: Path, address: str | None) -> Iterator[Path]:
    """Yield the ini, or a copy with another address: settings refer to the one in the file."""
    if not address:
        yield ini
        return
    here = str(ini.resolve().parent).replace("%", "%%")
    text = ini.read_text(encoding="utf-8").replace("%(here)s", here)
    text = re.sub(r"^address\s*=.*$", lambda _: f"address = {address}", text, flags=re.MULTILINE)
    with tempfile.TemporaryDirectory(prefix="streaming-system-") as folder:
        copy = Path(folder, ini.name)
        copy.write_text(text, encoding="utf-8")
        yield copy


def _print_addresses(ini: Path, config: ConferenceConfig, site: str) -> None:
    lines = {
        f"{site}/": "the rooms, as viewers see them",
        f"{site}/schedule": "the schedule",
        f"{site}/monitor": "what is live and what is wrong, for the crew",
        f"{site}/tracker/admin": "the crew's log-in",
    }
    width = max(map(len, lines))
    rooms = f"{len(config.rooms)} room{'s' if len(config.rooms) != 1 else ''}"
    click.echo(f"\n{config.default.title}, {rooms}:")
    for url, description in lines.items():
        click.echo(f"  {url:{width}}  {description}")
    with open_admin_session(ini) as session:
        has_account = session.accounts.has_any()
    if not has_account:
        click.echo(
            f"There is no account yet; create one: {Path(sys.argv[0]).name} -c {ini} admin create "
            "NAME"
        )
    click.echo("Ctrl-C ends it.")
