"""`streaming-system admin …`: the actions of the admin pages."""

import sys
from pathlib import Path

import click

from streaming_system.cli.admin_rooms import change_room, undo
from streaming_system.cli.admin_session import open_admin_session, run_action
from streaming_system.cli.admin_stream_key import stream_key
from streaming_system.cli.tables import format_utc, make_rows, print_rows

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
PASSWORD_STDIN = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)
ROLE = click.Choice(["admin", "viewer"])


@click.group()
def admin() -> None:
    """Manage accounts, tokens, stream keys, endpoints, annotations and rooms."""


admin.add_command(stream_key)
admin.add_command(change_room)
admin.add_command(undo)


@admin.command("create")
@click.argument("name", required=False)
@click.option("--role", type=ROLE, default="admin", show_default=True)
@PASSWORD_STDIN
@click.option("--if-none", is_flag=True, help="Do nothing if an account exists.")
@click.pass_obj
def create_account(
    ini: Path, name: str | None, role: str, password_stdin: bool, if_none: bool
) -> None:
    """Create an account. A viewer has read-only access."""
    if if_none:
        with open_admin_session(ini) as session:
            if session.accounts.has_any():
                return
        if not sys.stdin.isatty():
            click.echo(
                "There is no admin account yet. To create one: "
                f"{Path(sys.argv[0])} -c {ini} admin create NAME"
            )
            return
        click.echo("The first start: choose a name and a password for the admin account.")
    # Report problems of the database before the prompts.
    with open_admin_session(ini):
        pass
    account = name or click.prompt("Name")
    password = _read_password(password_stdin)
    run_action(
        ini,
        lambda session: session.crew.create_account(
            name=account, password=password, role=role, now=session.now
        ),
        with_conference=True,
    )


@admin.command("list")
@AS_JSON
@click.pass_obj
def list_accounts(ini: Path, as_json: bool) -> None:
    """List the accounts."""
    with open_admin_session(ini) as session:
        accounts = session.accounts.all()
        rows = make_rows(accounts, "name", "role", "created_at")
        for row, account in zip(rows, accounts, strict=True):
            row["second_factor"] = account.totp_secret is not None
    print_rows(rows, as_json)


@admin.command("password")
@click.argument("name")
@PASSWORD_STDIN
@click.pass_obj
def set_password(ini: Path, name: str, password_stdin: bool) -> None:
    """Set the password of an account, and end its sessions and lockouts."""
    password = _read_password(password_stdin)
    run_action(
        ini,
        lambda session: session.crew.reset_password(name=name, password=password, now=session.now),
        with_conference=True,
    )


@admin.command("reset-second-factor")
@click.argument("name")
@click.pass_obj
def reset_second_factor(ini: Path, name: str) -> None:
    """Let an account log in without a second factor, and end its sessions."""
    run_action(ini, lambda session: session.crew.reset_second_factor(name=name, now=session.now))


@admin.command("logout")
@click.argument("name")
@click.pass_obj
def log_out(ini: Path, name: str) -> None:
    """End all sessions of an account; its password stays."""
    run_action(ini, lambda session: session.crew.log_out(name=name, now=session.now))


@admin.command("unlock")
@click.argument("name")
@click.pass_obj
def unlock_account(ini: Path, name: str) -> None:
    """End the lockouts of an account after failed log-ins."""
    run_action(ini, lambda session: session.crew.unlock_account(name=name, now=session.now))


@admin.command("role")
@click.argument("name")
@click.argument("role", type=ROLE)
@click.pass_obj
def set_role(ini: Path, name: str, role: str) -> None:
    """Set the role of an account: admin or viewer."""
    run_action(ini, lambda session: session.crew.set_role(name=name, role=role, now=session.now))


@admin.command("delete")
@click.argument("name")
@click.pass_obj
def delete_account(ini: Path, name: str) -> None:
    """Delete an account, except the last admin."""
    run_action(ini, lambda session: session.crew.delete_account(name=name, now=session.now))


@admin.group()
def token() -> None:
    """Manage the tokens of agents and programs."""


@token.command("issue")
@click.argument("label")
@click.option("--room", metavar="ROOM", default="", help="Valid for the endpoints of this room.")
@click.option("--endpoint", metavar="NAME", default="", help="Valid for this endpoint of the room.")
@click.option("--crew", is_flag=True, help="Valid for everything that an admin may do.")
@click.option("--publish", is_flag=True, help="Valid for the publish hooks of all rooms.")
@click.option("--captions", is_flag=True, help="Valid for the captions of the room only.")
@click.pass_obj
def issue_token(ini: Path, /, label: str, room: str, endpoint: str, **scopes: bool) -> None:
    """Issue a token and print it. It cannot be printed again."""
    given = [name for name, is_given in scopes.items() if is_given]
    if len(given) > 1 or not (given or room) or (given == ["captions"] and not room):
        raise click.UsageError(
            "give a scope: --room, --room and --endpoint, --room and --captions, --crew, or "
            "--publish"
        )
    scope = given[0] if given else "endpoint" if endpoint else "room"
    with open_admin_session(ini, with_conference=True) as session:
        _, text = session.crew.issue_token(
            label=label, scope=scope, room=room, endpoint=endpoint, now=session.now
        )
    click.echo(text)


@token.command("list")
@AS_JSON
@click.pass_obj
def list_tokens(ini: Path, as_json: bool) -> None:
    """List the tokens with their scopes and the hints by which to recognise them."""
    with open_admin_session(ini) as session:
        rows = make_rows(
            session.tokens.all(),
            *("id", "label", "hint", "scope", "room", "endpoint"),
            *("created_by", "created_at", "used_at", "revoked_at"),
        )
    print_rows(rows, as_json)


@token.command("revoke")
@click.argument("token_id", metavar="ID", type=int)
@click.pass_obj
def revoke_token(ini: Path, token_id: int) -> None:
    """Revoke the token with this number."""
    run_action(ini, lambda session: session.crew.revoke_token(token_id, now=session.now))


@admin.command("endpoints")
@AS_JSON
@click.pass_obj
def list_endpoints(ini: Path, as_json: bool) -> None:
    """List the endpoints: alive, and silent."""
    with open_admin_session(ini) as session:
        rows = [
            {
                "room": endpoint.room,
                "endpoint": endpoint.name,
                "state": state,
                "drained": endpoint.drained,
                "draining": endpoint.draining,
                "clients": endpoint.clients,
                "bitrate": endpoint.bitrate,
                "last_seen": format_utc(endpoint.last_seen),
            }
            for state, endpoints in (
                ("alive", session.endpoints.alive(now=session.now)),
                ("silent", session.endpoints.recently_expired(now=session.now)),
            )
            for endpoint in sorted(endpoints, key=lambda e: (e.room, e.name))
        ]
    print_rows(rows, as_json)


@admin.command("drain")
@click.argument("room")
@click.argument("endpoint")
@click.pass_obj
def drain_endpoint(ini: Path, room: str, endpoint: str) -> None:
    """Assign no new viewers to an endpoint, as long as another one can take them."""
    _set_drained(ini, room, endpoint, True)


@admin.command("undrain")
@click.argument("room")
@click.argument("endpoint")
@click.pass_obj
def undrain_endpoint(ini: Path, room: str, endpoint: str) -> None:
    """Assign viewers to an endpoint again."""
    _set_drained(ini, room, endpoint, False)


def _set_drained(ini: Path, room: str, endpoint: str, drained: bool) -> None:
    run_action(
        ini,
        lambda session: session.crew.drain(
            room=room, name=endpoint, drained=drained, now=session.now
        ),
        with_conference=True,
    )


@admin.command("annotate")
@click.argument("label")
@click.option("--at", metavar="TIME", default="", help="Time in UTC.  [default: now]")
@click.option("--room", metavar="ROOM", default="", help="The room.  [default: all]")
@click.pass_obj
def annotate(ini: Path, label: str, at: str, room: str) -> None:
    """Add an annotation to the graphs."""
    run_action(
        ini,
        lambda session: session.crew.annotate(
            at=session.parse_time(at), label=label, room=room, now=session.now
        ),
        with_conference=True,
    )


@admin.command("annotations")
@click.option("--delete", "annotation_id", metavar="ID", type=int, help="Delete this annotation.")
@AS_JSON
@click.pass_obj
def list_annotations(ini: Path, annotation_id: int | None, as_json: bool) -> None:
    """List the latest annotations, or delete one."""
    if annotation_id is not None:
        number = annotation_id
        run_action(ini, lambda session: session.crew.remove_annotation(number, now=session.now))
        return
    with open_admin_session(ini) as session:
        rows = make_rows(session.annotations.latest(), "id", "at", "room", "label", "created_by")
    print_rows(rows, as_json)


@admin.command("audit")
@click.option("--account", metavar="NAME", help="Only actions of this account.")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=200,
    show_default=True,
    help="Maximum number of entries.",
)
@click.option("--failed-logins", is_flag=True, help="Show failed log-ins instead of actions.")
@AS_JSON
@click.pass_obj
def list_audit(
    ini: Path, account: str | None, limit: int, failed_logins: bool, as_json: bool
) -> None:
    """Show the audit trail, newest first."""
    with open_admin_session(ini) as session:
        entries = session.audit.latest(limit, account, failed_logins=failed_logins)
        rows = make_rows(entries, "at", "account", "action", "subject")
    print_rows(rows, as_json)


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password
