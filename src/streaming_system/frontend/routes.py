"""All routes of the frontend. Those of rooms come last, because organisers choose their names."""

from typing import Any

from streaming_system.config.events import EVENT_KEY
from streaming_system.web import health

TALK_PATTERN = "{talk:[A-Za-z0-9_-]+}"
ROOM_PATTERN = "{room:[A-Za-z0-9_]+}"

# Pages for people. They have a language, and links between them pass it on; all other responses
# are for programs and in English.
PAGE_ROUTES = frozenset(
    {
        "index",
        "events",
        "monitor",
        "graphs",
        "wall",
        "schedule",
        "talk",
        "offline",
        "room.schedule",
        "room.posts",
        "room",
        "room.of_event",
        "embed",
    }
)


def is_page(request: Any) -> bool:
    """Return whether the response is for people; so is the error page of an unknown path."""
    return request.matched_route is None or request.matched_route.name in PAGE_ROUTES


def includeme(config: Any) -> None:
    """Add the routes."""
    config.include("streaming_system.frontend.assets")
    is_event = EVENT_KEY in config.get_settings()
    if not is_event:
        # They are those of the process.
        health.add_routes(config)
    if config.registry.get("events"):
        _add_route(config, "events", "/events")
        _add_route(config, "events.json", "/events.json")
    for name, path in (
        ("index", "/"),
        *(() if is_event else (("metrics", "/metrics"),)),
        ("monitor", "/monitor"),
        ("graphs", "/graphs"),
        ("wall", "/wall"),
        ("brand.favicon", "/favicon.ico"),
        ("brand.robots", "/robots.txt"),
        ("brand.logo", "/brand/logo"),
        ("theme", "/theme/{version}/{path:.+}"),
        ("schedule", "/schedule"),
        ("talk.ics", f"/talk/{TALK_PATTERN}.ics"),
        ("talk.recording", f"/talk/{TALK_PATTERN}/recording.m3u8"),
        ("talk.rendition", f"/talk/{TALK_PATTERN}/recording/{{rendition:[0-9a-f]+}}.m3u8"),
        ("talk", f"/talk/{TALK_PATTERN}"),
        ("schedule.xml", "/schedule.xml"),
        ("schedule.json", "/schedule.json"),
        ("schedule.hub", "/schedule2.json"),
        ("schedule.ics", "/schedule.ics"),
        ("schedule.file", "/schedule/file.json"),
        ("embed", f"/embed/{ROOM_PATTERN}"),
        ("oembed", "/oembed"),
        ("manifest", "/manifest.webmanifest"),
        ("worker", "/sw.js"),
        ("offline", "/offline"),
        ("brand.picture", "/brand/picture"),
        ("brand.icon", "/brand/icon-{icon:192|512|maskable}.png"),
        ("apps.v2", "/streams/v2.json"),
        ("apps.schema", "/streams/v2.schema.json"),
        ("apps.playlist", "/streams.m3u"),
        ("config.schema", "/config.schema.json"),
        ("words", "/words/{language:[A-Za-z0-9-]+}.json"),
        ("room.preview", f"/preview/{ROOM_PATTERN}{{large:(?:-large)?}}.{{form:avif|webp|jpg}}"),
        ("room.playlist", f"/{ROOM_PATTERN}/stream.m3u"),
        ("room.qr", f"/{ROOM_PATTERN}/qr.svg"),
        ("room.atom", f"/{ROOM_PATTERN}/atom"),
        ("room.schedule", f"/{ROOM_PATTERN}/schedule"),
        ("room.ics", f"/{ROOM_PATTERN}/schedule.ics"),
        ("room.posts", f"/{ROOM_PATTERN}/posts"),
        ("room.json", f"/{ROOM_PATTERN}/json"),
        ("room.rss", f"/{ROOM_PATTERN}/rss"),
        ("room", f"/{ROOM_PATTERN}"),
        # Apps link to a room below its event.
        ("room.of_event", f"/{{event:[a-z0-9]+}}/{ROOM_PATTERN}"),
    ):
        _add_route(config, name, path)


def _add_route(config: Any, name: str, path: str) -> None:
    config.add_route(
        name,
        path,
        request_method=("GET", "HEAD"),
        pregenerator=_add_language if name in PAGE_ROUTES else None,
    )


def _add_language(request: Any, elements: Any, values: dict[str, Any]) -> Any:
    """Add ``lang`` to the URL if the current page has it."""
    # A request outside of the app has no such property.
    language = getattr(request, "requested_language", None)
    query = values.get("_query") or {}
    if language is None or isinstance(query, str):
        return elements, values
    return elements, values | {"_query": {"lang": language.tag} | dict(query)}
