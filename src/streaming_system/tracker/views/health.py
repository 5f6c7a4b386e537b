"""Health checks: liveness of the process, readiness of the database."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.web import health


@view_config(route_name="health.live")
def live(request: Any) -> Response:
    """Return 200: the process is alive."""
    return health.live_response()


@view_config(route_name="health.ready")
def ready(request: Any) -> Response:
    """Return 200 if the database is available and has the schema revision of this version."""
    try:
        return health.ready_response(
            {"database": {"revision": request.registry["readiness"].check()}}
        )
    except health.NotReadyError as reason:
        return health.not_ready_response(reason)
