"""Figures over time, for graphs."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import colander
from pyramid.httpexceptions import HTTPBadRequest
from pyramid.view import view_config

from streaming_system.tracker.graph_query import GraphQuery, read_query
from streaming_system.tracker.models import Annotation
from streaming_system.tracker.services.epoch import to_ms
from streaming_system.tracker.services.history import Line, Lines

# A graph of days need not be newer than this, however many people look at it.
LONGEST_CACHE = timedelta(seconds=5)
SHORTEST_CACHE = timedelta(seconds=1)


@view_config(route_name="graphs", renderer="json")
def overall_stats(request: Any) -> dict[str, Any]:
    """Return bitrate and viewers over time: of every room, or of the endpoints of one."""
    query = _query(request)
    begin = request.now - query.length
    step = request.history.step(begin=begin, end=request.now, now=request.now)
    found = request.history.bitrate_and_clients(
        begin=begin, end=request.now, step=step, room=query.room
    )
    names = _names(request, found, query.room)
    request.response.cache_expires(int(min(max(step / 10, SHORTEST_CACHE), LONGEST_CACHE).seconds))
    request.response.cache_control.public = True
    # Anybody may draw graphs of their own.
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    return {
        "graphs": [
            _graph("Overall Bitrate", "Mbit/s", found, names, lambda line: _mega(line.bitrate)),
            _graph("Overall Clients", "viewers", found, names, lambda line: _round(line.clients)),
        ],
        "annotations": [
            _annotation(noted)
            for noted in request.annotations.between(begin, request.now, query.room)
        ],
    }


def _query(request: Any) -> GraphQuery:
    try:
        return read_query(request.GET)
    except colander.Invalid as error:
        raise HTTPBadRequest("; ".join(error.asdict().values())) from None


def _graph(
    title: str,
    unit: str,
    found: Lines,
    names: Mapping[str, str],
    figures: Callable[[Line], list[float]],
) -> dict[str, Any]:
    times = [to_ms(moment) for moment in found.times]
    return {
        "title": title,
        "stacked": True,
        "unit": unit,
        "step": found.step.total_seconds(),
        "series": [
            {
                "label": label,
                "title": name,
                "data": list(zip(times, figures(found.lines[label]), strict=True)),
            }
            for label, name in names.items()
        ],
    }


def _names(request: Any, found: Lines, room: str | None) -> dict[str, str]:
    """Return what people call each line, by its label; rooms that are configured come first."""
    rooms = {} if room else request.registry.settings["conference"].rooms
    known = {each.id: each.title for each in rooms.values() if each.id in found.lines}
    return known | {label: label for label in found.lines if label not in known}


def _annotation(noted: Annotation) -> dict[str, Any]:
    return {"x": to_ms(noted.at), "label": noted.label, "room": noted.room or None}


def _mega(figures: tuple[float, ...]) -> list[float]:
    return [round(figure / 1_000_000, 3) for figure in figures]


def _round(figures: tuple[float, ...]) -> list[float]:
    return [round(figure, 1) for figure in figures]
