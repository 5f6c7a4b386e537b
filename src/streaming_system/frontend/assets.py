"""Static files at versioned URLs, which browsers can cache for ever."""

import hashlib
import time
from pathlib import Path
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.static import static_view

STATIC_DIR = Path(__file__).parent / "static"
ASSET_SPEC = "streaming_system.frontend:static/"
IMMUTABLE_MAX_AGE = 365 * 24 * 3600  # seconds
SHORT_MAX_AGE = 60  # seconds
# A page has forty links to files, and a check looks at each file.
WATCH_INTERVAL = 0.3  # seconds
VERSION_PATTERN = "{version:[0-9a-f]{12}}"
# Stylesheets that pages load as one file: a first visit waits for one response instead of eight.
_COMMON_STYLES = ("foundation.css", "site.css", "switcher.css")
BUNDLES = {
    "bundles/player.css": (
        *_COMMON_STYLES,
        *("player.css", "player-controls.css", "room.css"),
        *("actions.css", "share.css", "offline.css"),
    ),
    "bundles/venue.css": (*_COMMON_STYLES, "share.css", "offline.css"),
}


class StaticAssets:
    """The static files and their version, which is part of each URL.

    The whole folder has one version, because modules import each other by relative URLs.

    :param watch: check for changed files a few times in a second, for development.
    """

    def __init__(self, folder: Path = STATIC_DIR, *, watch: bool = False) -> None:
        self._folder = folder
        self._watch = watch
        self._file_stats = self._stat_files()
        self._checked_at = time.monotonic()
        self._version = self._digest()

    @property
    def version(self) -> str:
        """A hash of all files, in twelve characters."""
        if self._watch and time.monotonic() - self._checked_at > WATCH_INTERVAL:
            self._checked_at = time.monotonic()
            if (stats := self._stat_files()) != self._file_stats:
                self._file_stats, self._version = stats, self._digest()
        return self._version

    def bundle(self, name: str) -> str:
        """Return the text of a bundle.

        :raises KeyError: if there is no such bundle.
        """
        return "\n".join((self._folder / path).read_text("utf-8") for path in BUNDLES[name])

    def bust_cache(self, request: Any, path: str, options: Any) -> tuple[str, Any]:
        """Prefix a file's path with the version: a cache buster of Pyramid."""
        return f"{self.version}/{path}", options

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.rglob("*") if path.is_file())

    def _stat_files(self) -> list[tuple[Path, int, int]]:
        files = [(path, path.stat()) for path in self._files()] if self._watch else []
        return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in files]

    def _digest(self) -> str:
        digest = hashlib.sha256(repr(BUNDLES).encode())
        for path in self._files():
            digest.update(str(path.relative_to(self._folder)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:12]


def includeme(config: Any) -> None:
    """Serve the files: immutable at versioned URLs, for a minute at others."""
    watch = str(config.get_settings().get("pyramid.reload_templates", "")).lower() == "true"
    # An app that is built again has the files of the one before in its registry.
    assets = config.registry.get("assets") or StaticAssets(watch=watch)
    config.registry["assets"] = assets
    serve_file = static_view(ASSET_SPEC, cache_max_age=SHORT_MAX_AGE, use_subpath=True)

    def versioned(context: Any, request: Any) -> Response:
        if not request.subpath:
            raise HTTPNotFound()
        name = "/".join(request.subpath)
        response: Response = (
            Response(assets.bundle(name), content_type="text/css", charset="utf-8")
            if name in BUNDLES
            else serve_file(context, request)
        )
        response.etag = assets.version
        # After an upgrade, an open page still requests its version and gets the new files.
        if request.matchdict["version"] == assets.version:
            response.cache_control.max_age = IMMUTABLE_MAX_AGE
            response.cache_control.properties["immutable"] = None
        return response

    config.add_route("asset", f"/static/{VERSION_PATTERN}/*subpath", request_method=("GET", "HEAD"))
    config.add_view(versioned, route_name="asset")
    config.add_static_view("static", "static", cache_max_age=SHORT_MAX_AGE)
    config.add_cache_buster(ASSET_SPEC, assets.bust_cache)
