"""The conference: config.json, overridden by config.private.json, validated."""

from streaming_system.config.loader import (
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
from streaming_system.config.room_ids import RESERVED_ROOM_IDS, ROOM_ID_PATTERN

__all__ = [
    "EXAMPLE_SECRET",
    "RESERVED_ROOM_IDS",
    "ROOM_ID_PATTERN",
    "ConferenceConfig",
    "ConfigError",
    "Fallback",
    "MastodonFeed",
    "Region",
    "Room",
    "SiteConfig",
    "TimedSource",
    "configuration_files",
    "load_conference",
    "load_conference_from_settings",
]
