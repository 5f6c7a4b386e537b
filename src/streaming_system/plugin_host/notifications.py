"""Tells plugins what has happened, in a process of its own: they are strangers' code."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.plugin.feed import FeedError
from streaming_system.plugin.incident import Incident
from streaming_system.plugin_host import hooks
from streaming_system.plugin_host.manager import PluginError, create_plugin_manager
from streaming_system.plugin_host.sandbox import ResourceLimits, run_sandboxed
from streaming_system.schedule.diff import Change

log = logging.getLogger(__name__)

NOTIFY_TIMEOUT = 10


def notify_schedule_changes(
    changes: Sequence[Change],
    zones: Mapping[str, ZoneInfo],
    folder: Path | None,
    limits: ResourceLimits,
) -> None:
    """Tell plugins what an import has changed, in a process of its own; failures are logged.

    :param folder: of the plugins.
    :param limits: of memory, that is; the time is :data:`NOTIFY_TIMEOUT`.
    """
    if not changes:
        return
    limits = ResourceLimits(seconds=NOTIFY_TIMEOUT, memory=limits.memory)
    try:
        run_sandboxed(_notify_schedule_changes, (list(changes), dict(zones), folder), limits)
    except (FeedError, PluginError) as error:
        log.warning("telling plugins of the changes: %s", error)


def _notify_schedule_changes(
    changes: list[Change], zones: dict[str, ZoneInfo], folder: Path | None
) -> None:
    hooks.notify_changes(create_plugin_manager(folder), changes, zones)


def incident_subscribers(folder: Path | None, limits: ResourceLimits) -> Sequence[str]:
    """Return the names of the plugins that want to hear what is wrong.

    :raises FeedError: if finding them takes too long.
    :raises PluginError: if a plugin cannot be loaded.
    """
    limits = ResourceLimits(seconds=NOTIFY_TIMEOUT, memory=limits.memory)
    names: Sequence[str] = run_sandboxed(_incident_subscribers, (folder,), limits)
    return names


def _incident_subscribers(folder: Path | None) -> Sequence[str]:
    return hooks.incident_subscribers(create_plugin_manager(folder))


def notify_incident(
    name: str,
    incident: Incident,
    options: Mapping[str, str],
    folder: Path | None,
    limits: ResourceLimits,
) -> None:
    """Tell one plugin what is wrong, or over, in a process of its own.

    :raises FeedError: if it fails, or takes too long.
    :raises PluginError: if a plugin cannot be loaded.
    """
    limits = ResourceLimits(seconds=NOTIFY_TIMEOUT, memory=limits.memory)
    run_sandboxed(_notify_incident, (name, incident, dict(options), folder), limits)


def _notify_incident(
    name: str, incident: Incident, options: Mapping[str, str], folder: Path | None
) -> None:
    hooks.notify_incident(create_plugin_manager(folder), name, incident, options)
