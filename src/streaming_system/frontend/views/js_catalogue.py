"""The words of scripts."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.view import view_config

from streaming_system.frontend.page_cache import page_response, with_etag

MAX_AGE_SECONDS = 60  # seconds
# An address that names what is in it never says anything else.
IMMUTABLE_MAX_AGE = 365 * 86400


@view_config(route_name="words")
def js_catalogue(request: Any) -> Any:
    """Return what scripts say in a language."""
    language = request.registry["languages"].tagged(request.matchdict["language"])
    if language is None:
        raise HTTPNotFound("there is no such language")
    response = page_response(request, with_etag(language.scripts.body), "application/json")
    response.headers["Content-Type"] = "application/json"
    response.cache_control.public = True
    is_named = request.GET.get("v") == language.scripts.version
    response.cache_control.max_age = IMMUTABLE_MAX_AGE if is_named else MAX_AGE_SECONDS
    if is_named:
        response.cache_control.properties["immutable"] = None
    return response
