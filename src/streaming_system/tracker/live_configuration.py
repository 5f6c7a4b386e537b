"""The configuration of the conference, which is loaded again when its files change."""

import logging
from collections.abc import Mapping
from typing import Any

from streaming_system.config import ConferenceConfig
from streaming_system.config.differences import (
    Summary,
    describe_differences,
    summarise_conference,
)
from streaming_system.config.worker_records import WorkerRecord, trigger_file
from streaming_system.tracker.audience.ended_rooms import EndedRooms
from streaming_system.tracker.endpoints.fallback_groups import FallbackGroups
from streaming_system.tracker.endpoints.regions import Regions
from streaming_system.tracker.event_rooms import EventRooms
from streaming_system.tracker.settings import load_conference, secret_warning
from streaming_system.util.file_watch import FileWatch
from streaming_system.web.reloader import Reloader, ReloadStatus

log = logging.getLogger(__name__)


class LiveConfiguration:
    """One valid configuration, and what the tracker derives from it.

    :raises StartupError: if a file of the settings cannot be read.
    """

    def __init__(self, conference: ConferenceConfig, settings: Mapping[str, Any]) -> None:
        self.conference = conference
        self.fallback_groups = FallbackGroups(conference.rooms)
        self.ended_rooms = EndedRooms(conference.rooms)
        self.regions = Regions(
            conference.site.regions, settings["region.header"], settings["region.file"]
        )

    def room_number(self, room: str) -> int:
        """Return the position of a room or group in the configuration; unknown ones come last."""
        groups = self.conference.groups
        return groups.index(room) if room in groups else len(groups)

    def summary(self) -> Summary:
        """Return what people may want to know of a change, by part and key."""
        return summarise_conference(self.conference)


def create_reloader(settings: Mapping[str, Any]) -> Reloader[LiveConfiguration]:
    """Return the provider of the current configuration.

    :raises StartupError: if the configuration is invalid.
    """
    record = WorkerRecord(settings, "tracker")
    events = EventRooms()

    def load(watch: FileWatch) -> LiveConfiguration:
        conference = load_conference(settings, watch, events)
        for warning in conference.warnings:
            log.warning("%s", warning)
        if problem := secret_warning(conference):
            log.warning("the secret in section 'config' %s", problem)
        return LiveConfiguration(conference, settings)

    def describe(old: LiveConfiguration, new: LiveConfiguration) -> str:
        return "; ".join(describe_differences(old.summary(), new.summary()))

    def write_record(status: ReloadStatus, configuration: LiveConfiguration) -> None:
        record.update(status, status.refusal, configuration.summary)

    return Reloader(
        load,
        "configuration",
        trigger=trigger_file(settings),
        describe=describe,
        on_check=write_record,
    )


def includeme(config: Any) -> None:
    """Add the configuration to requests; a request uses one version."""
    reloader = create_reloader(config.get_settings())
    config.registry["configuration"] = reloader
    for name, function in {
        "configuration": lambda request: reloader.current(),
        "conference": lambda request: request.configuration.conference,
        "fallback_groups": lambda request: request.configuration.fallback_groups,
        "ended_rooms": lambda request: request.configuration.ended_rooms,
        "regions": lambda request: request.configuration.regions,
    }.items():
        config.add_request_method(function, name, reify=True)
