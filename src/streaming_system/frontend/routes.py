"""Every URL the frontend answers. Rooms come last: their names are free."""

from typing import Any

TALK = "{talk:[A-Za-z0-9_-]+}"
ROOM = "{room:[A-Za-z0-9_]+}"


def includeme(config: Any) -> None:
    """Add the routes."""
    config.add_static_view("static", "static", cache_max_age=3600)
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
        ("room.schedule", f"/{ROOM}/schedule"),
        ("room.ics", f"/{ROOM}/schedule.ics"),
        ("room.json", f"/{ROOM}/json"),
        ("room.rss", f"/{ROOM}/rss"),
        ("room", f"/{ROOM}"),
    ):
        config.add_route(name, path, request_method=("GET", "HEAD"))
