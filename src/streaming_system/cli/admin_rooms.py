"""`streaming-system admin room …` and `admin undo`: the changes of the crew's page of the rooms."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streaming_system.cli.admin_session import run_action

if TYPE_CHECKING:
    from streaming_system.tracker.crew.cli_session import AdminSession


@click.command("room")
@click.argument("room")
@click.option("--title", metavar="TEXT", help="Change the title.")
@click.option("--message", metavar="TEXT", help='Change the line above the player; "" for none.')
@click.option("--sources", metavar="JSON", help="Change the sources with times, a list.")
@click.option("--close/--open", "closed", default=None, help="Close or open the room.")
@click.option("--move", metavar="N", type=int, help="Move it by N places; up is negative.")
@click.option("--reset", is_flag=True, help="Return it to the organisers' files.")
@click.pass_obj
def change_room(
    ini: Path,
    room: str,
    title: str | None,
    message: str | None,
    sources: str | None,
    closed: bool | None,
    move: int | None,
    reset: bool,
) -> None:
    """Change what viewers see of ROOM, within seconds; `admin undo` undoes the last change."""
    values = {"title": title, "message": message, "sources": sources, "closed": closed}
    chosen = {key: value for key, value in values.items() if value is not None}
    if len(chosen) + (move is not None) + reset != 1:
        raise click.UsageError("choose one change")

    def change(session: "AdminSession") -> str:
        if reset:
            return session.site_changes.reset(room, now=session.now)
        if move is not None:
            return session.site_changes.move(room, move, now=session.now)
        [(key, value)] = chosen.items()
        return session.site_changes.set_value(room, key, value, now=session.now)

    run_action(ini, change)


@click.command("undo")
@click.pass_obj
def undo(ini: Path) -> None:
    """Undo the last change of a room."""
    run_action(ini, lambda session: session.site_changes.undo(now=session.now))
