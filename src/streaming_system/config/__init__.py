"""What the conference is: config.json with config.private.json laid over it, checked."""

from streaming_system.config.load import (
    RESERVED_ROOM_IDS,
    ROOM_ID_PATTERN,
    ConfigError,
    load,
    load_conference_from_settings,
)
from streaming_system.config.model import (
    EXAMPLE_SECRET,
    ConferenceConfig,
    Fallback,
    MastodonFeed,
    Region,
    Room,
    SiteConfig,
    TimedSource,
)

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
    "load",
    "load_conference_from_settings",
]
