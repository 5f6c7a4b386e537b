"""What the crew does: `streaming-system admin …`, as the admin pages do it."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streaming_system.cli.common import one_line_errors
from streaming_system.config import load_conference_from_settings
from streaming_system.config.ini import load_app_settings

if TYPE_CHECKING:
    from streaming_system.tracker.crew.cli_session import AdminSession

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print it for programs.")
PASSWORD_STDIN = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)
ROLE = click.Choice(["admin", "viewer"])


@click.group()
def admin() -> None:
    """Look after the crew's accounts, tokens, endpoints and annotations."""


@contextmanager
def open_admin_session(ini: Path, *, rooms: bool = False) -> Iterator["AdminSession"]:
    """Open the tracker's database; what is refused is one line on stderr and exit status 1.

    :param rooms: whether it matters which rooms there are.
    """
    # The tracker brings the database along; other commands start without it.
    from streaming_system.tracker.crew.cli_session import CrewError, StartupError, admin_session

    with one_line_errors():
        settings = load_app_settings(ini, "tracker")
        known = load_conference_from_settings(settings).groups if rooms else ()
    try:
        with admin_session(settings, known) as found:
            yield found
    except (CrewError, StartupError) as error:
        raise click.ClickException(str(error)) from None


@admin.command("create")
@click.argument("name", required=False)
@click.option("--role", type=ROLE, default="admin", show_default=True, help="What it may do.")
@PASSWORD_STDIN
@click.option("--if-none", is_flag=True, help="Do nothing if there is an account already.")
@click.pass_obj
def create(ini: Path, name: str | None, role: str, password_stdin: bool, if_none: bool) -> None:
    """Create an account: of an admin, or of a viewer, who looks and changes nothing."""
    if if_none:
        with open_admin_session(ini) as admin_session:
            if admin_session.accounts.any():
                return
        if not sys.stdin.isatty():
            click.echo(
                "There is no admin account yet. To create one: "
                f"{Path(sys.argv[0])} -c {ini} admin create NAME"
            )
            return
        click.echo("The first start: choose a name and a password for the admin account.")
    # What is wrong with the database is told before anybody has to type.
    with open_admin_session(ini):
        pass
    name = name or click.prompt("Name")
    password = _read_password(password_stdin)
    with open_admin_session(ini) as admin_session:
        line = admin_session.crew.create_account(
            name=name, password=password, role=role, now=admin_session.now
        )
    click.echo(line)


@admin.command("list")
@AS_JSON
@click.pass_obj
def list_accounts(ini: Path, as_json: bool) -> None:
    """List the accounts."""
    with open_admin_session(ini) as admin_session:
        rows = [
            {
                "name": account.name,
                "role": account.role,
                "created_at": _format_utc(account.created_at),
            }
            for account in admin_session.accounts.all()
        ]
    _print_rows(rows, as_json)


@admin.command("password")
@click.argument("name")
@PASSWORD_STDIN
@click.pass_obj
def set_password(ini: Path, name: str, password_stdin: bool) -> None:
    """Give an account another password, and end its sessions."""
    password = _read_password(password_stdin)
    with open_admin_session(ini) as admin_session:
        line = admin_session.crew.reset_password(
            name=name, password=password, now=admin_session.now
        )
    click.echo(line)


@admin.command("logout")
@click.argument("name")
@click.pass_obj
def logout(ini: Path, name: str) -> None:
    """Log an account out everywhere; its password stays."""
    with open_admin_session(ini) as admin_session:
        line = admin_session.crew.log_out(name=name, now=admin_session.now)
    click.echo(line)


@admin.command("role")
@click.argument("name")
@click.argument("role", type=ROLE)
@click.pass_obj
def set_role(ini: Path, name: str, role: str) -> None:
    """Make an account one of an admin or of a viewer."""
    with open_admin_session(ini) as admin_session:
        line = admin_session.crew.set_role(name=name, role=role, now=admin_session.now)
    click.echo(line)


@admin.command("delete")
@click.argument("name")
@click.pass_obj
def delete(ini: Path, name: str) -> None:
    """Delete an account. The last admin stays."""
    with open_admin_session(ini) as admin_session:
        line = admin_session.crew.delete_account(name=name, now=admin_session.now)
    click.echo(line)


@admin.group()
def token() -> None:
    """Look after the tokens that encoders and programs show."""


@token.command("issue")
@click.argument("label")
@click.option("--room", metavar="ROOM", default="", help="Good for the endpoints of this room.")
@click.option("--endpoint", metavar="NAME", default="", help="Good for this one of the room.")
@click.option("--crew", is_flag=True, help="Good for what an admin may do.")
@click.pass_obj
def issue(ini: Path, label: str, room: str, endpoint: str, crew: bool) -> None:
    """Issue a token and print it: nobody can see it again."""
    if not (crew or room):
        raise click.UsageError("say what it is good for: --room, --room and --endpoint, or --crew")
    scope = "crew" if crew else "endpoint" if endpoint else "room"
    with open_admin_session(ini, rooms=True) as admin_session:
        _, text = admin_session.crew.issue_token(
            label=label, scope=scope, room=room, endpoint=endpoint, now=admin_session.now
        )
    click.echo(text)


@token.command("list")
@AS_JSON
@click.pass_obj
def list_tokens(ini: Path, as_json: bool) -> None:
    """List the tokens: what they are good for, and by what to know them again."""
    with open_admin_session(ini) as admin_session:
        rows = [
            {
                "id": token.id,
                "label": token.label,
                "hint": token.hint,
                "scope": token.scope,
                "room": token.room,
                "endpoint": token.endpoint,
                "created_by": token.created_by,
                "created_at": _format_utc(token.created_at),
                "used_at": _format_utc(token.used_at),
                "revoked_at": _format_utc(token.revoked_at),
            }
            for token in admin_session.tokens.all()
        ]
    _print_rows(rows, as_json)


@token.command("revoke")
@click.argument("id", type=int)
@click.pass_obj
def revoke(ini: Path, id: int) -> None:  # noqa: A002 - It is what the list calls it.
    """Refuse the token with this number from now on."""
    with open_admin_session(ini) as admin_session:
        line = admin_session.crew.revoke_token(id, now=admin_session.now)
    click.echo(line)


@admin.command("endpoints")
@AS_JSON
@click.pass_obj
def endpoints(ini: Path, as_json: bool) -> None:
    """List the endpoints: those that stream, and those that have fallen silent."""
    with open_admin_session(ini) as admin_session:
        alive = admin_session.endpoints.alive(now=admin_session.now)
        silent = admin_session.endpoints.silent(now=admin_session.now)
        rows = [
            {
                "room": endpoint.room,
                "endpoint": endpoint.name,
                "state": state,
                "drained": endpoint.drained,
                "draining": endpoint.draining,
                "clients": endpoint.clients,
                "bitrate": endpoint.bitrate,
                "last_seen": _format_utc(endpoint.last_seen),
            }
            for state, found in (("alive", alive), ("silent", silent))
            for endpoint in sorted(found, key=lambda e: (e.room, e.name))
        ]
    _print_rows(rows, as_json)


@admin.command("drain")
@click.argument("room")
@click.argument("endpoint")
@click.pass_obj
def drain(ini: Path, room: str, endpoint: str) -> None:
    """Send an endpoint no new viewers."""
    _set_drained(ini, room, endpoint, True)


@admin.command("undrain")
@click.argument("room")
@click.argument("endpoint")
@click.pass_obj
def undrain(ini: Path, room: str, endpoint: str) -> None:
    """Send an endpoint viewers again."""
    _set_drained(ini, room, endpoint, False)


def _set_drained(ini: Path, room: str, endpoint: str, drained: bool) -> None:
    with open_admin_session(ini) as admin_session:
        line = admin_session.crew.drain(
            room=room, name=endpoint, drained=drained, now=admin_session.now
        )
    click.echo(line)


@admin.command("annotate")
@click.argument("label")
@click.option("--at", metavar="TIME", default="", help="When, in UTC.  [default: now]")
@click.option("--room", metavar="ROOM", default="", help="What room it is about.  [default: all]")
@click.pass_obj
def annotate(ini: Path, label: str, at: str, room: str) -> None:
    """Write a word about a moment beside the graphs."""
    with open_admin_session(ini, rooms=True) as admin_session:
        line = admin_session.crew.annotate(
            at=admin_session.moment(at), label=label, room=room, now=admin_session.now
        )
    click.echo(line)


@admin.command("annotations")
@click.option("--delete", "id_", metavar="ID", type=int, help="Delete the one with this number.")
@AS_JSON
@click.pass_obj
def annotations(ini: Path, id_: int | None, as_json: bool) -> None:
    """List the annotations of the newest moments, or delete one."""
    with open_admin_session(ini) as admin_session:
        if id_ is not None:
            click.echo(admin_session.crew.remove_annotation(id_, now=admin_session.now))
            return
        rows = [
            {
                "id": annotation.id,
                "at": _format_utc(annotation.at),
                "room": annotation.room,
                "label": annotation.label,
                "created_by": annotation.created_by,
            }
            for annotation in admin_session.annotations.latest()
        ]
    _print_rows(rows, as_json)


@admin.command("audit")
@click.option("--account", metavar="NAME", help="What this account did.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=200, show_default=True, help="How much."
)
@AS_JSON
@click.pass_obj
def audit(ini: Path, account: str | None, limit: int, as_json: bool) -> None:
    """Show who did what, newest first."""
    with open_admin_session(ini) as admin_session:
        rows = [
            {
                "at": _format_utc(entry.at),
                "account": entry.account,
                "action": entry.action,
                "subject": entry.subject,
            }
            for entry in admin_session.audit.latest(limit, account)
        ]
    _print_rows(rows, as_json)


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def _format_utc(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z") if moment else None


def _print_rows(rows: Sequence[dict[str, Any]], as_json: bool) -> None:
    """Print rows as JSON, or as columns with a heading."""
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    if not rows:
        return
    cells = [list(rows[0]), *([_format_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _format_cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value in (None, "") else str(value)
