"""The OpenAPI document, the page and the manual describe every operation."""

import json
import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.api.problems import PROBLEM_TYPES
from streaming_system.tracker.routes import API_ROUTES

DOCUMENT = "/api/v1/openapi.json"


def test_document_is_valid_openapi(api):
    assert api.document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(api.document).iter_errors()] == []


def test_server_url_has_the_prefix_of_the_tracker(tracker):
    response = tracker.get(DOCUMENT, extra_environ={"SCRIPT_NAME": "/tracker"})

    assert response.json["servers"] == [{"url": "/tracker/api/v1"}]


def test_document_supports_conditional_requests(tracker):
    first = tracker.get(DOCUMENT)

    again = tracker.get(DOCUMENT, headers={"If-None-Match": first.headers["ETag"]}, status=304)

    assert again.body == b""
    assert first.headers["Cache-Control"] == "max-age=300, public"
    assert first.headers["Access-Control-Allow-Origin"] == "*"


def test_document_has_every_path_and_operation(api):
    documented = {
        item[method]["operationId"] for item in api.document["paths"].values() for method in item
    }

    assert documented == {operation.id for operation in OPERATIONS}
    undocumented = {"/openapi.json", "/"}
    assert set(api.document["paths"]) == {path for _, path in API_ROUTES} - undocumented


def test_every_operation_has_a_view(tracker):
    views = [
        view["introspectable"] for view in tracker.app.registry.introspector.get_category("views")
    ]
    registered = {(view["request_methods"], view["route_name"]) for view in views}

    assert {(operation.method, operation.route) for operation in OPERATIONS} <= registered


@pytest.mark.parametrize("version", ["v2", "v0", "v1.1", "latest", "", "%C3%A4", "v2/rooms/hall"])
def test_unknown_version_gets_the_supported_ones(tracker, version):
    response = tracker.get(f"/api/{version}", status=404)

    assert response.json["type"] == "/api/v1/#unknown-version"
    assert response.json["supported"] == ["v1"]
    assert "supported" in tracker.put_json(f"/api/{version}", {}, status=404).json


def test_manual_has_every_operation_and_problem(root):
    manual = (root / "docs/how-to/use-the-api.md").read_text()
    reference = (root / "docs/reference/http-api.md").read_text()

    assert [
        kind
        for kind in PROBLEM_TYPES
        if f"| `{kind}` | {PROBLEM_TYPES[kind].status} |" not in reference
    ] == []
    examples = {
        "room": "hall",
        "endpoint": "edge1",
        "machine": "mixer1",
        "talk": "b3a1f0c2",
        "annotation": 7,
        "token": 3,
        "key": 3,
    }
    paths = [dict(API_ROUTES)[operation.route].format(**examples) for operation in OPERATIONS]
    assert [path for path in paths if f"$API{path}" not in manual] == []


def test_page_has_every_operation_schema_and_problem(tracker, api):
    page = tracker.get("/api/v1/")

    ids = {operation.id for operation in OPERATIONS} | set(PROBLEM_TYPES)
    ids |= {f"schema-{name}" for name in api.document["components"]["schemas"]}
    assert [name for name in ids if f'id="{name}"' not in page] == []
    assert re.findall(r"<script(?! src=)", page.text) == []
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_examples_are_valid_request_bodies(api, crew):
    for item in api.document["paths"].values():
        for method, operation in item.items():
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                path = next(path for path, known in api.document["paths"].items() if known is item)
                known = {"room": "hall", "endpoint": "edge1", "machine": "mixer1", "talk": "x"}
                response = api.request(
                    f"/api/v1{path.format(**known)}",
                    method=method.upper(),
                    body=json.dumps(content["example"]).encode(),
                    headers={**crew, "Content-Type": media},
                    status="*",
                )
                # This tracker has no schedule, and no contact for push services.
                is_refused = response.text.startswith(
                    ('{"type":"/api/v1/#unknown-talk"', '{"type":"/api/v1/#reminders-off"')
                )
                assert response.status_int in (200, 201) or is_refused, response.text
