"""`streaming-system agent demo`."""

import contextlib
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from streaming_system import config
from streaming_system.cli.admin_session import open_admin_session
from streaming_system.cli.common import one_line_errors
from streaming_system.cli.signals import stop_on_signals
from streaming_system.config.ini import SettingsError, load_app_settings

# Most machines cannot encode more test patterns.
MAX_ROOMS = 6


@click.command("demo")
@click.option(
    "--viewers",
    type=click.IntRange(0, 20),
    default=2,
    show_default=True,
    help="Number of browsers that watch, where Chromium is installed.",
)
@click.pass_obj
def demo(ini: Path, viewers: int) -> None:
    """Run the whole system on this machine, with test patterns, until Ctrl-C.

    The site has to be set up; it is started if it does not run. `make demo` does both.
    """
    # Other commands start faster without these imports.
    from streaming_system.agent.subprocesses import ProgramError
    from streaming_system.demo.runner import DemoConfig, DemoRunner

    for name in ("streaming_system.agent", "streaming_system.util"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        rooms = config.load_conference_from_settings(settings).rooms
        tracker = settings.get("tracker.internal_url", "").rstrip("/")
        if not tracker:
            raise SettingsError("the demo needs tracker.internal_url in the ini file")
    shown = list(rooms.values())[:MAX_ROOMS]
    if len(shown) < len(rooms):
        click.echo(f"Of {len(rooms)} rooms, the first {MAX_ROOMS} are shown.")
    parts = urlsplit(tracker)
    folder = settings.get("preview.folder")
    with _temporary_token(ini) as token:
        demo_config = DemoConfig(
            ini=ini,
            rooms={room.id: room.title for room in shown},
            site=f"{parts.scheme}://{parts.netloc}",
            tracker=tracker,
            preview_folder=Path(folder).absolute() if folder else None,
            token=token,
            viewers=viewers,
        )
        runner = DemoRunner(demo_config, click.echo)
        stop_on_signals(runner.stop, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        try:
            with one_line_errors():
                runner.run()
        except ProgramError as error:
            raise click.ClickException(str(error)) from None
    click.echo("The demo is over; nothing of it runs any more.")


@contextlib.contextmanager
def _temporary_token(ini: Path) -> Iterator[str]:
    """Issue a token, and revoke it at the end."""
    with open_admin_session(ini) as session:
        token, text = session.crew.issue_token(
            label="demo", scope="crew", room="", endpoint="", now=session.now
        )
        token_id = token.id
    try:
        yield text
    finally:
        with open_admin_session(ini) as session:
            session.crew.revoke_token(token_id, now=session.now)
