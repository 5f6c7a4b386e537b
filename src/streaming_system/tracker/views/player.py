"""Playback reports by the legacy protocol."""

import dataclasses
from typing import Any

from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.legacy.player_report import (
    COOKIE_KEY_NAME,
    InvalidJsonError,
    issue_cookie,
    parse_player_report,
    verify_cookies,
)
from streaming_system.tracker.rate_limiting import client_key

COOKIE_NAME = "user"
RESULT_CODES = {"unknown room": (1, -1), "bad json": (2, -1), "no cookie": (1025, 0)}


@view_config(route_name="room.log", request_method="POST", http_cache=0)
def ingest_report(request: Any) -> Response:
    """Ingest a player's report. A player without a cookie gets one, and reports again."""
    room = request.matchdict["room"]
    if room not in request.conference.rooms:
        return _json_response(*RESULT_CODES["unknown room"])
    key = request.keys.get(COOKIE_KEY_NAME)
    cookies = _parse_cookies(request)
    if not cookies:
        return _issue_cookie_response(request, key)
    identity = verify_cookies(cookies, key, _user_agent(request))
    if identity is None:
        return _delete_cookie_response(request)
    form = forms.parse_form(request)
    try:
        player = parse_player_report(
            forms.field_text(form, "data"), identity=identity, room=room, key=key
        )
    except InvalidJsonError:
        return _json_response(*RESULT_CODES["bad json"])
    player = dataclasses.replace(
        player,
        client=client_key(request.remote_addr),
        network=request.registry["player_networks"].bucket(request.remote_addr),
    )
    return _json_response(0, request.playback.report(player, now=request.now))


@view_config(route_name="room.log", http_cache=0)
def redirect_home(request: Any) -> Response:
    """Redirect a browser to the site's first page."""
    return HTTPFound(location=request.registry.settings["frontend.url"])


def _json_response(code: int, next_seconds: int) -> Response:
    response = Response(
        json_body={"code": code, "next": next_seconds}, content_type="application/json"
    )
    # The status is 200 for refused reports, too. The metrics must not count them.
    response.is_refused = code != 0
    return response


def _issue_cookie_response(request: Any, key: bytes) -> Response:
    response = _json_response(*RESULT_CODES["no cookie"])
    response.set_cookie(
        COOKIE_NAME,
        issue_cookie(key, _user_agent(request)),
        path=_cookie_path(request),
        httponly=True,
        samesite="Lax",
        secure=request.scheme == "https",
    )
    return response


def _delete_cookie_response(request: Any) -> Response:
    response = _json_response(*RESULT_CODES["no cookie"])
    # The original set its cookie for the whole site; browsers would send it for ever.
    for path in sorted({_cookie_path(request), "/"}):
        response.delete_cookie(COOKIE_NAME, path=path)
    return response


def _parse_cookies(request: Any) -> list[str]:
    """Return the values of all cookies of this name: a browser sends one for each path."""
    # WebOb fails if any cookie is not UTF-8.
    pairs = (pair.partition("=") for pair in request.environ.get("HTTP_COOKIE", "").split(";"))
    return [value.strip(' "') for name, _, value in pairs if name.strip() == COOKIE_NAME]


def _user_agent(request: Any) -> str:
    user_agent: str = request.environ.get("HTTP_USER_AGENT", "")
    return user_agent


def _cookie_path(request: Any) -> str:
    return request.script_name or "/"
