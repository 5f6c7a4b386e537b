"""The words of scripts."""

from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.view import view_config

from streaming_system.frontend.page_cache import answer, tagged

CACHE = 60  # seconds
# An address that names what is in it never says anything else.
CACHE_VERSION = 365 * 86400


@view_config(route_name="words")
def words(request: Any) -> Any:
    """Return what scripts say in a language."""
    language = request.registry["languages"].tagged(request.matchdict["language"])
    if language is None:
        raise HTTPNotFound("there is no such language")
    response = answer(request, tagged(language.scripts.body), "application/json")
    response.headers["Content-Type"] = "application/json"
    response.cache_control.public = True
    is_named = request.GET.get("v") == language.scripts.version
    response.cache_control.max_age = CACHE_VERSION if is_named else CACHE
    if is_named:
        response.cache_control.properties["immutable"] = None
    return response
