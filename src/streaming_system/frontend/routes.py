"""Every URL the frontend answers. Rooms come last: their names are free."""

from typing import Any

TALK = "{talk:[A-Za-z0-9_-]+}"
ROOM = "{room:[A-Za-z0-9_]+}"


def includeme(config: Any) -> None:
    """Add the routes."""
    config.include("streaming_system.frontend.assets")
    for name, path in (
        ("index", "/"),
        ("monitor", "/monitor"),
        ("graphs", "/graphs"),
        ("brand.favicon", "/favicon.ico"),
        ("brand.robots", "/robots.txt"),
        ("brand.logo", "/brand/logo"),
        ("schedule", "/schedule"),
        ("talk.ics", f"/talk/{TALK}.ics"),
        ("talk", f"/talk/{TALK}"),
        ("schedule.xml", "/schedule.xml"),
        ("schedule.json", "/schedule.json"),
        ("schedule.ics", "/schedule.ics"),
        ("embed", f"/embed/{ROOM}"),
        ("oembed", "/oembed"),
        ("manifest", "/manifest.webmanifest"),
        ("worker", "/sw.js"),
        ("offline", "/offline"),
        ("brand.picture", "/brand/picture"),
        ("brand.icon", "/brand/icon-{icon:192|512|maskable}.png"),
        ("apps.v2", "/streams/v2.json"),
        ("apps.schema", "/streams/v2.schema.json"),
        ("apps.playlist", "/streams.m3u"),
        ("room.playlist", f"/{ROOM}/stream.m3u"),
        ("room.atom", f"/{ROOM}/atom"),
        ("room.schedule", f"/{ROOM}/schedule"),
        ("room.ics", f"/{ROOM}/schedule.ics"),
        ("room.json", f"/{ROOM}/json"),
        ("room.rss", f"/{ROOM}/rss"),
        ("room", f"/{ROOM}"),
        # Apps know a room by its event, too.
        ("room.of_event", f"/{{event:[a-z0-9]+}}/{ROOM}"),
    ):
        config.add_route(name, path, request_method=("GET", "HEAD"))
