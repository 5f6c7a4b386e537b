"""The files of the event's theme."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.view import view_config

MAX_AGE_SECONDS = 365 * 24 * 3600  # seconds
# For URLs of another version, on pages that are slightly older or newer.
OUTDATED_MAX_AGE = 60  # seconds
STYLESHEET = "style.css"


@view_config(route_name="theme")
def theme(request: Any) -> Response:
    """Return the stylesheet, a font or an image."""
    active, path = request.theme, request.matchdict["path"]
    if active is None:
        raise HTTPNotFound("this site has no theme")
    if path == STYLESHEET:
        response = Response(
            active.stylesheet, content_type="text/css", charset="utf-8", request=request
        )
        response.etag = active.version
        response.conditional_response = True
    else:
        file = active.files.get(path)
        if file is None:
            raise HTTPNotFound("the theme has no such file")
        body, media_type = file
        response = Response(body, content_type=media_type, request=request)
    if request.matchdict["version"] == active.version:
        response.cache_control.max_age = MAX_AGE_SECONDS
        response.cache_control.properties["immutable"] = None
    else:
        response.cache_control.max_age = OUTDATED_MAX_AGE
    return response
