"""Tells plugins what is wrong: each of them once, and again later where one fails."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from streaming_system.net import ssrf
from streaming_system.plugin.feed import FeedError
from streaming_system.plugin.incident import Incident
from streaming_system.plugin_host.manager import PluginError
from streaming_system.plugin_host.notifications import incident_subscribers, notify_incident
from streaming_system.plugin_host.sandbox import ResourceLimits

log = logging.getLogger(__name__)

MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 10.0, 600.0
# Words of the ini for plugins begin so; whom they may ask is for all.
PLUGIN_SETTING_PREFIXES = ("plugin.", ssrf.SETTING)


@dataclass
class _DeliveryState:
    """What has come of telling one thing.

    :param told: the plugins that have heard it.
    :param next: when to try again, by the clock of :class:`IncidentNotifier`.
    """

    told: set[str] = field(default_factory=set)
    failures: int = 0
    next: float = float("-inf")


class IncidentNotifier:
    """Tells plugins. What it knows of failures ends with the process.

    :param settings: what the ini says; plugins get the keys that begin as :data:`PLUGIN_SETTING_PREFIXES` says.
    :param folder: of the plugins.
    :param limits: what a plugin may cost.
    """

    def __init__(
        self,
        settings: Mapping[str, str],
        folder: Path | None,
        limits: ResourceLimits,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = {
            key: text for key, text in settings.items() if key.startswith(PLUGIN_SETTING_PREFIXES)
        }
        self._folder = folder
        self._limits = limits
        self._clock = clock
        self._attempts: dict[tuple[int, bool], _DeliveryState] = {}

    def tell(self, incident: Incident) -> bool:
        """Tell every plugin that has not heard it; return whether all of them have.

        After a failure nothing happens for a while, longer each time.
        """
        key = (incident.id, incident.closed_at is None)
        attempt = self._attempts.setdefault(key, _DeliveryState())
        if self._clock() < attempt.next:
            return False
        if self._tell(incident, attempt):
            del self._attempts[key]
            return True
        wait = min(MIN_BACKOFF_SECONDS * 2.0**attempt.failures, MAX_BACKOFF_SECONDS)
        attempt.failures += 1
        attempt.next = self._clock() + wait
        return False

    def _tell(self, incident: Incident, attempt: _DeliveryState) -> bool:
        well = True
        try:
            for name in incident_subscribers(self._folder, self._limits):
                if name not in attempt.told:
                    well = self._tell_one(name, incident, attempt) and well
        except (FeedError, PluginError) as error:
            log.warning("telling plugins of an incident: %s", error)
            return False
        return well

    def _tell_one(self, name: str, incident: Incident, attempt: _DeliveryState) -> bool:
        try:
            notify_incident(name, incident, self._options, self._folder, self._limits)
        except (FeedError, PluginError) as error:
            log.warning("telling %s of an incident: %s", name, error)
            return False
        attempt.told.add(name)
        return True
