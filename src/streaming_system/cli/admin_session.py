"""Sessions of the command line with the tracker's database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streaming_system.cli.common import one_line_errors
from streaming_system.config import load_conference_from_settings
from streaming_system.config.ini import load_app_settings
from streaming_system.util.file_watch import FileWatch

if TYPE_CHECKING:
    from streaming_system.tracker.crew.cli_session import AdminSession


@contextmanager
def open_admin_session(ini: Path, *, with_conference: bool = False) -> Iterator["AdminSession"]:
    """Open the tracker's database; an error becomes one line on stderr and exit status 1.

    :param with_conference: load the event and its rooms, which some actions validate.
    """
    # The database library slows down the start, so other commands do not import it.
    from streaming_system.tracker.crew.cli_session import CrewError, StartupError, admin_session
    from streaming_system.tracker.event_rooms import EventRooms

    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
        conference = None
        if with_conference:
            site = load_conference_from_settings(settings)
            conference = EventRooms().add_to(site, settings, FileWatch())
    try:
        with admin_session(settings, conference) as session:
            yield session
    except (CrewError, StartupError) as error:
        raise click.ClickException(str(error)) from None


def run_action(
    ini: Path, action: "Callable[[AdminSession], str]", *, with_conference: bool = False
) -> None:
    """Run an action and print the line that it returns."""
    with open_admin_session(ini, with_conference=with_conference) as session:
        line = action(session)
    click.echo(line)
