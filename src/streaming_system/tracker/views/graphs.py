"""Figures over time, for graphs."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import colander
from pyramid.httpexceptions import HTTPBadRequest, HTTPNotFound
from pyramid.view import view_config

from streaming_system.tracker.audience.viewer_history import ViewerSeries
from streaming_system.tracker.history.graph_query import GraphQuery, parse_graph_query
from streaming_system.tracker.history.sql_time import to_ms
from streaming_system.tracker.history.time_series import SeriesSet
from streaming_system.tracker.models import Annotation

# A graph of days need not be newer than this, however many people look at it.
MAX_CACHE_TTL = timedelta(seconds=5)
MIN_CACHE_TTL = timedelta(seconds=1)

MEGA = 1_000_000
_MILLISECOND = timedelta(milliseconds=1)


@view_config(route_name="graphs", renderer="json")
def overall_stats(request: Any) -> dict[str, Any]:
    """Return figures over time of every room, or of the endpoints of one."""
    query = _parse_query(request)
    begin = request.now - query.length
    step = request.history.step(begin=begin, end=request.now, now=request.now)
    span: dict[str, Any] = {"begin": begin, "end": request.now, "step": step, "room": query.room}
    noted = request.annotations.between(begin, request.now, query.room)
    request.response.cache_expires(int(min(max(step / 10, MIN_CACHE_TTL), MAX_CACHE_TTL).seconds))
    request.response.cache_control.public = True
    # Anybody may draw graphs of their own.
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    return {
        "graphs": [*_endpoint_graphs(request, span), *_player_graphs(request, span)],
        "annotations": [_annotation_json(each) for each in noted],
    }


def _endpoint_graphs(request: Any, span: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what endpoints report: the graphs that clients of the original know."""
    found = request.history.bitrate_and_clients(**span)
    titles = {} if span["room"] else _room_titles(request)
    bitrate = {name: _round_values(line.bitrate, 3, MEGA) for name, line in found.lines.items()}
    clients = {name: _round_values(line.clients, 1) for name, line in found.lines.items()}
    return [
        _graph("Overall Bitrate", "Mbit/s", found, bitrate, titles),
        _graph("Overall Clients", "viewers", found, clients, titles),
    ]


def _player_graphs(request: Any, span: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what players report, where they do."""
    found = request.audience.watching(**span)
    shares = {name: _round_values(line, 3, 0.01) for name, line in found.rebuffering.items()}
    titles = _room_titles(request)
    graphs = [
        _graph("Viewers by players", "viewers", found, found.viewers, titles),
        _graph("Rebuffering", "%", found, shares, titles, stacked=False),
    ]
    return [graph for graph in graphs if graph["series"]]


def _parse_query(request: Any) -> GraphQuery:
    try:
        query = parse_graph_query(request.GET)
    except colander.Invalid as error:
        raise HTTPBadRequest("; ".join(error.asdict().values())) from None
    if query.room and query.room not in request.registry.settings["conference"].groups:
        raise HTTPNotFound
    return query


def _graph(
    title: str,
    unit: str,
    found: SeriesSet | ViewerSeries,
    lines: Mapping[str, Iterable[float | None]],
    titles: Mapping[str, str],
    stacked: bool = True,
) -> dict[str, Any]:
    length = found.step // _MILLISECOND
    begin = to_ms(found.times[0])
    times = range(begin, begin + length * len(found.times), length)
    return {
        "title": title,
        "stacked": stacked,
        "unit": unit,
        "step": found.step.total_seconds(),
        "series": [
            {
                "label": label,
                "title": titles.get(label, label),
                "data": list(zip(times, lines[label], strict=True)),
            }
            # Rooms that are configured come first.
            for label in dict.fromkeys((*titles, *lines))
            if label in lines
        ],
    }


def _room_titles(request: Any) -> dict[str, str]:
    """Return what people call every room, by its id."""
    rooms = request.registry.settings["conference"].rooms
    return {room.id: room.title for room in rooms.values()}


def _annotation_json(noted: Annotation) -> dict[str, Any]:
    return {"x": to_ms(noted.at), "label": noted.label, "room": noted.room or None}


def _round_values(
    figures: Iterable[float | None], digits: int, unit: float = 1
) -> list[float | None]:
    return [None if figure is None else round(figure / unit, digits) for figure in figures]
