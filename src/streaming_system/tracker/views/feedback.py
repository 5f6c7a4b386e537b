"""Feedback on talks: the form of pages without JavaScript, and the API."""

import re
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from pyramid.httpexceptions import HTTPForbidden, HTTPNotFound, HTTPSeeOther
from pyramid.response import Response
from pyramid.view import exception_view_config, view_config

from streaming_system.tracker.admin.forms import INVALID_BODY_ERRORS
from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.operations import OPERATIONS_BY_ID
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.audience.rated_talks import RatedTalk
from streaming_system.tracker.audience.talk_feedback import (
    FeedbackClosedError,
    Rating,
    parse_comment,
)
from streaming_system.tracker.cors import is_own_origin
from streaming_system.tracker.db.bounds import BoundReachedError
from streaming_system.tracker.event_rooms import event_mount
from streaming_system.tracker.rate_limiting import RateLimitedError

MAX_FORM_BYTES = OPERATIONS_BY_ID["feedback.submit"].max_body_bytes
# The browser's random number, for pages without JavaScript.
COOKIE_NAME = "feedback"
COOKIE_MAX_AGE = timedelta(days=60)
_COOKIE = re.compile(rf"(?:^|;)\s*{COOKIE_NAME}=([0-9a-f]{{32}})\s*(?:;|$)")
_LANGUAGE_TAG = re.compile(r"[A-Za-z0-9-]{2,35}")
FOREIGN_ORIGIN = "feedback is sent from a page of this site"


@api_view("feedback.submit")
def submit_feedback(request: Any) -> dict[str, Any]:
    """Store feedback, or replace that of the same browser."""
    body = request.validated
    if not is_own_origin(request):
        request.registry["metrics"].count_feedback("refused")
        raise api_error("foreign-origin", FOREIGN_ORIGIN)
    talk = _find_talk(request, body["talk"])
    if talk is None:
        raise api_error("unknown-talk", "there is no talk of that id that takes feedback here")
    rating = Rating(browser=body["browser"], stars=body["stars"], comment=body["comment"])
    try:
        replaced = _store(request, talk, rating)
    except FeedbackClosedError as error:
        raise api_error("feedback-closed", str(error)) from None
    return {"stars": rating.stars, "comment": rating.comment, "replaced": replaced}


@view_config(route_name="api.feedback", request_method="OPTIONS")
def preflight(request: Any) -> Response:
    """Allow pages at another host name to send feedback as JSON."""
    return Response(
        status=204,
        headerlist=[
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Methods", "POST"),
            ("Access-Control-Allow-Headers", "Content-Type"),
            ("Access-Control-Max-Age", "86400"),
        ],
    )


@view_config(route_name="talk.feedback", http_cache=0)
def submit_form(request: Any) -> Response:
    """Store the feedback of a form, and redirect to the talk's page, which shows the result."""
    if not is_own_origin(request):
        request.registry["metrics"].count_feedback("refused")
        raise HTTPForbidden(FOREIGN_ORIGIN)
    talk = _find_talk(request, request.matchdict["talk"])
    if talk is None:
        raise HTTPNotFound("there is no talk of that id that takes feedback here")
    browser = _browser_of_cookie(request) or secrets.token_hex(16)
    try:
        rating = _parse_form(request, browser)
    except INVALID_BODY_ERRORS:
        request.registry["metrics"].count_feedback("refused")
        return _redirect(request, "invalid")
    try:
        _store(request, talk, rating)
    except FeedbackClosedError:
        return _redirect(request, "closed")
    except BoundReachedError:
        return _redirect(request, "full")
    response = _redirect(request, "sent")
    response.set_cookie(
        COOKIE_NAME,
        browser,
        max_age=COOKIE_MAX_AGE,
        path=f"{request.script_name}/talk",
        httponly=True,
        samesite="Lax",
        secure=request.scheme == "https",
    )
    return response


@exception_view_config(RateLimitedError, route_name="talk.feedback")
def rate_limited(error: RateLimitedError, request: Any) -> Response:
    """Redirect to the talk's page, which says so."""
    response = _redirect(request, "limited")
    response.headers["Retry-After"] = str(error.seconds)
    # The metrics must not count it as stored.
    response.is_refused = True
    return response


def _find_talk(request: Any, name: str) -> RatedTalk | None:
    talk: RatedTalk | None = request.registry["rated_talks"].find(name, request.conference)
    if talk is None:
        request.registry["metrics"].count_feedback("refused")
    return talk


def _store(request: Any, talk: RatedTalk, rating: Rating) -> bool:
    """Store feedback; return whether it replaced an earlier one."""
    count = request.registry["metrics"].count_feedback
    try:
        replaced: bool = request.talk_feedback.submit(talk, rating, now=request.now)
    except (FeedbackClosedError, BoundReachedError):
        count("refused")
        raise
    count("replaced" if replaced else "stored")
    return replaced


def _parse_form(request: Any, browser: str) -> Rating:
    """Return what a form contains.

    :raises ValueError: if it is invalid, or another of ``INVALID_BODY_ERRORS`` if the body is no
        form.
    """
    length = request.content_length
    if length is None or length > MAX_FORM_BYTES:
        raise ValueError("the body is too large")
    request.request_body_tempfile_limit = MAX_FORM_BYTES
    stars, comment = request.POST.get("stars"), request.POST.get("comment", "")
    if stars not in ("1", "2", "3", "4", "5") or not isinstance(comment, str):
        raise ValueError("the form lacks the stars")
    return Rating(browser=browser, stars=int(stars), comment=parse_comment(comment))


def _browser_of_cookie(request: Any) -> str:
    # WebOb fails if any cookie is not UTF-8.
    match = _COOKIE.search(request.environ.get("HTTP_COOKIE", ""))
    return match[1] if match else ""


def _redirect(request: Any, result: str) -> Response:
    site = request.registry.settings["frontend.url"].rstrip("/")
    query = {"feedback": result}
    if _LANGUAGE_TAG.fullmatch(language := request.GET.get("lang", "")):
        query["lang"] = language
    # Ids of talks have the prefix of rooms.
    mount = event_mount(request.registry.settings, request.matchdict["talk"])
    return HTTPSeeOther(f"{site}{mount.path}/talk/{mount.room}?{urlencode(query)}#feedback")
