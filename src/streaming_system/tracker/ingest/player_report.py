"""A playback report of one player."""

from dataclasses import dataclass, field, fields

# Sources of a stream that are not endpoints; "" if the player does not know its source.
NON_ENDPOINT_SOURCES = frozenset({"", "youtube", "cdn"})


@dataclass(frozen=True, kw_only=True)
class PlaybackTotals:
    """Playback metrics of one or several players.

    :param rebuffer_ms: milliseconds that the stream stalled during playback.
    """

    played_ms: int = 0
    rebuffer_ms: int = 0
    rebuffers: int = 0
    dropped: int = 0
    errors: int = 0


TOTAL_COLUMNS = tuple(field.name for field in fields(PlaybackTotals))


@dataclass(frozen=True, kw_only=True)
class PlayerReport(PlaybackTotals):
    """A report with the totals since the player started, so a lost report loses no data.

    :param sid: a random identifier that the player generated.
    :param endpoint: the name of the endpoint that the player streams from, or one of
        :data:`NON_ENDPOINT_SOURCES`.
    :param startup_ms: milliseconds from the play request to the first frame; ``None`` until then.
    :param bitrate: of the stream, in bit/s.
    :param leaving: whether this is the last report.
    :param hidden: whether the page is in the background, where browsers throttle reports.
    :param client: the key that new players of its address are counted by; never stored.
    :param network: the bucket of its network; ``None`` if its address is unknown.
    """

    sid: str
    room: str
    endpoint: str = ""
    format: str = ""
    quality: str = ""
    startup_ms: int | None = None
    bitrate: int | None = None
    leaving: bool = False
    hidden: bool = False
    client: str = field(default="", repr=False)
    network: int | None = None
