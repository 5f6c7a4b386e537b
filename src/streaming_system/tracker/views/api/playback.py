"""Playback: players report, and anyone may query their quality of experience."""

import json
from collections import Counter
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.audience.qoe import QoeMetrics
from streaming_system.tracker.ingest.player_report import PlayerReport
from streaming_system.tracker.ingest.report_scheduler import validity
from streaming_system.tracker.rate_limiting import client_key
from streaming_system.tracker.schemas.playback import CMCD_FORMATS, is_session_end
from streaming_system.tracker.views.api.serialization import format_utc

# Pages of other sites send reports without a preflight request: as text, and without cookies.
CORS_ANY_ORIGIN = ("Access-Control-Allow-Origin", "*")


@api_view("playback.report", preferred=True)
def report_playback(request: Any) -> Response:
    """Ingest the report of a player."""
    report = _player_report(request, request.validated)
    seconds = request.registry["report_ingest"].submit_playback(report, now=request.now)
    body = {"next": seconds, "until": format_utc(request.now + validity(seconds))}
    # Pyramid's renderer would take longer than the rest of this view.
    return Response(json.dumps(body).encode(), content_type="application/json")


@api_view("playback.get", http_cache=1)
def get_room_qoe(request: Any) -> dict[str, Any]:
    """Return the viewers of a room and their quality of experience."""
    room, minutes = request.validated["room"], request.validated["minutes"]
    query = {"now": request.now, "minutes": minutes, "room": room}
    others: Counter[str] = Counter()
    for (_, name), count in request.viewers.non_reporting(now=request.now, room=room).items():
        others[name] += count
    [room_metrics] = request.playback.qoe_metrics(**query, by_endpoint=False) or [
        QoeMetrics(room=room, endpoint=None)
    ]
    return {
        "room": room,
        "generated_at": format_utc(request.now),
        "minutes": minutes,
        **_qoe_json(room_metrics, sum(others.values())),
        "endpoints": [
            {"endpoint": each.endpoint, **_qoe_json(each, others[each.endpoint])}
            for each in request.playback.qoe_metrics(**query)
        ],
    }


@view_config(route_name="api.playback", request_method="OPTIONS")
def preflight(request: Any) -> Response:
    """Allow pages of other sites to send reports as JSON."""
    response = Response(status=204)
    response.headers.update(
        [
            CORS_ANY_ORIGIN,
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Allow-Headers", "Content-Type"),
            ("Access-Control-Max-Age", "86400"),
        ]
    )
    return response


def _player_report(request: Any, body: dict[str, Any]) -> PlayerReport:
    return PlayerReport(
        sid=body["sid"],
        room=body["room"],
        endpoint=body["cdn"],
        format=body["format"] or CMCD_FORMATS.get(body["sf"], ""),
        quality=body["quality"],
        startup_ms=body["msd"],
        played_ms=body["played"],
        rebuffer_ms=body["bsda"],
        rebuffers=body["bsa"],
        dropped=body["dfa"],
        errors=body["errors"],
        bitrate=None if body["br"] is None else 1000 * body["br"],
        leaving=is_session_end(body),
        hidden=body["bg"],
        client=client_key(request.remote_addr),
        network=request.registry["player_networks"].bucket(request.remote_addr),
    )


def _qoe_json(metrics: QoeMetrics, others: int) -> dict[str, Any]:
    return {
        "viewers": {"players": metrics.viewers, "others": others},
        "starts": metrics.starts,
        "startup_p50_ms": metrics.startup_p50_ms,
        "startup_p95_ms": metrics.startup_p95_ms,
        "played_ms": metrics.played_ms,
        "rebuffers": metrics.rebuffers,
        "rebuffer_ms": metrics.rebuffer_ms,
        "rebuffer_ratio": metrics.rebuffer_ratio,
        "errors": metrics.errors,
        "errors_per_hour": metrics.errors_per_hour,
        "dropped": metrics.dropped,
        "bitrate": metrics.bitrate,
    }
