"""The wall of rooms."""

import random
from typing import Any

from pyramid.view import view_config

from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.room_view import build_room_views
from streaming_system.frontend.security_headers import allow_streams
from streaming_system.frontend.views.pages import etag_replacements, player_formats
from streaming_system.frontend.wall import build_wall
from streaming_system.web.response_cache import VARIES_BY_GROUP_KEY

RANDOM = random.Random()


@view_config(route_name="wall", renderer="wall.jinja2")
def wall(request: Any) -> dict[str, Any]:
    """Show several rooms at once. On the crew's wall, players do not report to the tracker."""
    is_crew = "crew" in request.GET
    varies = bool(request.conference.site.localips) and not is_crew
    if varies:
        request.environ[VARIES_BY_GROUP_KEY] = True
    request.response.cache_expires(SCHEDULE_MAX_AGE, **({"private": True} if varies else {}))
    page = build_wall(
        build_room_views(request),
        request.conference,
        request.registry["room_names"],
        request.GET.get("rooms", ""),
        RANDOM,
    )
    allow_streams(request, frames=())
    for tile in page.tiles:
        request.etag_replacements.update(etag_replacements(tile))
    return {
        "wall": page,
        "is_crew": is_crew,
        "tiles": [(tile, player_formats(request, tile)) for tile in page.tiles],
        # The venue's network has no capacity for streams.
        "waits": varies and request.conference.site.is_local(request.remote_addr or ""),
    }
