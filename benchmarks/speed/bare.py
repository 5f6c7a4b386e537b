"""What rows compare with: an app that does nothing but the one thing that cannot be left out.

``bare.folder`` holds what it answers: NAME.body with NAME.type beside it is a page, NAME.json a
document. /NAME answers with it; /unchanged says that nothing has changed; a POST to /insert adds a
row to the database of ``bare.database``, if there is one.
"""

import json
from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.response import Response

ETAG = "a page that has not changed"


def main(global_config: dict[str, str], **settings: str) -> Any:
    """Return the app."""
    folder = Path(settings["bare.folder"])
    with Configurator(settings=settings) as config:
        for file in sorted(folder.glob("*.body")):
            kind = file.with_suffix(".type").read_text()
            add(config, file.stem, page(file.read_bytes(), kind))
        for file in sorted(folder.glob("*.json")):
            add(config, file.stem, document(json.loads(file.read_text())), renderer="json")
        add(config, "unchanged", unchanged)
        if settings.get("bare.database"):
            # Whoever measures how soon the app starts has no database.
            from .bare_insert import inserting, make_engine

            add(config, "insert", inserting(make_engine(settings["bare.database"])))
    return config.make_wsgi_app()


def add(config: Any, name: str, view: Any, **how: Any) -> None:
    """Answer an address by a view."""
    config.add_route(name, f"/{name}")
    config.add_view(view, route_name=name, **how)


def page(body: bytes, kind: str) -> Any:
    """Return a view that answers with some bytes."""

    def view(request: Any) -> Response:
        return Response(body, headerlist=[("Content-Type", kind)])

    return view


def document(value: object) -> Any:
    """Return a view that answers with a value, for the renderer."""

    def view(request: Any) -> object:
        return value

    return view


def unchanged(request: Any) -> Response:
    """Say that nothing has changed."""
    return Response(status=304, etag=ETAG)
