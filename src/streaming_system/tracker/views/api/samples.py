"""Metrics over time."""

from datetime import datetime, timedelta
from typing import Any

from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.crew.annotations import MIN_TIME
from streaming_system.tracker.history.time_series import STEPS
from streaming_system.tracker.schemas.samples import MAX_DAYS
from streaming_system.tracker.views.api.serialization import format_utc


@api_view("sample.list")
def list_samples(request: Any) -> dict[str, Any]:
    """Return the metrics of a room's endpoints over time."""
    query = request.validated
    begin, end = _time_range(request)
    requested = next(step for step in STEPS if step >= timedelta(seconds=query["step"]))
    step = max(requested, request.history.finest_step(begin=begin, end=end, now=request.now))
    series = request.history.fetch(begin=begin, end=end, step=step, room=query["room"])
    return {
        "room": query["room"],
        "step": int(step.total_seconds()),
        "times": [format_utc(moment) for moment in series.times],
        "endpoints": [
            {
                "endpoint": name,
                "clients": _round_values(line.clients),
                "bitrate": _round_values(line.bitrate),
            }
            for name, line in series.series.items()
        ],
    }


def _time_range(request: Any) -> tuple[datetime, datetime]:
    end = min(request.validated["to"] or request.now, request.now)
    begin = request.validated["from"] or max(end - timedelta(hours=1), MIN_TIME)
    if begin < MIN_TIME or not timedelta(0) < end - begin <= timedelta(days=MAX_DAYS):
        allowed = f"allowed: before `to` and before now, and at most {MAX_DAYS} days earlier"
        raise api_error(
            "invalid",
            "these are no times to show figures between",
            errors=[{"parameter": "from", "detail": allowed}],
        )
    return begin, end


def _round_values(values: tuple[float, ...]) -> list[float]:
    return [round(value, 2) for value in values]
