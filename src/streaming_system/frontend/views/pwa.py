"""Progressive web app: manifest, service worker, offline page."""

import json
from importlib.resources import files
from typing import Any

from pyramid.response import Response
from pyramid.view import view_config

from streaming_system.frontend.assets import STATIC_DIR
from streaming_system.frontend.brand import FAVICONS
from streaming_system.frontend.page_cache import page_response, with_etag
from streaming_system.frontend.views.branding import find_brand_file

MAX_AGE_SECONDS = 60  # seconds
MAX_SHORT_NAME_CHARS = 30
# Prefixes of files of crew and room pages, which need the network.
NOT_PRECACHED = (
    "crew",
    "embed",
    "first-frame",
    "graph",
    "monitor",
    "panels",
    "playback-reporter",
    "player",
    "polled-fragment",
    "posts",
    "room",
    "share",
    "sw",
    "theatre",
)


@view_config(route_name="manifest", http_cache=MAX_AGE_SECONDS)
def manifest(request: Any) -> Response:
    """Return the web app manifest (https://www.w3.org/TR/appmanifest/)."""
    home = request.route_path("index")
    title = request.site_title
    icons = [
        {
            "src": request.route_path("brand.icon", icon=icon),
            "sizes": f"{size}x{size}",
            "type": "image/png",
            "purpose": purpose,
        }
        for icon, size, purpose in (
            ("192", 192, "any"),
            ("512", 512, "any"),
            ("maskable", 512, "maskable"),
        )
    ]
    media_type = find_brand_file(request, FAVICONS, "favicon").media_type
    if media_type == "image/svg+xml":
        vector_icon = {
            "src": request.route_path("brand.favicon"),
            "sizes": "any",
            "type": media_type,
        }
        icons.append({**vector_icon, "purpose": "any"})
    document = {
        "id": home,
        "name": title,
        "short_name": title if len(title) <= MAX_SHORT_NAME_CHARS else title.split()[0],
        "start_url": home,
        "scope": home,
        "display": "standalone",
        "background_color": request.surface_colours("surface-0")["light"],
        "theme_color": request.surface_colours()["light"],
        "icons": icons,
    }
    body = json.dumps(document, ensure_ascii=False)
    return _text_response(request, body, "application/manifest+json")


@view_config(route_name="worker", http_cache=MAX_AGE_SECONDS)
def service_worker(request: Any) -> Response:
    """Return the service worker, which caches pages for offline use."""
    assets = request.registry["assets"]
    static = request.static_path("streaming_system.frontend:static/")
    site = {
        "version": assets.version,
        "static": static,
        "files": [f"{static}{name}" for name in _precached_files()],
        "offline": request.route_path("offline"),
        "schedule": request.route_path("schedule"),
        "home": request.route_path("index"),
        "title": request.site_title,
        "icon": request.route_path("brand.icon", icon="192"),
        "tracker": request.registry.settings["tracker.url"].rstrip("/") + "/",
    }
    script = files("streaming_system.frontend").joinpath("static/sw.js").read_text("utf-8")
    body = f"const SITE = {json.dumps(site)};\n{script}"
    response = _text_response(request, body, "text/javascript")
    response.headers["Service-Worker-Allowed"] = request.route_path("index")
    return response


@view_config(route_name="offline", renderer="offline.jinja2", http_cache=MAX_AGE_SECONDS)
def offline(request: Any) -> dict[str, Any]:
    """Show the page for devices without a network."""
    return {}


def _precached_files() -> list[str]:
    """Return the stylesheets and scripts of pages that work offline."""
    names = (path.name for path in STATIC_DIR.iterdir() if path.suffix in (".js", ".css"))
    return sorted(name for name in names if not name.startswith(NOT_PRECACHED))


def _text_response(request: Any, body: str, media_type: str) -> Response:
    response = page_response(request, with_etag(body), media_type)
    response.headers["Content-Type"] = media_type
    return response
