"""Liveness and readiness of the frontend."""

from datetime import UTC, datetime
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.schedule.storage import ScheduleFileError
from streaming_system.web import health
from streaming_system.web.request_queue import dropped_requests


@view_config(route_name="health.live")
def live(request: Any) -> Response:
    """Return 200: the process responds."""
    return health.live_response()


@view_config(route_name="health.ready")
def ready(request: Any) -> Response:
    """Return 200 if the schedule file is readable. The configuration was checked at the start."""
    try:
        modified_at = request.registry["schedule"].modified_at()
    except ScheduleFileError as error:
        return health.not_ready_response(health.NotReadyError(f"the schedule file {error}"))
    age = (datetime.now(UTC) - modified_at).total_seconds()
    rooms = len(request.schedule.rooms)
    return health.ready_response(
        {
            "schedule": {"age_seconds": max(0, round(age)), "rooms": rooms},
            "dropped_requests": dropped_requests.counts(),
        }
    )
