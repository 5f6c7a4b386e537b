"""The query parameters of each route, and the canonical form of their values.

``conf/nginx.conf`` lists the same names, and forwards no other parameter.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any
from wsgiref.types import WSGIEnvironment

from pyramid.interfaces import IRoutesMapper

from streaming_system.frontend.i18n import Languages
from streaming_system.frontend.routes import PAGE_ROUTES
from streaming_system.web.normalised_query import (
    ValueNormaliser,
    normalise_query,
    not_empty,
    up_to,
)

MAX_SEARCH_CHARS = 200
# A version of a catalogue is a hash.
MAX_VERSION_CHARS = 64
# "-" and ten years in seconds have ten characters.
MAX_NUMBER_CHARS = 20


def normalise_search(text: str) -> str:
    """Return search words in lower case and NFC, with single spaces between them."""
    # Lower case can be longer: "İ" has two characters.
    words = unicodedata.normalize("NFC", text[:MAX_SEARCH_CHARS].lower())
    return " ".join(words[:MAX_SEARCH_CHARS].split())


def _normalise_day(text: str) -> str | None:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        # "all", or a value that the view refuses.
        return text or None


def _normalise_number(text: str) -> str:
    # The view refuses any other text.
    is_number = len(text) <= MAX_NUMBER_CHARS and re.fullmatch(r"\s*[+-]?[0-9]+\s*", text, re.ASCII)
    return str(int(text)) if is_number else text


PARAMS: Mapping[str, ValueNormaliser] = {
    # :func:`query_normaliser` adds the languages.
    "lang": not_empty,
    "delta": _normalise_number,
    "day": _normalise_day,
    "room": not_empty,
    "view": not_empty,
    "q": lambda text: normalise_search(text) or None,
    "page": _normalise_number,
    "feedback": not_empty,
    "range": not_empty,
    "rooms": up_to(MAX_SEARCH_CHARS * 5),
    # Its value does not matter.
    "crew": lambda text: "1",
    "template": not_empty,
    "autoplay": not_empty,
    "url": not_empty,
    "format": not_empty,
    "maxwidth": not_empty,
    "maxheight": not_empty,
    "v": up_to(MAX_VERSION_CHARS),
}
# The parameters of pages, also of error pages.
PAGE_PARAMS = ("lang", "delta")
_TIME_PARAMS = ("delta",)
ROUTE_PARAMS: Mapping[str, tuple[str, ...]] = {
    "schedule": ("day", "room", "view", "q", "page"),
    "room.schedule": ("day", "view", "q", "page"),
    "talk": ("feedback",),
    "graphs": ("range", "room"),
    "wall": ("rooms", "crew"),
    "room": ("template",),
    "embed": ("template", "autoplay"),
    "oembed": ("url", "format", "maxwidth", "maxheight"),
    "words": ("v",),
    **dict.fromkeys(
        ("apps.v2", "apps.playlist", "room.playlist", "room.atom", "room.rss", "room.json"),
        _TIME_PARAMS,
    ),
}


def query_normaliser(registry: Any, languages: Languages) -> Callable[[WSGIEnvironment], str]:
    """Return a function from a WSGI environment to its normalised query."""
    routes = registry.getUtility(IRoutesMapper).get_routes()
    params: dict[str, ValueNormaliser] = {**PARAMS, "lang": partial(_known_language, languages)}
    known = {
        route.name: {
            name: params[name]
            for name in (
                *(PAGE_PARAMS if route.name in PAGE_ROUTES else ()),
                *ROUTE_PARAMS.get(route.name, ()),
            )
        }
        for route in routes
    }
    of_error_pages = {name: params[name] for name in PAGE_PARAMS}

    def normalise(environ: WSGIEnvironment) -> str:
        query = environ.get("QUERY_STRING", "")
        if not query:
            return ""
        try:
            path = environ["PATH_INFO"].encode("latin-1").decode() or "/"
        except UnicodeDecodeError:
            return ""
        name = next((route.name for route in routes if route.match(path) is not None), None)
        return normalise_query(query, of_error_pages if name is None else known[name])

    return normalise


def _known_language(languages: Languages, tag: str) -> str | None:
    language = languages.by_tag(tag)
    return language.tag if language else None
