"""HTTP caching headers of all responses.

Views set the max age (``http_cache``). This module adds entity tags, 304 responses, ``public`` and
``stale-while-revalidate``.
"""

import hashlib
from typing import Any

from pyramid.events import NewResponse
from pyramid.response import FileResponse, Response

# Pages rendered from the schedule have no stale-while-revalidate: a proxy's cache and a browser's
# together show an old one for two seconds at most.
SCHEDULE_MAX_AGE = 1  # seconds
MAX_STALE_SECONDS = 60  # seconds


def includeme(config: Any) -> None:
    """Finalize the headers of every response.

    A view adds to ``request.etag_replacements`` strings of its page that do not change its meaning,
    and what replaces them in the hash of the entity tag.
    """
    config.add_request_method(lambda request: {}, "etag_replacements", reify=True)
    config.add_subscriber(_finalize_headers, NewResponse)


def _finalize_headers(event: NewResponse) -> None:
    request, response = event.request, event.response
    if response.status_int != 200 or request.method not in ("GET", "HEAD"):
        return
    control = response.cache_control
    if control.no_store:
        return
    if response.etag is None:
        response.etag = _etag(request, response)
    response.conditional_response = True
    # max-age replaces it.
    response.expires = None
    if control.max_age and not control.private:
        control.public = True
        if control.max_age > SCHEDULE_MAX_AGE and "immutable" not in control.properties:
            stale = min(5 * control.max_age, MAX_STALE_SECONDS)
            control.properties["stale-while-revalidate"] = stale


def _etag(request: Any, response: Response) -> str | tuple[str, bool]:
    """Return an entity tag of the body; a weak one if the request has replacements."""
    if isinstance(response, FileResponse):
        return f"{response.last_modified.timestamp():.0f}-{response.content_length}"
    body = response.body
    for text, replacement in request.etag_replacements.items():
        body = body.replace(text.encode(), replacement.encode())
    tag = hashlib.sha256(body).hexdigest()[:24]
    return (tag, False) if request.etag_replacements else tag
