"""What a player's report may claim: no more than happened since its last one.

Anybody may report, under any number of invented identifiers. So the tracker's clock bounds each
claim: a player cannot have played or stalled for longer than the tracker has known it.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from streaming_system.tracker.ingest.player_report import TOTAL_COLUMNS, PlayerReport

# A single report counts for this long at most. It is also the window of incidents.
MAX_CLAIM = timedelta(minutes=5)
# The first report is sent when playback begins: it contains a moment of playing, and no stall.
MAX_FIRST_PLAYED_MS = 2_000
# Networks delay and repeat reports: a claim is an outlier above twice the time plus this.
OUTLIER_SLACK_MS = 10_000
# An outlier claims ten times as many events as possible, and this many.
OUTLIER_FACTOR, OUTLIER_SLACK = 10, 100
MAX_PLAUSIBLE_BITRATE = 200_000_000
# The maximum number of events per second, and without any time: a player may fail at its start.
EVENT_RATES: Mapping[str, tuple[float, int]] = {
    "rebuffers": (1.0, 0),
    "errors": (0.1, 1),
    "dropped": (120.0, 0),
}
_MS = timedelta(milliseconds=1)


def counted_columns(
    report: PlayerReport,
    claims: Mapping[str, int],
    elapsed: timedelta | None,
    startup_ms: int | None,
) -> dict[str, Any]:
    """Return what counts of a report, as columns of :class:`models.Playback`.

    :param claims: the increase of the player's totals, by the names in :data:`TOTAL_COLUMNS`.
    :param elapsed: since the player's last report, by the tracker's clock; ``None`` for its first.
    :param startup_ms: the startup time, if it is new.
    """
    totals = bound_claims(claims, elapsed)
    columns = {"network": report.network, "outliers": int(totals is None)}
    if totals is None:
        return columns | dict.fromkeys(TOTAL_COLUMNS, 0) | {"startup_ms": None, "bitrate": None}
    has_bitrate = report.bitrate is not None and report.bitrate <= MAX_PLAUSIBLE_BITRATE
    bitrate = report.bitrate if has_bitrate else None
    return columns | totals | {"startup_ms": startup_ms, "bitrate": bitrate}


def bound_claims(claims: Mapping[str, int], elapsed: timedelta | None) -> dict[str, int] | None:
    """Return what counts of the increase of a player's totals.

    The result is ``None`` for an outlier: a report that claims what cannot be.

    :param elapsed: since the player's last report; ``None`` for its first.
    """
    known_ms = max(0, (elapsed or timedelta()) // _MS)
    if _is_outlier(claims, None if elapsed is None else known_ms):
        return None
    counted_ms = min(known_ms, MAX_CLAIM // _MS)
    played, rebuffer = claims["played_ms"], claims["rebuffer_ms"]
    if elapsed is None:
        played, rebuffer = min(played, MAX_FIRST_PLAYED_MS), 0
    elif played + rebuffer > counted_ms:
        # The ratio of both stays.
        rebuffer = rebuffer * counted_ms // (played + rebuffer)
        played = counted_ms - rebuffer
    # Nearly always, there are none.
    events = {
        name: claims[name] and min(claims[name], _max_events(name, counted_ms))
        for name in EVENT_RATES
    }
    return {"played_ms": played, "rebuffer_ms": rebuffer, **events}


def _is_outlier(claims: Mapping[str, int], known_ms: int | None) -> bool:
    """Return whether a claim cannot be explained by delayed or lost reports.

    :param known_ms: ``None`` for a player's first report; earlier ones may have been lost.
    """
    max_ms = MAX_CLAIM // _MS if known_ms is None else 2 * known_ms + OUTLIER_SLACK_MS
    if claims["played_ms"] + claims["rebuffer_ms"] > max_ms:
        return True
    return any(
        claims[name] > OUTLIER_SLACK
        and claims[name] > OUTLIER_FACTOR * _max_events(name, max_ms) + OUTLIER_SLACK
        for name in EVENT_RATES
    )


def _max_events(name: str, milliseconds: int) -> int:
    rate, initial = EVENT_RATES[name]
    return initial + int(rate * milliseconds / 1000)
