"""`streaming-system config show`: the merged configuration, and the file of each key."""

import json
from pathlib import Path

import click

from streaming_system.cli.common import one_line_errors
from streaming_system.config.ini import load_app_settings
from streaming_system.config.loader import merge_files
from streaming_system.config.overrides import load_overrides, overrides_file

HIDDEN_KEYS = frozenset({"secret"})


@click.command("show")
@click.pass_obj
def config_show(ini: Path) -> None:
    """Show the configuration in service, the file of each key, and the changes of the crew."""
    with one_line_errors():
        settings = load_app_settings(ini, "frontend")
        merged = merge_files(settings)
        conference = merged.build()
        changes = load_overrides(overrides_file(settings))
    for section in ("config", "default", *conference.rooms):
        click.echo(f"{section}:")
        for key, value in merged.sections[section].items():
            text = "…" if key in HIDDEN_KEYS else json.dumps(value, ensure_ascii=False)
            click.echo(f"  {key}: {text}  ({merged.key_files[section, key]})")
    if changes.order:
        click.echo(f"order of the rooms: {', '.join(changes.order)}  ({overrides_file(settings)})")
    for state in reversed(changes.previous):
        click.echo(f"changed {state.at} by {state.account}: {state.change}")
