"""Delivers incidents to plugins: once to each, with retries for plugins that fail."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from streaming_system.net import ssrf
from streaming_system.plugin.incident import Incident
from streaming_system.plugin_host.manager import PluginError
from streaming_system.plugin_host.notifications import incident_subscribers, notify_incident
from streaming_system.plugin_host.sandbox import ResourceLimits, SandboxError
from streaming_system.util.backoff import Backoff

log = logging.getLogger(__name__)

MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 10.0, 600.0
# Plugins get the ini keys with these prefixes: their own options, and the SSRF allow list.
PLUGIN_SETTING_PREFIXES = ("plugin.", ssrf.SETTING)


class _DeliveryState:
    """The delivery of one incident that has been opened or resolved."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.delivered_to: set[str] = set()
        # Exact delays: one process sends all notifications.
        self.backoff = Backoff(
            initial=MIN_BACKOFF_SECONDS, maximum=MAX_BACKOFF_SECONDS, jitter=0, clock=clock
        )


class IncidentNotifier:
    """Notifies plugins of incidents. Deliveries are remembered until the process ends.

    :param settings: the ini; plugins get the keys with :data:`PLUGIN_SETTING_PREFIXES`.
    :param limits: the limit of memory of a plugin.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        plugin_folder: Path | None,
        limits: ResourceLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = {
            key: value for key, value in settings.items() if key.startswith(PLUGIN_SETTING_PREFIXES)
        }
        self._plugin_folder = plugin_folder
        self._limits = limits
        self._clock = clock
        self._deliveries: dict[tuple[int, bool], _DeliveryState] = {}

    def notify(self, incident: Incident) -> bool:
        """Notify the plugins that have not got the incident; return whether all of them have.

        A call during the backoff after a failure does nothing, and returns ``False``.
        """
        key = (incident.id, incident.closed_at is None)
        delivery = self._deliveries.setdefault(key, _DeliveryState(self._clock))
        if delivery.backoff.remaining():
            return False
        if self._notify_subscribers(incident, delivery):
            del self._deliveries[key]
            return True
        delivery.backoff.record_failure()
        return False

    def _notify_subscribers(self, incident: Incident, delivery: _DeliveryState) -> bool:
        try:
            names = incident_subscribers(self._plugin_folder, self._limits)
        except (SandboxError, PluginError) as error:
            log.warning("notifying plugins of an incident failed: %s", error)
            return False
        for name in names:
            if name not in delivery.delivered_to and self._notify_one(name, incident):
                delivery.delivered_to.add(name)
        return delivery.delivered_to.issuperset(names)

    def _notify_one(self, name: str, incident: Incident) -> bool:
        try:
            notify_incident(name, incident, self._options, self._plugin_folder, self._limits)
        except (SandboxError, PluginError) as error:
            log.warning("notifying %s of an incident failed: %s", name, error)
            return False
        return True
