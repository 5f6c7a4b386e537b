"""Metrics over time, for graphs."""

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

# The cache lifetime of a graph is a tenth of its step, within these bounds.
MAX_CACHE_TTL = timedelta(seconds=5)
MIN_CACHE_TTL = timedelta(seconds=1)

MEGA = 1_000_000
_MILLISECOND = timedelta(milliseconds=1)


@view_config(route_name="graphs", renderer="json")
def overall_stats(request: Any) -> dict[str, Any]:
    """Return the metrics over time of every room, or of the endpoints of one."""
    query = _parse_query(request)
    begin = request.now - query.length
    step = request.history.finest_step(begin=begin, end=request.now, now=request.now)
    time_range: dict[str, Any] = {
        "begin": begin,
        "end": request.now,
        "step": step,
        "room": query.room,
    }
    annotations = request.annotations.between(begin, request.now, query.room)
    request.response.cache_expires(int(min(max(step / 10, MIN_CACHE_TTL), MAX_CACHE_TTL).seconds))
    request.response.cache_control.public = True
    # Pages of any site may draw graphs.
    request.response.headers["Access-Control-Allow-Origin"] = "*"
    return {
        "graphs": [*_endpoint_graphs(request, time_range), *_player_graphs(request, time_range)],
        "annotations": [_annotation_json(annotation) for annotation in annotations],
    }


def _endpoint_graphs(request: Any, time_range: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the graphs of endpoint reports, which clients of the original use."""
    series = request.history.fetch(**time_range)
    titles = {} if time_range["room"] else _room_titles(request)
    bitrate = {name: _round_values(line.bitrate, 3, MEGA) for name, line in series.series.items()}
    clients = {name: _round_values(line.clients, 1) for name, line in series.series.items()}
    return [
        _graph("Overall Bitrate", "Mbit/s", series, bitrate, titles),
        _graph("Overall Clients", "viewers", series, clients, titles),
    ]


def _player_graphs(request: Any, time_range: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the graphs of playback reports, if there are any."""
    series = request.audience.series(**time_range)
    shares = {name: _round_values(line, 3, 0.01) for name, line in series.rebuffering.items()}
    titles = _room_titles(request)
    graphs = [
        _graph("Viewers by players", "viewers", series, series.viewers, titles),
        _graph("Rebuffering", "%", series, shares, titles, stacked=False),
    ]
    return [graph for graph in graphs if graph["series"]]


def _parse_query(request: Any) -> GraphQuery:
    try:
        query = parse_graph_query(request.GET)
    except colander.Invalid as error:
        raise HTTPBadRequest("; ".join(error.asdict().values())) from None
    if query.room and query.room not in request.conference.groups:
        raise HTTPNotFound
    return query


def _graph(
    title: str,
    unit: str,
    series: SeriesSet | ViewerSeries,
    lines: Mapping[str, Iterable[float | None]],
    titles: Mapping[str, str],
    stacked: bool = True,
) -> dict[str, Any]:
    length = series.step // _MILLISECOND
    begin = to_ms(series.times[0])
    times = range(begin, begin + length * len(series.times), length)
    return {
        "title": title,
        "stacked": stacked,
        "unit": unit,
        "step": series.step.total_seconds(),
        "series": [
            {
                "label": label,
                "title": titles.get(label, label),
                "data": list(zip(times, lines[label], strict=True)),
            }
            # Configured rooms come first.
            for label in dict.fromkeys((*titles, *lines))
            if label in lines
        ],
    }


def _room_titles(request: Any) -> dict[str, str]:
    """Return the title of every room by its id."""
    rooms = request.conference.rooms
    return {room.id: room.title for room in rooms.values()}


def _annotation_json(annotation: Annotation) -> dict[str, Any]:
    return {"x": to_ms(annotation.at), "label": annotation.label, "room": annotation.room or None}


def _round_values(
    values: Iterable[float | None], digits: int, unit: float = 1
) -> list[float | None]:
    return [None if value is None else round(value / unit, digits) for value in values]
