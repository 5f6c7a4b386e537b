"""`streaming-system init`: sets up the folder of an event."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from streaming_system.cli.common import DEFAULT_INI, one_line_errors, print_findings
from streaming_system.cli.event_check import check_event
from streaming_system.cli.event_option import selected_event
from streaming_system.cli.event_questions import EventQuestions
from streaming_system.cli.schedule_feeds import TIMEZONE
from streaming_system.cli.site_start import parse_listen_address, require_working_site
from streaming_system.config.events import find_name_problem
from streaming_system.config.ini import load_app_settings, require
from streaming_system.event_setup.files import (
    CONFERENCE_FILES,
    FILES,
    EventSetup,
    EventSetupError,
    write_event_folder,
)


@click.command("init")
@click.argument(
    "folder",
    metavar="[DIRECTORY]",
    required=False,
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option("--name", metavar="NAME", help="The name of the event.")
@click.option("--feed", metavar="FILE_OR_URL", help='The schedule of the event; "" for none.')
@click.option(
    "--room", "rooms", metavar="ROOM", multiple=True, help="A room that is streamed; repeat it."
)
@TIMEZONE
@click.option(
    "--language", "languages", metavar="TAG", multiple=True, help="A language of the pages: en, de."
)
@click.option("--chat", metavar="ADDRESS", help="IRC (irc.libera.chat/#conf), Matrix, or a URL.")
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default="127.0.0.1:8000",
    show_default=True,
    help="Where the site listens.",
)
@click.option("-y", "--yes", is_flag=True, help="Ask nothing; use the defaults.")
@click.pass_obj
def init_command(
    ini: Path,
    folder: Path | None,
    name: str | None,
    feed: str | None,
    rooms: Sequence[str],
    timezone: ZoneInfo | None,
    languages: Sequence[str],
    chat: str | None,
    listen: str,
    yes: bool,
) -> None:
    """Set up an event in DIRECTORY: its configuration, inis, brand and plugins.

    It asks for what the options do not name. `streaming-system serve DIRECTORY` then starts the
    site. With --event NAME, it sets up that conference in events.folder of the ini file instead.
    """
    parse_listen_address(listen)
    event = selected_event()
    if event:
        folder = _conference_folder(ini, event)
    elif folder is None:
        raise click.UsageError("Missing argument 'DIRECTORY'.")
    questions = EventQuestions(use_defaults=yes)
    name = questions.name(name, folder)
    feed, overview = questions.feed(feed, timezone)
    setup = EventSetup(
        name=name,
        feed=feed,
        overview=overview.describe() if overview else "",
        rooms=questions.rooms(rooms, overview),
        timezone=questions.timezone(timezone, overview),
        languages=questions.languages(languages),
        chat=questions.chat(chat),
        address=listen,
    )
    try:
        paths = write_event_folder(folder, setup, CONFERENCE_FILES if event else FILES)
    except EventSetupError as error:
        raise click.ClickException(str(error)) from None
    if event:
        print_findings(check_event(ini, event).findings)
        click.echo(f"Wrote {len(paths)} files into {folder}; the site serves it at /{event}/.")
        return
    with one_line_errors():
        require_working_site(folder / DEFAULT_INI)
    click.echo(f"Wrote {len(paths)} files into {folder}; README.md explains them.")
    click.echo(f"Now: streaming-system serve {shlex.quote(str(folder))}")


def _conference_folder(ini: Path, name: str) -> Path:
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        events = require(settings, "events.folder")
    if problem := find_name_problem(name):
        raise click.ClickException(f"{name}: {problem}")
    return Path(events) / name
