"""The metrics of the tracker for Prometheus."""

from typing import Any

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from pyramid.response import Response
from pyramid.view import view_config


@view_config(route_name="metrics", http_cache=0)
def metrics(request: Any) -> Response:
    """Return all metrics, or those of the process if the database is unavailable."""
    return Response(
        request.registry["metrics"].text(),
        headerlist=[("Content-Type", CONTENT_TYPE_PLAIN_0_0_4)],
    )
