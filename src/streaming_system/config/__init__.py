"""The conference: config.json, overridden by config.private.json, validated."""

from streaming_system.config.findings import Finding
from streaming_system.config.loader import (
    CheckedConference,
    check_configuration,
    configuration_files,
    load_conference,
    load_conference_from_settings,
)
from streaming_system.config.model import (
    EXAMPLE_SECRET,
    ConferenceConfig,
    ConfigError,
    Fallback,
    MastodonFeed,
    Region,
    Room,
    SiteConfig,
    TimedSource,
)
from streaming_system.config.relive_source import ReliveSource
from streaming_system.config.room_ids import RESERVED_ROOM_IDS, ROOM_ID_PATTERN

__all__ = [
    "EXAMPLE_SECRET",
    "RESERVED_ROOM_IDS",
    "ROOM_ID_PATTERN",
    "CheckedConference",
    "ConferenceConfig",
    "ConfigError",
    "Fallback",
    "Finding",
    "MastodonFeed",
    "Region",
    "ReliveSource",
    "Room",
    "SiteConfig",
    "TimedSource",
    "check_configuration",
    "configuration_files",
    "load_conference",
    "load_conference_from_settings",
]
