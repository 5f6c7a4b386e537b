"""The translations for the JavaScript modules."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.view import view_config

from streaming_system.frontend.page_cache import page_response, with_etag

MAX_AGE_SECONDS = 60  # seconds
# The content of a URL with the hash never changes.
IMMUTABLE_MAX_AGE = 365 * 86400


@view_config(route_name="words")
def js_catalogue(request: Any) -> Any:
    """Return the messages of a language as JSON."""
    language = request.registry["languages"].by_tag(request.matchdict["language"])
    if language is None:
        raise HTTPNotFound("there is no such language")
    response = page_response(request, with_etag(language.js_catalogue.body), "application/json")
    response.headers["Content-Type"] = "application/json"
    response.cache_control.public = True
    is_versioned = request.GET.get("v") == language.js_catalogue.version
    response.cache_control.max_age = IMMUTABLE_MAX_AGE if is_versioned else MAX_AGE_SECONDS
    if is_versioned:
        response.cache_control.properties["immutable"] = None
    return response
