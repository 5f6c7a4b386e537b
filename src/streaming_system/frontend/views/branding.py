"""The logo, favicon, icons, social image and robots.txt: of the event, its theme, or ours."""

from pathlib import Path
from typing import Any

from pyramid.response import FileResponse
from pyramid.view import view_config

MAX_AGE_SECONDS = 3600  # seconds

# Allowed file names, by precedence, and their MIME types.
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
# For link previews. Messengers do not show vector graphics.
SOCIAL_IMAGES = {
    "social.png": "image/png",
    "social.jpg": "image/jpeg",
    "social.webp": "image/webp",
    "logo.png": "image/png",
    "logo.webp": "image/webp",
    "logo.jpg": "image/jpeg",
    "icon-512.png": "image/png",
}
ROBOTS = {"robots.txt": "text/plain"}

STATIC_DIR = Path(__file__).parent.parent / "static"


@view_config(route_name="brand.logo")
def logo(request: Any) -> FileResponse:
    """Return the event's logo."""
    return _brand_response(request, LOGOS, "logo")


@view_config(route_name="brand.favicon")
def favicon(request: Any) -> FileResponse:
    """Return the event's favicon."""
    return _brand_response(request, FAVICONS, "favicon")


@view_config(route_name="brand.picture")
def social_image(request: Any) -> FileResponse:
    """Return the image of link previews."""
    return _brand_response(request, SOCIAL_IMAGES, "social_image")


@view_config(route_name="brand.icon")
def icon(request: Any) -> FileResponse:
    """Return an icon for home screens."""
    return _brand_response(request, {f"icon-{request.matchdict['icon']}.png": "image/png"}, "")


@view_config(route_name="brand.robots")
def robots(request: Any) -> FileResponse:
    """Return the event's robots.txt."""
    return _brand_response(request, ROBOTS, "")


def _brand_response(request: Any, names: dict[str, str], kind: str) -> FileResponse:
    path, media_type = find_brand_file(request, names, kind)
    return FileResponse(
        str(path), request=request, content_type=media_type, cache_max_age=MAX_AGE_SECONDS
    )


def find_brand_file(request: Any, names: dict[str, str], kind: str = "") -> tuple[Path, str]:
    """Return a file and its MIME type: the event's, else the theme's, else ours.

    :param kind: the attribute of the theme with the file's path.
    """
    folder = request.registry.settings.get("brand.folder")
    theme = request.theme.theme if request.theme else None
    theme_file = theme.file(getattr(theme, kind)) if theme and kind else None
    found = (
        (_first_existing(Path(folder), names) if folder else None)
        or theme_file
        or _first_existing(STATIC_DIR, names)
    )
    if found is None:
        raise FileNotFoundError(f"the default {next(iter(names))} is missing from the package")
    return found


def _first_existing(folder: Path, names: dict[str, str]) -> tuple[Path, str] | None:
    files = ((folder / name, media_type) for name, media_type in names.items())
    return next((file for file in files if file[0].is_file()), None)
