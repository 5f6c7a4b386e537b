"""The former name of `streaming-system agent`."""

import click

# Commands of the former `streaming-system encoder` whose names have changed.
RENAMED_COMMANDS = {"watch": "supervise", "fake": "fake-encoder"}


class RenamedCommandError(click.ClickException):
    """Wrong usage: the command has another name."""

    exit_code = 2


@click.command("encoder", hidden=True, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def renamed_encoder(arguments: tuple[str, ...]) -> None:
    """Refuse the former name of the commands."""
    command = RENAMED_COMMANDS.get(arguments[0], arguments[0]) if arguments else "--help"
    raise RenamedCommandError(f"this command is now called: streaming-system agent {command}")
