"""The old protocol's players."""

from typing import Any

from pyramid.httpexceptions import HTTPFound
from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.legacy import form as forms
from streaming_system.tracker.legacy.player_report import (
    NotJson,
    first_identity,
    new_cookie,
    read_player,
)

COOKIE = "user"
KEY = "player-cookie"
ANSWERS = {"unknown room": (1, -1), "bad json": (2, -1), "no cookie": (1025, 0)}


@view_config(route_name="room.log", request_method="POST", http_cache=0)
def report(request: Any) -> Response:
    """Take what a player says of itself. Whoever has no cookie gets one, and is to come again."""
    room = request.matchdict["room"]
    if room not in request.registry.settings["conference"].rooms:
        return _answer(*ANSWERS["unknown room"])
    key = request.keys.get(KEY)
    cookies = _cookies(request)
    if not cookies:
        return _with_new_cookie(request, key)
    identity = first_identity(cookies, key)
    if identity is None:
        return _without_cookie(request)
    form = forms.read_form(request)
    try:
        player = read_player(forms.text(form, "data"), identity=identity, room=room, key=key)
    except NotJson:
        return _answer(*ANSWERS["bad json"])
    return _answer(0, request.playback.report(player, now=request.now))


@view_config(route_name="room.log", http_cache=0)
def go_home(request: Any) -> Response:
    """Send whoever opens the address in a browser to the site's first page."""
    return HTTPFound(location=request.registry.settings["frontend.url"])


def _answer(code: int, following: int) -> Response:
    answer = Response(json_body={"code": code, "next": following}, content_type="application/json")
    # This protocol refuses with status 200, too; whoever counts reports wants to know.
    answer.refused = code != 0
    return answer


def _with_new_cookie(request: Any, key: bytes) -> Response:
    answer = _answer(*ANSWERS["no cookie"])
    answer.set_cookie(
        COOKIE,
        new_cookie(key),
        path=_path(request),
        httponly=True,
        samesite="Lax",
        secure=request.scheme == "https",
    )
    return answer


def _without_cookie(request: Any) -> Response:
    answer = _answer(*ANSWERS["no cookie"])
    # The original's cookie was that of the whole site, and would come again and again.
    for path in sorted({_path(request), "/"}):
        answer.delete_cookie(COOKIE, path=path)
    return answer


def _cookies(request: Any) -> list[str]:
    """Return all cookies of our name: there is one for each path that has one."""
    # What is not UTF-8 is no cookie of ours, but WebOb would fail over it.
    pairs = (pair.partition("=") for pair in request.environ.get("HTTP_COOKIE", "").split(";"))
    return [value.strip(' "') for name, _, value in pairs if name.strip() == COOKIE]


def _path(request: Any) -> str:
    return request.script_name or "/"
