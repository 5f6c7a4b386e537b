"""Whether the tracker answers, and whether its database does."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.web import health


@view_config(route_name="health.live")
def live(request: Any) -> Response:
    """Say that the process answers."""
    return health.live_response()


@view_config(route_name="health.ready")
def ready(request: Any) -> Response:
    """Say whether the database answers and is at the revision that this version needs."""
    try:
        return health.ready_response(
            {"database": {"revision": request.registry["readiness"].check()}}
        )
    except health.NotReadyError as reason:
        return health.not_ready_response(reason)
