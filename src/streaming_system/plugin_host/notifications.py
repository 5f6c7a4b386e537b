"""Notifies plugins of schedule changes and incidents, each time in a sandbox."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from streaming_system.plugin.incident import Incident
from streaming_system.plugin_host import hooks
from streaming_system.plugin_host.manager import PluginError, create_plugin_manager
from streaming_system.plugin_host.sandbox import ResourceLimits, SandboxError, run_sandboxed
from streaming_system.schedule.diff import Change

log = logging.getLogger(__name__)

NOTIFY_TIMEOUT = 10  # seconds


def notify_schedule_changes(
    changes: Sequence[Change],
    zones: Mapping[str, ZoneInfo],
    plugin_folder: Path | None,
    limits: ResourceLimits,
) -> None:
    """Notify plugins of the changes of an import; log failures.

    :param limits: the limit of memory; the time limit is :data:`NOTIFY_TIMEOUT`.
    """
    if not changes:
        return
    try:
        run_sandboxed(
            "notifying plugins of schedule changes",
            _notify_schedule_changes,
            (list(changes), dict(zones), plugin_folder),
            _notification_limits(limits),
        )
    except (SandboxError, PluginError) as error:
        log.warning("notifying plugins of schedule changes failed: %s", error)


def _notify_schedule_changes(
    changes: list[Change], zones: dict[str, ZoneInfo], plugin_folder: Path | None
) -> None:
    hooks.notify_changes(create_plugin_manager(plugin_folder), changes, zones)


def incident_subscribers(plugin_folder: Path | None, limits: ResourceLimits) -> Sequence[str]:
    """Return the names of the plugins that get incidents.

    :raises SandboxError: if loading the plugins exceeds a limit.
    :raises PluginError: if a plugin cannot be loaded.
    """
    names: Sequence[str] = run_sandboxed(
        "loading plugins", _incident_subscribers, (plugin_folder,), _notification_limits(limits)
    )
    return names


def _incident_subscribers(plugin_folder: Path | None) -> Sequence[str]:
    return hooks.incident_subscribers(create_plugin_manager(plugin_folder))


def notify_incident(
    name: str,
    incident: Incident,
    options: Mapping[str, str],
    plugin_folder: Path | None,
    limits: ResourceLimits,
) -> None:
    """Notify one plugin of an incident.

    :raises SandboxError: if it exceeds a limit.
    :raises PluginError: if it fails, or a plugin cannot be loaded.
    """
    run_sandboxed(
        "the notification",
        _notify_incident,
        (name, incident, dict(options), plugin_folder),
        _notification_limits(limits),
    )


def _notify_incident(
    name: str, incident: Incident, options: Mapping[str, str], plugin_folder: Path | None
) -> None:
    hooks.notify_incident(create_plugin_manager(plugin_folder), name, incident, options)


def _notification_limits(limits: ResourceLimits) -> ResourceLimits:
    return ResourceLimits(timeout=NOTIFY_TIMEOUT, max_memory_bytes=limits.max_memory_bytes)
