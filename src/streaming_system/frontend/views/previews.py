"""Preview images of rooms."""

import time
from pathlib import Path
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend import previews

MAX_AGE_SECONDS = 10  # seconds
NO_SIGNAL_IMAGE = Path(__file__).parent.parent / "static/no-signal.jpg"


@view_config(route_name="room.preview")
def preview(request: Any) -> Response:
    """Return the preview of a room, or an image that says "no signal".

    Apps and other sites would show a broken image instead.
    """
    form = request.matchdict["form"]
    large = bool(request.matchdict["large"])
    store = request.registry["preview_store"]
    max_age = previews.MAX_LAST_IMAGE_AGE_SECONDS
    image = store.find(request.room.id, form, large=large, max_age=max_age)
    if image is None and large:
        image = store.find(request.room.id, form, max_age=max_age)
    if image is None and form != "jpg":
        raise HTTPNotFound("there is no such picture")
    image = image or previews.PreviewImage(
        path=NO_SIGNAL_IMAGE, etag=previews.file_etag(NO_SIGNAL_IMAGE.stat())
    )
    try:
        response = Response(body=image.load(), content_type=previews.FORMATS[form])
    except OSError:
        raise HTTPNotFound("there is no such picture") from None
    response.cache_expires = MAX_AGE_SECONDS
    response.etag = image.etag
    if image.age_seconds:
        response.last_modified = time.time() - image.age_seconds
    response.conditional_response = True
    return response
