"""Static files at addresses that change with them, so that browsers may keep them for ever."""

import hashlib
from pathlib import Path
from typing import Any

from pyramid.httpexceptions import HTTPNotFound
from pyramid.response import Response
from pyramid.static import static_view

STATIC_DIR = Path(__file__).parent / "static"
ASSET_SPEC = "streaming_system.frontend:static/"
IMMUTABLE_MAX_AGE = 365 * 24 * 3600  # seconds
SHORT_MAX_AGE = 60  # seconds
VERSION_PATTERN = "{version:[0-9a-f]{12}}"


class StaticAssets:
    """The static files and their version, which is part of the address of each.

    The version is that of the whole folder, since modules name each other by relative addresses.

    :param watch: look for changed files with every page, for who is writing them.
    """

    def __init__(self, folder: Path = STATIC_DIR, *, watch: bool = False) -> None:
        self._folder = folder
        self._watch = watch
        self._seen = self._look()
        self._version = self._digest()

    @property
    def version(self) -> str:
        """What the files hold, as twelve characters."""
        if self._watch and (seen := self._look()) != self._seen:
            self._seen, self._version = seen, self._digest()
        return self._version

    def address(self, request: Any, path: str, options: Any) -> tuple[str, Any]:
        """Put the version before a file's path: what Pyramid calls a cache buster."""
        return f"{self.version}/{path}", options

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.rglob("*") if path.is_file())

    def _look(self) -> list[tuple[Path, int, int]]:
        files = [(path, path.stat()) for path in self._files()] if self._watch else []
        return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in files]

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in self._files():
            digest.update(str(path.relative_to(self._folder)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()[:12]


def includeme(config: Any) -> None:
    """Serve the files, by version for ever and without one for a minute."""
    watch = str(config.get_settings().get("pyramid.reload_templates", "")).lower() == "true"
    config.registry["assets"] = assets = StaticAssets(watch=watch)
    by_version = static_view(ASSET_SPEC, cache_max_age=SHORT_MAX_AGE, use_subpath=True)

    def versioned(context: Any, request: Any) -> Response:
        if not request.subpath:
            raise HTTPNotFound()
        response: Response = by_version(context, request)
        response.etag = assets.version
        # A page of before may ask for its modules after an upgrade: it gets those of today.
        if request.matchdict["version"] == assets.version:
            response.cache_control.max_age = IMMUTABLE_MAX_AGE
            response.cache_control.properties["immutable"] = None
        return response

    config.add_route("asset", f"/static/{VERSION_PATTERN}/*subpath", request_method=("GET", "HEAD"))
    config.add_view(versioned, route_name="asset")
    config.add_static_view("static", "static", cache_max_age=SHORT_MAX_AGE)
    config.add_cache_buster(ASSET_SPEC, assets.address)
