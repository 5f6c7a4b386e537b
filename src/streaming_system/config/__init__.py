"""What the conference is: config.json with config.private.json laid over it, checked."""

from streaming_system.config.load import RESERVED_IDS, ROOM_ID, ConfigError, from_settings, load
from streaming_system.config.model import (
    EXAMPLE_SECRET,
    Config,
    Fallback,
    Posts,
    Region,
    Room,
    Site,
    TimedSource,
)

__all__ = [
    "EXAMPLE_SECRET",
    "RESERVED_IDS",
    "ROOM_ID",
    "Config",
    "ConfigError",
    "Fallback",
    "Posts",
    "Region",
    "Room",
    "Site",
    "TimedSource",
    "from_settings",
    "load",
]
