"""The logo, favicon, icons, social image and robots.txt: of the event, its theme, or ours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend.brand import (
    FAVICONS,
    ICONS,
    LOGOS,
    ROBOTS,
    SOCIAL_IMAGES,
    BrandFile,
    BrandFolder,
)

# A change of a file reaches browsers and proxies within this time.
MAX_AGE_SECONDS = 60

BUILTIN_FILES = BrandFolder(Path(__file__).parent.parent / "static")


@view_config(route_name="brand.logo")
def logo(request: Any) -> Response:
    """Return the event's logo."""
    return _brand_response(request, LOGOS, "logo")


@view_config(route_name="brand.favicon")
def favicon(request: Any) -> Response:
    """Return the event's favicon."""
    return _brand_response(request, FAVICONS, "favicon")


@view_config(route_name="brand.picture")
def social_image(request: Any) -> Response:
    """Return the image of link previews."""
    return _brand_response(request, SOCIAL_IMAGES, "social_image")


@view_config(route_name="brand.icon")
def icon(request: Any) -> Response:
    """Return an icon for home screens."""
    name = f"icon-{request.matchdict['icon']}.png"
    return _brand_response(request, {name: ICONS[name]}, "")


@view_config(route_name="brand.robots")
def robots(request: Any) -> Response:
    """Return the event's robots.txt."""
    return _brand_response(request, ROBOTS, "")


def _brand_response(request: Any, names: Mapping[str, str], kind: str) -> Response:
    file = find_brand_file(request, names, kind)
    charset = "utf-8" if file.media_type.startswith("text/") else None
    response = Response(file.body, content_type=file.media_type, charset=charset, request=request)
    response.etag = file.etag
    response.conditional_response = True
    response.cache_control.max_age = MAX_AGE_SECONDS
    return response


def find_brand_file(request: Any, names: Mapping[str, str], kind: str = "") -> BrandFile:
    """Return a file: the event's, else the theme's, else ours.

    :param kind: the attribute of the theme with the file's path.
    """
    path = getattr(request.theme.theme, kind) if request.theme and kind else ""
    theme_file = request.theme.files.get(path) if path else None
    found = (
        request.registry["brand"].find(names)
        or (theme_file and BrandFile(name=path, media_type=theme_file[1], body=theme_file[0]))
        or BUILTIN_FILES.find(names)
    )
    if found is None:
        raise FileNotFoundError(f"the default {next(iter(names))} is missing from the package")
    return found
