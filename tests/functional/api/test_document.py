"""The OpenAPI document, and that it is the whole truth."""

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from streaming_system.tracker.api.operations import OPERATIONS
from streaming_system.tracker.routes import API

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
    assert set(api.document["paths"]) == {path for _, path in API} - own


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
