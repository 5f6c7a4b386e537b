"""`streaming-system tracker erase …`: deletes what is stored about one person."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streaming_system.cli.admin_session import open_admin_session
from streaming_system.cli.common import one_line_errors
from streaming_system.config import load_conference_from_settings
from streaming_system.config.ini import load_app_settings

if TYPE_CHECKING:
    from streaming_system.tracker.crew.cli_session import AdminSession


@click.group()
def erase() -> None:
    """Delete what is stored about one person."""


@erase.command("account")
@click.argument("name")
@click.pass_obj
def erase_account(ini: Path, name: str) -> None:
    """Delete an account and its name in the audit log, tokens and annotations."""
    with open_admin_session(ini) as session:
        labels = session.erasure.erase_account(name, now=session.now)
    click.echo(f"Erased the account {name}.")
    for label in labels:
        click.echo(f"The label {label!r} still contains the name.")


@erase.command("player")
@click.argument("player", metavar="SID|COOKIE")
@click.pass_obj
def erase_player(ini: Path, player: str) -> None:
    """Delete a player, by its random number or by the cookie `user` of an old player."""
    with open_admin_session(ini) as session:
        sids = [player, *_old_player_sids(session, ini, player)]
        count = session.erasure.erase_players(sids, now=session.now)
    click.echo(f"Erased {count} rows.")


def _old_player_sids(session: "AdminSession", ini: Path, cookie: str) -> list[str]:
    """Return the identifiers of an old player in all rooms.

    The signature is not verified: it depends on the user agent, and the id alone is secret.
    """
    from streaming_system.tracker.crew.server_keys import ServerKeys
    from streaming_system.tracker.legacy.player_report import (
        COOKIE_KEY_NAME,
        player_sid,
    )

    key = ServerKeys(session.erasure.db).get(COOKIE_KEY_NAME)
    identity = cookie.rpartition(".")[0]
    if not identity:
        return []
    with one_line_errors():
        rooms = load_conference_from_settings(load_app_settings(ini, "tracker")).rooms
    return [player_sid(key, room, identity) for room in rooms]
