"""What a caller may say to us."""

from streaming_system.tracker.schemas.figures import (
    FIGURES,
    MAX_BITRATE,
    MAX_CLIENTS,
    STREAMS,
    BadFigures,
    EndpointFigures,
    Figure,
    read_figures,
)

__all__ = [
    "FIGURES",
    "MAX_BITRATE",
    "MAX_CLIENTS",
    "STREAMS",
    "BadFigures",
    "EndpointFigures",
    "Figure",
    "read_figures",
]
