"""Posts about a room."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.renderers import render
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend.http_cache import SCHEDULE_MAX_AGE
from streaming_system.frontend.page_cache import page_response, with_etag
from streaming_system.frontend.room_view import build_room_view
from streaming_system.frontend.schedule_page.schedule_view import language_tag


@view_config(route_name="room.posts", http_cache=SCHEDULE_MAX_AGE)
def posts(request: Any) -> Response:
    """Show the posts with the room's hashtag."""
    feed = request.room.posts
    if feed is None:
        raise HTTPNotFound(request.translate("%(room)s has no posts", room=request.room.title))
    values = {
        "source": feed,
        "posts": request.registry["mastodon_feeds"][feed].get(),
        "state": build_room_view(
            request.room, request.schedule, None, request.now, request.formatter
        ),
        "language_tag": language_tag,
    }
    return page_response(request, with_etag(render("posts.jinja2", values, request)))
