"""What a room looks like at the moment."""

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
    """Return a room's picture; where it has no fresh one, a picture that says so.

    Cards of apps and of other sites ask for it, which would show a broken one instead.
    """
    form = request.matchdict["form"]
    large = bool(request.matchdict["large"])
    pictures = request.registry["previews"]
    found = pictures.find(request.room.id, form, large=large)
    if found is None and large:
        found = pictures.find(request.room.id, form)
    if found is None and form != "jpg":
        raise HTTPNotFound("there is no such picture")
    picture = found or previews.PreviewImage(
        path=NO_SIGNAL_IMAGE, tag=previews.file_etag(NO_SIGNAL_IMAGE.stat())
    )
    try:
        response = Response(body=picture.read(), content_type=previews.FORMATS[form])
    except OSError:
        raise HTTPNotFound("there is no such picture") from None
    response.cache_expires = MAX_AGE_SECONDS
    response.etag = picture.tag
    response.conditional_response = True
    return response
