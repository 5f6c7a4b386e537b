"""The app that rows are compared with: it does only what is necessary.

``bare.folder`` contains its responses: NAME.body with NAME.type is a page, NAME.json a document;
both are served at /NAME. /unchanged responds with 304. A POST to /insert adds a row to the database
of ``bare.database``, if that is set.
"""

import json
from pathlib import Path
from typing import Any

from pyramid.config import Configurator
from pyramid.response import Response

ETAG = "a page that has not changed"


def main(global_config: dict[str, str], **settings: str) -> Any:
    folder = Path(settings["bare.folder"])
    with Configurator(settings=settings) as config:
        for file in sorted(folder.glob("*.body")):
            media_type = file.with_suffix(".type").read_text()
            add_route(config, file.stem, page_view(file.read_bytes(), media_type))
        for file in sorted(folder.glob("*.json")):
            add_route(config, file.stem, json_view(json.loads(file.read_text())), renderer="json")
        add_route(config, "unchanged", not_modified)
        if settings.get("bare.database"):
            # Measurements of the start time have no database, and must not import SQLAlchemy.
            from .bare_insert import insert_view, make_engine

            add_route(config, "insert", insert_view(make_engine(settings["bare.database"])))
    return config.make_wsgi_app()


def add_route(config: Any, name: str, view: Any, **options: Any) -> None:
    config.add_route(name, f"/{name}")
    config.add_view(view, route_name=name, **options)


def page_view(body: bytes, media_type: str) -> Any:
    """Return a view that responds with some bytes."""

    def view(request: Any) -> Response:
        return Response(body, headerlist=[("Content-Type", media_type)])

    return view


def json_view(value: object) -> Any:
    """Return a view that returns a value to the renderer."""

    def view(request: Any) -> object:
        return value

    return view


def not_modified(request: Any) -> Response:
    return Response(status=304, etag=ETAG)
