"""The OpenAPI document, and that it is the whole truth."""

import json

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.api.problems import PROBLEM_TYPES
from streaming_system.tracker.routes import API_ROUTES

DOCUMENT = "/api/v1/openapi.json"


def test_the_document_is_valid_openapi(api):
    assert api.document["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(api.document).iter_errors()] == []


def test_it_says_where_the_api_is_wherever_the_tracker_is_mounted(tracker):
    answer = tracker.get(DOCUMENT, extra_environ={"SCRIPT_NAME": "/tracker"})

    assert answer.json["servers"] == [{"url": "/tracker/api/v1"}]


def test_it_need_not_be_sent_twice(tracker):
    first = tracker.get(DOCUMENT)

    again = tracker.get(DOCUMENT, headers={"If-None-Match": first.headers["ETag"]}, status=304)

    assert again.body == b""
    assert first.headers["Cache-Control"] == "max-age=300, public"
    assert first.headers["Access-Control-Allow-Origin"] == "*"


def test_every_address_and_every_operation_is_in_it(api):
    documented = {
        item[method]["operationId"] for item in api.document["paths"].values() for method in item
    }

    assert documented == {operation.id for operation in OPERATIONS}
    own = {"/openapi.json", "/"}
    assert set(api.document["paths"]) == {path for _, path in API_ROUTES} - own


def test_every_operation_has_a_view(tracker):
    views = [
        view["introspectable"] for view in tracker.app.registry.introspector.get_category("views")
    ]
    seen = {(view["request_methods"], view["route_name"]) for view in views}

    assert {(operation.method, operation.route) for operation in OPERATIONS} <= seen


@pytest.mark.parametrize("version", ["v2", "v0", "v1.1", "latest", "", "%C3%A4", "v2/rooms/hall"])
def test_an_unknown_version_is_told_which_there_are(tracker, version):
    answer = tracker.get(f"/api/{version}", status=404)

    assert answer.json["type"] == "/api/v1/#unknown-version"
    assert answer.json["supported"] == ["v1"]
    assert "supported" in tracker.put_json(f"/api/{version}", {}, status=404).json


def test_the_manual_has_every_operation_and_problem(root):
    manual = (root / "docs" / "tracker-api.md").read_text()

    assert [
        kind
        for kind in PROBLEM_TYPES
        if f"| `{kind}` | {PROBLEM_TYPES[kind].status} |" not in manual
    ] == []
    known = {"room": "hall", "endpoint": "edge1", "machine": "mixer1", "annotation": 7, "token": 3}
    paths = [dict(API_ROUTES)[operation.route].format(**known) for operation in OPERATIONS]
    assert [path for path in paths if f"$API{path}" not in manual] == []


def test_the_page_has_every_operation_schema_and_problem(tracker, api):
    page = tracker.get("/api/v1/")

    ids = {operation.id for operation in OPERATIONS} | set(PROBLEM_TYPES)
    ids |= {f"schema-{name}" for name in api.document["components"]["schemas"]}
    assert [name for name in ids if f'id="{name}"' not in page] == []
    assert "<script" not in page
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_the_lines_for_curl_send_what_the_api_takes(api, crew):
    for item in api.document["paths"].values():
        for method, operation in item.items():
            for media, content in operation.get("requestBody", {}).get("content", {}).items():
                path = next(path for path, known in api.document["paths"].items() if known is item)
                known = {"room": "hall", "endpoint": "edge1", "machine": "mixer1"}
                answer = api.request(
                    f"/api/v1{path.format(**known)}",
                    method=method.upper(),
                    body=json.dumps(content["example"]).encode(),
                    headers={**crew, "Content-Type": media},
                    status="*",
                )
                assert answer.status_int in (200, 201), answer.text
