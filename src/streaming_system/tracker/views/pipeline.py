"""The state of the pipelines: Flumotion's reports, and the crew's page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.legacy.reports import parse_flumotion_report
from streaming_system.tracker.models import Component
from streaming_system.tracker.pipeline.pipeline import HEARTBEAT_TIMEOUT, current_mood
from streaming_system.tracker.pipeline.timeline import MoodInterval, timeline
from streaming_system.tracker.site_shell import allow_live_page

HISTORY_MINUTES = 10
# The width of a strip, in units of a second.
STRIP_WIDTH = HISTORY_MINUTES * 60
# The order of unhappy components on the page: the worst first.
MOODS_BY_SEVERITY = ("sad", "lost", "hungry", "waking", "sleeping", "happy")


@view_config(route_name="pipeline.report", request_method="POST")
def ingest_report(request: Any) -> Response:
    """Ingest Flumotion's report of the components of one machine."""
    report = parse_flumotion_report(request)
    request.pipeline.report(
        machine=report.machine,
        kind=report.kind,
        components=report.components,
        history=report.history,
        now=request.now,
    )
    return forms.ok_response()


@view_config(route_name="pipeline.report", http_cache=0)
def method_not_allowed(request: Any) -> Response:
    """Return 405 with the expected fields."""
    return forms.method_not_allowed("secret, identifier, type, recorded_time and data")


@view_config(
    route_name="pipeline.stats",
    renderer="streaming_system.tracker:templates/pipeline.jinja2",
    http_cache=0,
)
def pipeline_page(request: Any) -> dict[str, Any]:
    """Show all components of all machines, with their last ten minutes."""
    now = request.now
    allow_live_page(request)
    components = request.pipeline.current(now=now)
    moods: dict[tuple[str, str], list[Any]] = {}
    for mood in request.pipeline.history(now=now, minutes=HISTORY_MINUTES):
        moods.setdefault((mood.machine, mood.name), []).append(mood)
    cells = {
        (component.name, component.machine): _cell(
            component, moods.get((component.machine, component.name), []), now
        )
        for component in components
    }
    return {
        "live": True,
        "now": now,
        "minutes": HISTORY_MINUTES,
        "width": STRIP_WIDTH,
        "names": sorted({component.name for component in components}),
        "machines": _machines(components, now),
        "cells": cells,
        "wrong": sorted(
            (cell for cell in cells.values() if cell["mood"] != "happy"),
            key=lambda cell: MOODS_BY_SEVERITY.index(cell["mood"]),
        ),
    }


def _machines(components: Sequence[Component], now: datetime) -> list[dict[str, Any]]:
    """Return the machines, sorted by name, with the properties that their components share."""
    by_machine: dict[str, list[Component]] = {}
    for component in components:
        by_machine.setdefault(component.machine, []).append(component)
    return [
        {
            "name": name,
            "kinds": sorted({component.kind for component in by_machine[name]}),
            "reported_at": (last := max(each.reported_at for each in by_machine[name])),
            "silent": now - last > HEARTBEAT_TIMEOUT,
            "detail": _shared_detail(by_machine[name]),
        }
        for name in sorted(by_machine)
    ]


def _shared_detail(components: Sequence[Component]) -> str:
    details = {component.detail for component in components}
    return details.pop() if len(details) == 1 else ""


def _cell(component: Component, moods: Sequence[Any], now: datetime) -> dict[str, Any]:
    mood = current_mood(component, now)
    since = component.reported_at if mood != component.mood else component.since
    intervals = timeline(component, moods, now=now, minutes=HISTORY_MINUTES)
    return {
        "name": component.name,
        "machine": component.machine,
        "room": component.room,
        "kind": component.kind,
        "mood": mood,
        "since": since,
        "lasted": _format_duration((now - since).total_seconds()),
        "detail": component.detail,
        "stretches": intervals,
        "bars": [_bar(interval, now) for interval in intervals],
        "words": ", ".join(
            f"{interval.mood} {interval.begin:%H:%M:%S} to {interval.end:%H:%M:%S}"
            for interval in intervals
        ),
    }


def _bar(interval: MoodInterval, now: datetime) -> dict[str, Any]:
    begin = STRIP_WIDTH - (now - interval.begin).total_seconds()
    width = (interval.end - interval.begin).total_seconds()
    return {"mood": interval.mood, "x": round(begin, 1), "width": round(width, 1)}


def _format_duration(seconds: float) -> str:
    if seconds < 0:
        return ""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:,.0f} days"
