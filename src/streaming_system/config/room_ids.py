"""The ids of rooms: allowed characters, and names that the site uses itself."""

import re

ROOM_ID_PATTERN = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)

# First path segments of the site and of the legacy protocol. A test compares this set with the
# routes of both apps.
RESERVED_ROOM_IDS = frozenset(
    {
        "about",
        "accounts",
        "admin",
        "api",
        "atom",
        "brand",
        "captions",
        "config",
        "default",
        "embed",
        "endpoint",
        "favourites",
        "feedback",
        "flumotion",
        "graphs",
        "health",
        "healthz",
        "json",
        "login",
        "logout",
        "manifest",
        "metrics",
        "monitor",
        "multiview",
        "now",
        "oembed",
        "offline",
        "posts",
        "preview",
        "push",
        "privacy",
        "readyz",
        "relive",
        "rss",
        "schedule",
        "search",
        "static",
        "streams",
        "talk",
        "talks",
        "theme",
        "tracker",
        "wall",
        "words",
    }
)


def validate_room_id(room_id: str) -> None:
    """Check the syntax of a room id, and that the site does not use it itself.

    :raises ValueError: with the allowed values.
    """
    if not ROOM_ID_PATTERN.fullmatch(room_id):
        raise ValueError("a room id is 1 to 64 of the characters A-Z a-z 0-9 _")
    if room_id.lower() in RESERVED_ROOM_IDS:
        raise ValueError(
            f"the site itself uses /{room_id}; choose another id, "
            f"not one of: {', '.join(sorted(RESERVED_ROOM_IDS))}"
        )
