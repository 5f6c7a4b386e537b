"""Error pages for people: an error of any protocol becomes a page if the client prefers HTML."""

import json
import re
from collections.abc import Callable
from typing import Any

from pyramid.renderers import render
from pyramid.response import Response
from pyramid.tweens import EXCVIEW

from streaming_system.web.request_id import TWEEN_NAME as REQUEST_ID_TWEEN

TWEEN_NAME = f"{__name__}.error_page_tween_factory"
TEMPLATE = "streaming_system.tracker:templates/error.jinja2"
# Their responses are the same for people and programs.
ROUTES_WITHOUT_PAGES = frozenset({"health.live", "health.ready", "metrics"})
HEADINGS = {
    400: "That request cannot be understood",
    401: "A token is needed",
    403: "That is not allowed",
    404: "There is nothing at this address",
    405: "That address expects another method",
    413: "That is too large",
    429: "Too many requests",
    503: "The tracker cannot respond now",
}
DEFAULT_HEADING = "Something is wrong on our side"

Handler = Callable[[Any], Response]


def includeme(config: Any) -> None:
    """Add the tween."""
    config.add_tween(TWEEN_NAME, under=REQUEST_ID_TWEEN, over=EXCVIEW)


def error_page_tween_factory(handler: Handler, registry: Any) -> Handler:
    """Return a tween that replaces the body of an error for browsers; all headers stay."""

    def error_page_tween(request: Any) -> Response:
        response = handler(request)
        if response.status_int >= 400 and response.content_type != "text/html":
            response.vary = (*(response.vary or ()), "Accept")
            route = getattr(request, "matched_route", None)
            has_page = route is None or route.name not in ROUTES_WITHOUT_PAGES
            if has_page and prefers_html(request):
                _replace_body(request, response)
        return response

    return error_page_tween


def prefers_html(request: Any) -> bool:
    """Return whether the client prefers HTML to JSON and text, as browsers do."""
    offers = request.accept.acceptable_offers(["application/json", "text/plain", "text/html"])
    return bool(offers) and offers[0][0] == "text/html"


def _replace_body(request: Any, response: Response) -> None:
    values = {
        "status": response.status_int,
        "heading": HEADINGS.get(response.status_int, DEFAULT_HEADING),
        "reason": _error_reason(response),
        "retry_after": response.headers.get("Retry-After", ""),
    }
    html = render(TEMPLATE, values, request=request)
    response.content_type, response.charset = "text/html", "utf-8"
    response.text = html
    response.headers["Content-Security-Policy"] = request.shell.content_security_policy(
        "frame-ancestors 'none'"
    )


def _error_reason(response: Response) -> str:
    """Return the reason in an error of the JSON API, of other JSON, or of the legacy protocol."""
    if response.content_type.endswith("json"):
        document = json.loads(response.body)
        return str(document.get("detail") or document.get("error") or "")
    # Behind "ERROR" is a word for programs.
    return re.sub(r"^ERROR (?:[A-Z]+ )?", "", response.text.strip())
