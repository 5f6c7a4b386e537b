"""`streaming-system plugins`: lists the plugins of the site."""

import dataclasses
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import click

from streaming_system.cli.common import feed_options, one_line_errors
from streaming_system.cli.feed_site import load_feed_site
from streaming_system.cli.tables import print_rows
from streaming_system.plugin_host.inventory import list_plugins
from streaming_system.util.plugin_inventory import PluginInfo, inventory_path, save_inventory

log = logging.getLogger("streaming_system.plugins")


@click.command("plugins")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def plugins_command(ini: Path, as_json: bool) -> None:
    """List the plugins that the site loads, and what each one offers.

    Exit status 1: one of them cannot be loaded.
    """
    with one_line_errors():
        options = load_feed_site(ini).options
        plugins = list_plugins(options.plugin_folder, options.limits)
    if as_json:
        click.echo(
            json.dumps([dataclasses.asdict(p) for p in plugins], ensure_ascii=False, indent=1)
        )
    else:
        print_rows([_row(plugin) for plugin in plugins], as_json=False)
    for plugin in plugins:
        if plugin.error:
            click.secho(f"{plugin.origin}: {plugin.error}", fg="red", err=True)
    if any(plugin.error for plugin in plugins):
        raise click.exceptions.Exit(1)


def _row(plugin: PluginInfo) -> dict[str, str]:
    return {
        "plugin": plugin.name,
        "origin": plugin.origin,
        "hooks": ", ".join(plugin.hooks) or ("FAILED" if plugin.error else ""),
        "offers": ", ".join(plugin.formats),
    }


def record_plugins(settings: Mapping[str, str], schedule_file: Path) -> None:
    """Save the list of plugins for the crew's page."""
    options = feed_options(settings)
    try:
        plugins = list_plugins(options.plugin_folder, options.limits)
        save_inventory(inventory_path(schedule_file), plugins, now=datetime.now(UTC))
    except OSError as error:
        log.warning("the list of plugins cannot be saved: %s", error.strerror)
