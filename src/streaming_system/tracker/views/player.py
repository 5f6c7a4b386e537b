"""The old protocol's players."""

from typing import Any

from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.legacy.player_report import (
    InvalidJsonError,
    issue_cookie,
    parse_player_report,
    verify_cookies,
)

COOKIE_NAME = "user"
COOKIE_KEY_NAME = "player-cookie"
RESULT_CODES = {"unknown room": (1, -1), "bad json": (2, -1), "no cookie": (1025, 0)}


@view_config(route_name="room.log", request_method="POST", http_cache=0)
def ingest_report(request: Any) -> Response:
    """Take what a player says of itself. Whoever has no cookie gets one, and is to come again."""
    room = request.matchdict["room"]
    if room not in request.registry.settings["conference"].rooms:
        return _json_response(*RESULT_CODES["unknown room"])
    key = request.keys.get(COOKIE_KEY_NAME)
    cookies = _parse_cookies(request)
    if not cookies:
        return _issue_cookie_response(request, key)
    identity = verify_cookies(cookies, key)
    if identity is None:
        return _delete_cookie_response(request)
    form = forms.parse_form(request)
    try:
        player = parse_player_report(
            forms.field_text(form, "data"), identity=identity, room=room, key=key
        )
    except InvalidJsonError:
        return _json_response(*RESULT_CODES["bad json"])
    return _json_response(0, request.playback.report(player, now=request.now))


@view_config(route_name="room.log", http_cache=0)
def redirect_home(request: Any) -> Response:
    """Send whoever opens the address in a browser to the site's first page."""
    return HTTPFound(location=request.registry.settings["frontend.url"])


def _json_response(code: int, following: int) -> Response:
    answer = Response(json_body={"code": code, "next": following}, content_type="application/json")
    # This protocol refuses with status 200, too; whoever counts reports wants to know.
    answer.refused = code != 0
    return answer


def _issue_cookie_response(request: Any, key: bytes) -> Response:
    answer = _json_response(*RESULT_CODES["no cookie"])
    answer.set_cookie(
        COOKIE_NAME,
        issue_cookie(key),
        path=_cookie_path(request),
        httponly=True,
        samesite="Lax",
        secure=request.scheme == "https",
    )
    return answer


def _delete_cookie_response(request: Any) -> Response:
    answer = _json_response(*RESULT_CODES["no cookie"])
    # The original's cookie was that of the whole site, and would come again and again.
    for path in sorted({_cookie_path(request), "/"}):
        answer.delete_cookie(COOKIE_NAME, path=path)
    return answer


def _parse_cookies(request: Any) -> list[str]:
    """Return all cookies of our name: there is one for each path that has one."""
    # What is not UTF-8 is no cookie of ours, but WebOb would fail over it.
    pairs = (pair.partition("=") for pair in request.environ.get("HTTP_COOKIE", "").split(";"))
    return [value.strip(' "') for name, _, value in pairs if name.strip() == COOKIE_NAME]


def _cookie_path(request: Any) -> str:
    return request.script_name or "/"
