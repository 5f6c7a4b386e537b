"""`streaming-system encoder demo`."""

import contextlib
import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from streaming_system import config
from streaming_system.cli.admin import open_admin_session
from streaming_system.cli.common import one_line_errors
from streaming_system.config.ini import SettingsError, load_app_settings

# More test patterns than that are too much for most machines.
MOST_ROOMS = 6


@click.command("demo")
@click.option(
    "--viewers",
    type=click.IntRange(0, 20),
    default=2,
    show_default=True,
    help="How many browsers watch, where Chromium is installed.",
)
@click.pass_obj
def demo(ini: Path, viewers: int) -> None:
    """Show the whole system alive on this machine, with test patterns, until Ctrl-C.

    The site has to be set up; it is started if it does not run. `make demo` does both.
    """
    # Threads and all that the demo starts are for this command alone.
    from streaming_system.agent.subprocesses import ProgramError
    from streaming_system.demo.runner import DemoConfig, DemoRunner

    for name in ("streaming_system.agent", "streaming_system.util"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        known = config.load_conference_from_settings(settings).rooms
        tracker = settings.get("tracker.internal_url", "").rstrip("/")
        if not tracker:
            raise SettingsError("the demo needs tracker.internal_url in the ini file")
    shown = list(known.values())[:MOST_ROOMS]
    if len(shown) < len(known):
        click.echo(f"Of {len(known)} rooms, the first {MOST_ROOMS} are shown.")
    parts = urlsplit(tracker)
    folder = settings.get("preview.folder")
    with _temporary_token(ini) as token:
        plan = DemoConfig(
            ini=ini,
            rooms={room.id: room.title for room in shown},
            site=f"{parts.scheme}://{parts.netloc}",
            tracker=tracker,
            previews=Path(folder).absolute() if folder else None,
            token=token,
            viewers=viewers,
        )
        show = DemoRunner(plan, click.echo)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: show.stop.set())
        try:
            with one_line_errors():
                show.run()
        except ProgramError as error:
            raise click.ClickException(str(error)) from None
    click.echo("The demo is over; nothing of it runs any more.")


@contextlib.contextmanager
def _temporary_token(ini: Path) -> Iterator[str]:
    """Issue a token for the time of the demo."""
    with open_admin_session(ini) as desk:
        token, text = desk.crew.issue_token(
            label="demo", scope="crew", room="", endpoint="", now=desk.now
        )
        number = token.id
    try:
        yield text
    finally:
        with open_admin_session(ini) as desk:
            desk.crew.revoke_token(number, now=desk.now)
