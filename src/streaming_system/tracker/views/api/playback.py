"""Players, for programs: they report here, and anybody may look at the figures."""

import json
from collections import Counter
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.audience.qoe import QoeMetrics
from streaming_system.tracker.ingest.playback import PlayerReport, validity
from streaming_system.tracker.schemas.playback import CMCD_FORMATS, is_session_end
from streaming_system.tracker.views.api.serialization import format_utc

# A page of another site sends a report without asking first: as text, and without cookies.
CORS_ANY_ORIGIN = ("Access-Control-Allow-Origin", "*")


@api_view("playback.report", often=True)
def report_playback(request: Any) -> Response:
    """Take a player's report."""
    seconds = request.registry["reports"].player(_player_report(request.validated), now=request.now)
    answer = {"next": seconds, "until": format_utc(request.now + validity(seconds))}
    # Pyramid's renderer would cost more than the rest of this view.
    return Response(json.dumps(answer).encode(), content_type="application/json")


@api_view("playback.get", http_cache=1)
def figures(request: Any) -> dict[str, Any]:
    """Return how many watch a room, and how well they can."""
    room, minutes = request.validated["room"], request.validated["minutes"]
    which = {"now": request.now, "minutes": minutes, "room": room}
    others: Counter[str] = Counter()
    for (_, name), count in request.viewers.others(now=request.now, room=room).items():
        others[name] += count
    [whole] = request.playback.figures(**which, by_endpoint=False) or [
        QoeMetrics(room=room, endpoint=None)
    ]
    return {
        "room": room,
        "generated_at": format_utc(request.now),
        "minutes": minutes,
        **_qoe_json(whole, sum(others.values())),
        "endpoints": [
            {"endpoint": each.endpoint, **_qoe_json(each, others[each.endpoint])}
            for each in request.playback.figures(**which)
        ],
    }


@view_config(route_name="api.playback", request_method="OPTIONS")
def preflight(request: Any) -> Response:
    """Let pages of other sites send reports as JSON, too."""
    answer = Response(status=204)
    answer.headers.update(
        [
            CORS_ANY_ORIGIN,
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Allow-Headers", "Content-Type"),
            ("Access-Control-Max-Age", "86400"),
        ]
    )
    return answer


def _player_report(sent: dict[str, Any]) -> PlayerReport:
    return PlayerReport(
        sid=sent["sid"],
        room=sent["room"],
        endpoint=sent["cdn"],
        format=sent["format"] or CMCD_FORMATS.get(sent["sf"], ""),
        quality=sent["quality"],
        startup_ms=sent["msd"],
        played_ms=sent["played"],
        rebuffer_ms=sent["bsda"],
        rebuffers=sent["bsa"],
        dropped=sent["dfa"],
        errors=sent["errors"],
        bitrate=None if sent["br"] is None else 1000 * sent["br"],
        leaving=is_session_end(sent),
        hidden=sent["bg"],
    )


def _qoe_json(figures: QoeMetrics, others: int) -> dict[str, Any]:
    return {
        "viewers": {"players": figures.viewers, "others": others},
        "starts": figures.starts,
        "startup_p50_ms": figures.startup_p50_ms,
        "startup_p95_ms": figures.startup_p95_ms,
        "played_ms": figures.played_ms,
        "rebuffers": figures.rebuffers,
        "rebuffer_ms": figures.rebuffer_ms,
        "rebuffer_ratio": figures.rebuffer_ratio,
        "errors": figures.errors,
        "errors_per_hour": figures.errors_per_hour,
        "dropped": figures.dropped,
        "bitrate": figures.bitrate,
    }
