"""The metrics of the tracker for Prometheus."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.web.request_metrics import metrics_response


@view_config(route_name="metrics", http_cache=0)
def metrics(request: Any) -> Response:
    """Return all metrics, or those of the process if the database is unavailable."""
    return metrics_response(request)
