"""What people post about a room."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.renderers import render
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend.http_cache import FROM_SCHEDULE
from streaming_system.frontend.page_cache import answer, tagged
from streaming_system.frontend.room_view import room_state
from streaming_system.frontend.schedule_page.schedule_view import language_tag


@view_config(route_name="room.posts", http_cache=FROM_SCHEDULE)
def posts(request: Any) -> Response:
    """Show the posts with the room's hashtag."""
    source = request.room.posts
    if source is None:
        raise HTTPNotFound(request.translate("%(room)s has no posts", room=request.room.title))
    values = {
        "source": source,
        "posts": request.registry["posts"][source].current(),
        "state": room_state(request.room, request.schedule, None, request.now, request.words),
        "language_tag": language_tag,
    }
    return answer(request, tagged(render("posts.jinja2", values, request)))
