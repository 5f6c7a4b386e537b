"""`streaming-system admin stream-key …`: the keys with which encoders publish."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streaming_system.cli.admin_session import open_admin_session, run_action
from streaming_system.cli.tables import format_utc, make_rows, print_rows

if TYPE_CHECKING:
    from streaming_system.tracker.publishing.encoder_guide import EncoderGuide

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group("stream-key")
def stream_key() -> None:
    """Manage the keys with which encoders publish a room."""


@stream_key.command("create")
@click.argument("room")
@click.option("--label", default="encoder", show_default=True, help="Its purpose, for people.")
@click.option("--expires", metavar="TIME", default="", help="Its end in UTC.  [default: never]")
@AS_JSON
@click.pass_obj
def create_stream_key(ini: Path, room: str, label: str, expires: str, as_json: bool) -> None:
    """Create a stream key, and print what to type into encoders. It cannot be printed again."""
    from streaming_system.tracker.publishing.encoder_guide import encoder_guides

    with open_admin_session(ini, with_conference=True) as session:
        key, text = session.crew.create_stream_key(
            room=room,
            label=label,
            expires_at=session.parse_time(expires) if expires else None,
            now=session.now,
        )
        guides = encoder_guides(session.ingest_addresses, room, text)
        key_id, expires_at = key.id, key.expires_at
    if as_json:
        click.echo(json.dumps(_to_json(key_id, text, expires_at, guides), indent=1))
        return
    click.echo(text)
    for guide in guides:
        click.echo(f"\n{guide.encoder}")
        for name, value in guide.fields:
            click.echo(f"  {name}: {value}")
    if not guides:
        click.echo("\nSet ingest.rtmp in the ini file to see what to type into encoders.")


@stream_key.command("list")
@click.argument("room", required=False, default="")
@AS_JSON
@click.pass_obj
def list_stream_keys(ini: Path, room: str, as_json: bool) -> None:
    """List the stream keys of all rooms, or of one."""
    with open_admin_session(ini) as session:
        rows = make_rows(
            session.stream_keys.all(room),
            *("id", "room", "label", "hint", "created_by", "created_at"),
            *("expires_at", "used_at", "revoked_at"),
        )
    print_rows(rows, as_json)


@stream_key.command("revoke")
@click.argument("key_id", metavar="ID", type=int)
@click.pass_obj
def revoke_stream_key(ini: Path, key_id: int) -> None:
    """Revoke the stream key with this number. A stream that runs already goes on."""
    run_action(ini, lambda session: session.crew.revoke_stream_key(key_id, now=session.now))


@stream_key.command("hook-secret")
@click.argument("token_id", metavar="TOKEN", type=int)
@click.pass_obj
def print_hook_secret(ini: Path, token_id: int) -> None:
    """Print the SecretKey of OvenMediaEngine for the token with this number."""
    with open_admin_session(ini) as session:
        # This may write, so it comes before the transaction that reads.
        secret = session.hook_secrets.secret(token_id)
        token = session.tokens.get(token_id)
        if token is None or token.revoked_at is not None:
            raise click.ClickException("there is no valid token with this number")
    click.echo(secret)


def _to_json(
    key_id: int, text: str, expires_at: datetime | None, guides: "list[EncoderGuide]"
) -> dict[str, Any]:
    return {
        "id": key_id,
        "key": text,
        "expires_at": format_utc(expires_at),
        "encoders": [{"encoder": guide.encoder, **dict(guide.fields)} for guide in guides],
    }
