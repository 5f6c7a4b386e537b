"""Reminders of talks and rooms: the API that pages and their service worker use."""

from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.tracker.api.dispatch import api_view
from streaming_system.tracker.api.problems import api_error
from streaming_system.tracker.cors import is_own_origin
from streaming_system.tracker.db.bounds import BoundReachedError
from streaming_system.tracker.reminders.subscriptions import BrowserKeys
from streaming_system.tracker.reminders.vapid import VAPID_KEY_NAME, public_key

KEY_MAX_AGE = 3600  # seconds


@api_view("reminder.key")
def get_push_key(request: Any) -> dict[str, Any]:
    """Return the key that browsers subscribe with."""
    _require_reminders(request)
    request.response.headers["Cache-Control"] = f"public, max-age={KEY_MAX_AGE}"
    return {"key": public_key(request.keys.get(VAPID_KEY_NAME))}


@api_view("reminder.replace")
def replace_reminders(request: Any) -> dict[str, Any]:
    """Store all reminders of a browser."""
    body = request.validated
    _require_reminders(request)
    if not is_own_origin(request):
        raise api_error("foreign-origin", "reminders are set on a page of this site")
    if not request.registry.settings["reminders.services"].allows(body["endpoint"]):
        raise api_error(
            "unknown-push-service", "reminders.services in the ini file does not list its host"
        )
    browser = BrowserKeys(url=body["endpoint"], **body["keys"])
    index = request.registry["scheduled_talks"].current(request.conference)
    try:
        stored: dict[str, Any] = request.reminders.replace(
            browser, index, talks=body["talks"], rooms=body["rooms"], now=request.now
        )
    except BoundReachedError as error:
        raise api_error("limit-reached", error.detail) from None
    return stored


@view_config(route_name="api.reminders", request_method="OPTIONS")
def preflight(request: Any) -> Response:
    """Allow pages at another host name to set reminders."""
    return Response(
        status=204,
        headerlist=[
            ("Access-Control-Allow-Origin", "*"),
            ("Access-Control-Allow-Methods", "PUT"),
            ("Access-Control-Allow-Headers", "Content-Type"),
            ("Access-Control-Max-Age", "86400"),
        ],
    )


def _require_reminders(request: Any) -> None:
    if not request.registry.settings["reminders.contact"]:
        raise api_error("reminders-off", "reminders.contact in the ini file is empty")
