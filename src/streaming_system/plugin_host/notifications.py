"""Tells plugins what has happened, in a process of its own: they are strangers' code."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.plugin.feed import FeedError
from streaming_system.plugin.incident import Incident
from streaming_system.plugin_host import hooks
from streaming_system.plugin_host.manager import PluginError, plugin_manager
from streaming_system.plugin_host.sandbox import Limits, run_limited
from streaming_system.schedule.diff import Change

log = logging.getLogger(__name__)

NOTIFY_SECONDS = 10


def tell(
    changes: Sequence[Change], zones: Mapping[str, ZoneInfo], folder: Path | None, limits: Limits
) -> None:
    """Tell plugins what an import has changed, in a process of its own; failures are logged.

    :param folder: of the plugins.
    :param limits: of memory, that is; the time is :data:`NOTIFY_SECONDS`.
    """
    if not changes:
        return
    limits = Limits(seconds=NOTIFY_SECONDS, memory=limits.memory)
    try:
        run_limited(_tell, (list(changes), dict(zones), folder), limits)
    except (FeedError, PluginError) as error:
        log.warning("telling plugins of the changes: %s", error)


def _tell(changes: list[Change], zones: dict[str, ZoneInfo], folder: Path | None) -> None:
    hooks.tell(plugin_manager(folder), changes, zones)


def incident_listeners(folder: Path | None, limits: Limits) -> Sequence[str]:
    """Return the names of the plugins that want to hear what is wrong.

    :raises FeedError: if finding them takes too long.
    :raises PluginError: if a plugin cannot be loaded.
    """
    limits = Limits(seconds=NOTIFY_SECONDS, memory=limits.memory)
    names: Sequence[str] = run_limited(_incident_listeners, (folder,), limits)
    return names


def _incident_listeners(folder: Path | None) -> Sequence[str]:
    return hooks.incident_listeners(plugin_manager(folder))


def tell_incident(
    name: str, incident: Incident, options: Mapping[str, str], folder: Path | None, limits: Limits
) -> None:
    """Tell one plugin what is wrong, or over, in a process of its own.

    :raises FeedError: if it fails, or takes too long.
    :raises PluginError: if a plugin cannot be loaded.
    """
    limits = Limits(seconds=NOTIFY_SECONDS, memory=limits.memory)
    run_limited(_tell_incident, (name, incident, dict(options), folder), limits)


def _tell_incident(
    name: str, incident: Incident, options: Mapping[str, str], folder: Path | None
) -> None:
    hooks.tell_incident(plugin_manager(folder), name, incident, options)
