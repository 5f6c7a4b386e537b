"""The event's own logo, favicon and robots.txt; ours where it has none."""

from pathlib import Path
from typing import Any

from pyramid.response import FileResponse
from pyramid.view import view_config

CACHE = 3600  # seconds

# The only names that are ever looked for, and what they are.
LOGOS = {
    "logo.svg": "image/svg+xml",
    "logo.png": "image/png",
    "logo.webp": "image/webp",
    "logo.jpg": "image/jpeg",
}
FAVICONS = {
    "favicon.ico": "image/x-icon",
    "favicon.svg": "image/svg+xml",
    "favicon.png": "image/png",
}
# What messengers show of the event. They know no vector graphics.
PICTURES = {
    "logo.png": "image/png",
    "logo.webp": "image/webp",
    "logo.jpg": "image/jpeg",
    "icon-512.png": "image/png",
}
ROBOTS = {"robots.txt": "text/plain"}

OURS = Path(__file__).parent.parent / "static"


@view_config(route_name="brand.logo")
def logo(request: Any) -> FileResponse:
    """Return the event's logo."""
    return _brand(request, LOGOS)


@view_config(route_name="brand.favicon")
def favicon(request: Any) -> FileResponse:
    """Return the event's favicon."""
    return _brand(request, FAVICONS)


@view_config(route_name="brand.robots")
def robots(request: Any) -> FileResponse:
    """Return the event's robots.txt."""
    return _brand(request, ROBOTS)


@view_config(route_name="brand.picture")
def picture(request: Any) -> FileResponse:
    """Return a picture that stands for the event."""
    return _brand(request, PICTURES)


@view_config(route_name="brand.icon")
def icon(request: Any) -> FileResponse:
    """Return an icon for the screens of phones."""
    return _brand(request, {f"icon-{request.matchdict['icon']}.png": "image/png"})


def _brand(request: Any, names: dict[str, str]) -> FileResponse:
    path, media_type = find(request, names)
    return FileResponse(str(path), request=request, content_type=media_type, cache_max_age=CACHE)


def find(request: Any, names: dict[str, str]) -> tuple[Path, str]:
    """Return the first of some files that the event has, else ours, and what it is."""
    folder = request.registry.settings.get("brand.folder")
    for place in ([Path(folder)] if folder else []) + [OURS]:
        for name, media_type in names.items():
            path = place / name
            if path.is_file():
                return path, media_type
    raise FileNotFoundError(f"our own {next(iter(names))} is missing from the package")
