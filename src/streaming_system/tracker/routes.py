"""Every URL of the tracker, relative to the prefix that it is mounted at."""

from typing import Any

from streaming_system.theme.shell import SHELL_FOLDER
from streaming_system.web import health
from streaming_system.web.health import READ_METHODS

ROOM_PATTERN = "{room:[A-Za-z0-9_]+}"
TALK_PATTERN = "{talk:[A-Za-z0-9_-]{1,200}}"
API_PREFIX = "/api/v1"
STATIC_MAX_AGE = 3600  # seconds

# The JSON API, below V1.
API_ROUTES = (
    # Players send the most requests.
    ("api.playback", "/rooms/{room}/playback"),
    ("api.document", "/openapi.json"),
    ("api.manual", "/"),
    ("api.rooms", "/rooms"),
    ("api.room", "/rooms/{room}"),
    ("api.endpoints", "/rooms/{room}/endpoints"),
    ("api.endpoint", "/rooms/{room}/endpoints/{endpoint}"),
    ("api.draining", "/rooms/{room}/endpoints/{endpoint}/draining"),
    ("api.samples", "/rooms/{room}/samples"),
    ("api.feedback", "/talks/{talk}/feedback"),
    ("api.push_key", "/push-key"),
    ("api.reminders", "/reminders"),
    ("api.components", "/components"),
    ("api.machine", "/components/{machine}"),
    ("api.annotations", "/annotations"),
    ("api.annotation", "/annotations/{annotation}"),
    ("api.incidents", "/incidents"),
    ("api.tokens", "/tokens"),
    ("api.token", "/tokens/{token}"),
    ("api.stream_keys", "/stream-keys"),
    ("api.stream_key", "/stream-keys/{key}"),
)


def includeme(config: Any) -> None:
    """Add the routes. They are matched in this order: the most frequent first."""
    config.add_route("endpoint.register", "/endpoint/register")
    _add_api_routes(config)
    _add_legacy_routes(config)
    # OvenMediaEngine signs its requests with a secret that belongs to a token.
    config.add_route("publish.signed_hook", "/endpoint/publish/ovenmediaengine/{token:[0-9]+}")
    config.add_route("publish.hook", "/endpoint/publish/{server}")
    config.add_route("talk.feedback", f"/talk/{TALK_PATTERN}/feedback", request_method="POST")
    config.add_static_view("static/site", str(SHELL_FOLDER), cache_max_age=STATIC_MAX_AGE)
    config.add_static_view("static", "static", cache_max_age=STATIC_MAX_AGE)
    _add_crew_routes(config)


def _add_legacy_routes(config: Any) -> None:
    config.add_route("endpoint.logs", "/endpoint/logs")
    config.add_route("endpoint.stats", "/endpoint/stats", request_method=READ_METHODS)
    config.add_route("pipeline.report", "/flumotion/log")
    config.add_route("pipeline.stats", "/flumotion/stats", request_method=READ_METHODS)
    config.add_route("graphs", "/overall-stats.json", request_method=READ_METHODS)
    config.add_route("streams.script", "/streams.js", request_method=READ_METHODS)
    config.add_route("streams.list", "/streams.json", request_method=READ_METHODS)


def _add_api_routes(config: Any) -> None:
    """Add the routes of the JSON API. Their views define the methods."""
    for name, path in API_ROUTES:
        config.add_route(name, API_PREFIX + path)
    # Other paths below /api/ get a problem document, too.
    config.add_route("api.unknown", "/api/*path")


def _add_crew_routes(config: Any) -> None:
    config.add_route("home", "/", request_method=READ_METHODS)
    config.add_route("metrics", "/metrics", request_method=READ_METHODS)
    health.add_routes(config)
    for name, path in (
        ("admin", ""),
        ("admin.login", "/login"),
        ("admin.logout", "/logout"),
        ("admin.password", "/password"),
        ("admin.secondfactor", "/secondfactor"),
        ("admin.rooms", "/rooms"),
        ("admin.tokens", "/tokens"),
        ("admin.ingest", "/ingest"),
        ("admin.endpoints", "/endpoints"),
        ("admin.annotations", "/annotations"),
        ("admin.feedback", "/feedback"),
        ("admin.accounts", "/accounts"),
        ("admin.audit", "/audit"),
        ("admin.plugins", "/plugins"),
    ):
        config.add_route(name, f"/admin{path}")
    # Room names are arbitrary, so that their routes come last.
    config.add_route("room.streams", f"/{ROOM_PATTERN}/streams.json", request_method=READ_METHODS)
    config.add_route("stream.script", f"/{ROOM_PATTERN}/stream.js", request_method=READ_METHODS)
    config.add_route("room.log", f"/{ROOM_PATTERN}/log")
    _add_caption_routes(config)


def _add_caption_routes(config: Any) -> None:
    config.add_route("captions.push", f"/captions/{ROOM_PATTERN}")
    for name, path in (
        ("seq", "seq"),
        ("live", "live.json"),
        ("transcript", "transcript.{format:json|vtt|txt}"),
    ):
        config.add_route(
            f"captions.{name}", f"/captions/{ROOM_PATTERN}/{path}", request_method=READ_METHODS
        )
