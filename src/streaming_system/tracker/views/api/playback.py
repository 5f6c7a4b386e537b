"""Players, for programs: they report here, and anybody may look at the figures."""

import json
from datetime import datetime
from typing import Any

import colander
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.errors import Problem
from streaming_system.tracker.schemas.playback import STREAMING_FORMATS, PlaybackReport, is_gone
from streaming_system.tracker.services.playback import PlayerReport, counts_for
from streaming_system.tracker.services.quality import PlaybackFigures

MAX_BODY = 8 * 1024
MOST_MINUTES = 60
REPORT = PlaybackReport()
# A page of another site sends a report without asking first: as text, and without cookies.
ANY_SITE = ("Access-Control-Allow-Origin", "*")


@view_config(route_name="api.playback", request_method="POST", renderer="json", http_cache=0)
def report(request: Any) -> dict[str, Any]:
    """Take a player's report."""
    room = _room(request)
    sent = _sent(request)
    seconds = request.playback.report(_player(room, sent), now=request.now)
    request.response.headers.update([ANY_SITE])
    return {"next": seconds, "until": _utc(request.now + counts_for(seconds))}


@view_config(route_name="api.playback", request_method="GET", renderer="json", http_cache=1)
def figures(request: Any) -> dict[str, Any]:
    """Return how many watch a room, and how well they can."""
    room, minutes = _room(request), _minutes(request)
    which = {"now": request.now, "minutes": minutes, "room": room}
    others = request.viewers.others(now=request.now, room=room)
    [whole] = request.playback.figures(**which, by_endpoint=False) or [
        PlaybackFigures(room=room, endpoint=None)
    ]
    request.response.headers.update([ANY_SITE])
    return {
        "room": room,
        "generated_at": _utc(request.now),
        "minutes": minutes,
        **_figures(whole, sum(others.values())),
        "endpoints": [
            {"endpoint": each.endpoint, **_figures(each, others.get((room, each.endpoint), 0))}
            for each in request.playback.figures(**which)
        ],
    }


@view_config(route_name="api.playback", request_method="OPTIONS")
def preflight(request: Any) -> Response:
    """Let pages of other sites send reports as JSON, too."""
    answer = Response(status=204)
    answer.headers.update(
        [
            ANY_SITE,
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Allow-Headers", "Content-Type"),
            ("Access-Control-Max-Age", "86400"),
        ]
    )
    return answer


def _room(request: Any) -> str:
    room: str = request.matchdict["room"]
    if room not in request.registry.settings["conference"].rooms:
        raise Problem(
            404, "unknown-room", "There is no such room", "the conference has no room of that id"
        )
    return room


def _minutes(request: Any) -> int:
    text = request.GET.get("minutes", "5")
    if not (
        len(text) <= 2 and text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_MINUTES
    ):
        raise _invalid({"minutes": f"allowed: a whole number, 1 to {MOST_MINUTES}"})
    return int(text)


def _sent(request: Any) -> dict[str, Any]:
    length = request.content_length
    # A body of unknown length would be read whole before anyone could look at it.
    if length is None or length > MAX_BODY:
        detail = f"a report has at most {MAX_BODY} bytes"
        raise Problem(413, "body-too-large", "The body is too large", detail, limit=MAX_BODY)
    try:
        sent: dict[str, Any] = REPORT.deserialize(json.loads(request.body.decode()))
    except colander.Invalid as error:
        raise _invalid(error.asdict()) from None
    except (ValueError, RecursionError):
        raise Problem(400, "bad-json", "The body is not JSON", "send one JSON object") from None
    return sent


def _invalid(errors: dict[str, str]) -> Problem:
    return Problem(
        400, "invalid", "Values are not allowed", "something sent is not allowed", errors=errors
    )


def _player(room: str, sent: dict[str, Any]) -> PlayerReport:
    return PlayerReport(
        sid=sent["sid"],
        room=room,
        endpoint=sent["cdn"],
        format=sent["format"] or STREAMING_FORMATS.get(sent["sf"], ""),
        quality=sent["quality"],
        startup_ms=sent["msd"],
        played_ms=sent["played"],
        rebuffer_ms=sent["bsda"],
        rebuffers=sent["bsa"],
        dropped=sent["dfa"],
        errors=sent["errors"],
        bitrate=None if sent["br"] is None else 1000 * sent["br"],
        leaving=is_gone(sent),
        hidden=sent["bg"],
    )


def _figures(figures: PlaybackFigures, others: int) -> dict[str, Any]:
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


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
