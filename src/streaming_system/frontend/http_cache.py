"""How long browsers and caches may keep an answer, and how they ask whether it still holds.

Views say how long (``http_cache``); the rest is the same for all answers and is done here: an
entity tag of what the answer holds, an empty 304 for who has it already, and who may keep it.
"""

import hashlib
from typing import Any

from pyramid.events import NewResponse
from pyramid.response import FileResponse, Response

# How long what is made from the schedule may be kept. A cache before the site and one in the
# browser together show an old one for two seconds at most, since neither may go on with it.
SCHEDULE_MAX_AGE = 1  # seconds
# Any other answer may still be shown while a new one is fetched.
MAX_STALE_SECONDS = 60  # seconds


def includeme(config: Any) -> None:
    """Complete every answer.

    A view puts into ``request.interchangeable`` which words of its page could as well be others,
    and what stands for them in the entity tag.
    """
    config.add_request_method(lambda request: {}, "interchangeable", reify=True)
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
    # It says the same as max-age, for programs of the last century.
    response.expires = None
    if control.max_age and not control.private:
        control.public = True
        if control.max_age > SCHEDULE_MAX_AGE and "immutable" not in control.properties:
            stale = min(5 * control.max_age, MAX_STALE_SECONDS)
            control.properties["stale-while-revalidate"] = stale


def _etag(request: Any, response: Response) -> str | tuple[str, bool]:
    """Return an entity tag that changes when what is said does; weak if words may differ."""
    if isinstance(response, FileResponse):
        return f"{response.last_modified.timestamp():.0f}-{response.content_length}"
    body = response.body
    for words, stands_for in request.interchangeable.items():
        body = body.replace(words.encode(), stands_for.encode())
    tag = hashlib.sha256(body).hexdigest()[:24]
    return (tag, False) if request.interchangeable else tag
