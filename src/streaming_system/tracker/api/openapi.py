"""Builds the OpenAPI document from the table of operations."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import colander

from streaming_system.tracker.api.json_schema import component_name, example_value, to_json_schema
from streaming_system.tracker.api.operation import Operation
from streaming_system.tracker.api.path_params import PATH_PARAMETERS
from streaming_system.tracker.api.problems import PROBLEM_TYPES
from streaming_system.tracker.schemas.problem import ProblemSchema

API_VERSION = "1.0"
API_DESCRIPTION = (
    "Endpoints, encoders and programs of the crew send reports to the tracker and query it. Times "
    "are RFC 3339 in UTC, bitrates are bit/s. Undeclared parameters and members are refused. Later "
    "revisions of v1 may add members to responses: ignore unknown ones. Errors are problem "
    "documents (RFC 9457); their `type` links to a description. Every path that has `GET` has "
    "`HEAD`, too. Pages of other sites may call operations that need no token, and no others: a "
    "token does not belong in a browser."
)


def problem_types_by_status(operation: Operation, path: str) -> Mapping[int, Sequence[str]]:
    """Return the types of problems that an operation can return, by status."""
    kinds = [*operation.problems, "too-many-requests", "service-unavailable"]
    if "{" in path or operation.query:
        kinds.append("bad-address")
    if operation.query or operation.body or "{" in path.replace("{room}", ""):
        kinds.append("invalid")
    if operation.body:
        kinds += ["bad-json", "body-too-large", "unsupported-media-type"]
    if operation.scopes:
        kinds += ["unauthorized", "forbidden"]
    if "{room}" in path:
        kinds.append("unknown-room")
    # A path whose parameter is empty or has an encoded slash matches no route.
    if "{" in path:
        kinds.append("not-found")
    by_status: dict[int, list[str]] = {}
    for kind, problem_type in PROBLEM_TYPES.items():
        if kind in kinds:
            by_status.setdefault(problem_type.status, []).append(kind)
    return by_status


def build_document(operations: Iterable[Operation], paths: Mapping[str, str]) -> dict[str, Any]:
    """Return the document without ``servers``.

    :param paths: the path below the API's prefix by route name.
    """
    components: dict[str, Any] = {}
    items: dict[str, Any] = {}
    for operation in operations:
        path = paths[operation.route]
        items.setdefault(path, {})[operation.method.lower()] = _operation_object(
            operation, path, components
        )
    problem = to_json_schema(ProblemSchema(), components)
    components["Problem"]["additionalProperties"] = True
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The tracker's API",
            "version": API_VERSION,
            "description": API_DESCRIPTION,
        },
        "paths": items,
        "components": {
            "schemas": components,
            "responses": {
                str(status): _problem_response_object(status, problem)
                for status in _problem_statuses()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token that the crew has issued: it begins with sst_.",
                }
            },
        },
    }


def _operation_object(
    operation: Operation, path: str, components: dict[str, Any]
) -> dict[str, Any]:
    parameters = [
        _parameter_object(PATH_PARAMETERS[name], "path", name, components)
        for name in PATH_PARAMETERS
        if f"{{{name}}}" in path
    ]
    if operation.query is not None:
        parameters += [
            _parameter_object(n, "query", n.name, components) for n in operation.query.children
        ]
    return {
        "operationId": operation.id,
        "tags": [operation.id.partition(".")[0]],
        "summary": operation.summary,
        **({"description": operation.description} if operation.description else {}),
        **({"parameters": parameters} if parameters else {}),
        **(
            {"requestBody": _request_body_object(operation, components)}
            if operation.body is not None
            else {}
        ),
        "responses": {
            **{
                str(status): _response_object(schema, components)
                for status, schema in operation.responses.items()
            },
            **{
                str(status): {"$ref": f"#/components/responses/{status}"}
                for status in problem_types_by_status(operation, path)
            },
        },
        "security": [{"token": []}] if operation.scopes else [],
    }


def _parameter_object(
    node: colander.SchemaNode, where: str, name: str, components: dict[str, Any]
) -> dict[str, Any]:
    schema = to_json_schema(node, components)
    return {
        "name": name,
        "in": where,
        "required": where == "path" or node.missing is colander.required,
        "description": schema.pop("description"),
        "schema": schema,
    }


def _request_body_object(operation: Operation, components: dict[str, Any]) -> dict[str, Any]:
    content = {
        "schema": to_json_schema(operation.body, components),
        "example": example_value(operation.body),
    }
    return {"required": True, "content": dict.fromkeys(operation.media, content)}


def _response_object(schema: Any, components: dict[str, Any]) -> dict[str, Any]:
    if schema is None:
        return {"description": "Success; the response has no body."}
    reference = to_json_schema(schema, components)
    return {
        "description": components[component_name(schema)]["description"],
        "content": {"application/json": {"schema": reference, "example": example_value(schema)}},
    }


def _problem_statuses() -> Iterable[int]:
    return sorted({problem_type.status for problem_type in PROBLEM_TYPES.values()})


def _problem_response_object(status: int, schema: Mapping[str, Any]) -> dict[str, Any]:
    types = {name: each for name, each in PROBLEM_TYPES.items() if each.status == status}
    response: dict[str, Any] = {
        "description": " ".join(f"`{name}`: {each.title}." for name, each in types.items()),
        "content": {"application/problem+json": {"schema": dict(schema)}},
    }
    headers = {401: "WWW-Authenticate", 403: "WWW-Authenticate", 429: "Retry-After"}
    headers |= {405: "Allow", 503: "Retry-After"}
    if status in headers:
        response["headers"] = {headers[status]: {"required": True, "schema": {"type": "string"}}}
    return response
