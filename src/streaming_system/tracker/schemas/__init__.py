"""What a caller may say to us."""

from streaming_system.tracker.schemas.figures import (
    MAX_BITRATE,
    MAX_CLIENTS,
    STREAMS,
    BadFigures,
    Figure,
    read_figures,
)

__all__ = [
    "MAX_BITRATE",
    "MAX_CLIENTS",
    "STREAMS",
    "BadFigures",
    "Figure",
    "read_figures",
]
